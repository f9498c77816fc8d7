//! Tables of commands in files: what is decided about each, and by which rules.

use codeplane_core::policy::{Document, Format, Rule, starter};

use crate::kit::{bash, judge, ready, rules};

/// The cases of a table: decision and command. Rules come first.
fn parts(table: &str) -> (Vec<&str>, Vec<(&str, String)>) {
    let lines = || table.lines().filter(|line| !line.starts_with('#'));
    let cases = lines().filter_map(|line| line.split_once(" | "));
    let cases = cases.map(|(decision, command)| (decision.trim(), command.replace('⏎', "\n")));
    (lines().filter_map(|line| line.strip_prefix("rule: ")).collect(), cases.collect())
}

/// Holds a table to its decisions; the rules for a command are asked for one by one.
fn hold(table: &str, rules_for: impl Fn(&str) -> Vec<String>) {
    hold_to(table, |command| {
        let lines = rules_for(command);
        rules(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    });
}

fn hold_to(table: &str, rules_for: impl Fn(&str) -> Vec<Rule>) {
    let (_, cases) = parts(table);
    assert!(cases.len() > 50, "the table has only {} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(expected, command)| {
            let verdict = judge(&ready(rules_for(command)), &bash(command));
            let found = verdict.decision.name();
            (found != *expected)
                .then(|| format!("{command:?}: {found}, not {expected}: {:?}", verdict.reasons))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn hold_wildcards(table: &str) {
    hold(table, |command| {
        let program = command.split_whitespace().next().unwrap_or_default();
        vec![format!("allow Bash({program}:*)")]
    });
}

fn hold_rules(table: &str) {
    let (rules, _) = parts(table);
    hold(table, |_| rules.iter().map(|rule| (*rule).to_owned()).collect());
}

#[test]
fn a_wildcard_allows_what_a_program_is_for_and_no_more() {
    hold_wildcards(include_str!("cases/wildcards_git.txt"));
    hold_wildcards(include_str!("cases/wildcards_network.txt"));
    hold_wildcards(include_str!("cases/wildcards_builders.txt"));
    hold_wildcards(include_str!("cases/wildcards_interpreters.txt"));
    hold_wildcards(include_str!("cases/wildcards_text.txt"));
    hold_wildcards(include_str!("cases/wildcards_tools.txt"));
    hold_wildcards(include_str!("cases/wildcards_checkers.txt"));
}

#[test]
fn a_line_is_taken_apart_as_bash_does() {
    hold_rules(include_str!("cases/lines.txt"));
}

#[test]
fn a_denied_command_is_found_where_it_runs() {
    hold_rules(include_str!("cases/denied.txt"));
    hold_rules(include_str!("cases/hidden.txt"));
    hold_rules(include_str!("cases/wrappers.txt"));
}

#[test]
fn the_developer_policy_asks_about_what_leaves_and_about_nothing_of_every_day() {
    let (name, text) = starter::all()[2];
    let document = Document::read_all(text, Format::Yaml, name).unwrap().remove(0);

    assert_eq!(name, "developer");
    hold_to(include_str!("cases/developer.txt"), |_| document.rules.clone());
}

#[test]
fn everyday_work_is_allowed() {
    hold_rules(include_str!("cases/everyday.txt"));
}
