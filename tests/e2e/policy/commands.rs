//! History, rollback, comparing and editing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use codeplane_tests::{Ended, Finished, PATIENCE, TerminalSize, TestDaemon, Tty, binary, run};

use super::kit::{TEAM, apply, done, fails, file, policy};

/// A script for an editor; `$1` is the file.
fn editor(daemon: &TestDaemon, script: &str) -> String {
    let editor = file(daemon, "editor.sh", &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o700)).unwrap();
    editor
}

/// `cpctl policy edit team` without a terminal.
fn edit(daemon: &TestDaemon, script: &str) -> Finished {
    let editor = editor(daemon, script);
    let mut command = daemon.command("cpctl");
    command.args(["policy", "edit", "team"]).env("VISUAL", &editor).env("TMPDIR", daemon.home());
    run(&mut command, b"", PATIENCE)
}

/// `cpctl policy edit team` as a person calls it.
fn edit_in_a_terminal(daemon: &TestDaemon, script: &str) -> Tty {
    let mut env = daemon.environment();
    env.push(("VISUAL".into(), editor(daemon, script).into()));
    env.push(("TMPDIR".into(), daemon.home().into()));
    let mut argv = vec![binary("cpctl").into_os_string()];
    argv.extend(["policy", "edit", "team"].map(Into::into));
    // So wide that no line is divided.
    Tty::spawn(&argv, &env, TerminalSize { cols: 200, rows: 24 })
}

#[test]
fn history_shows_who_changed_what_and_rollback_goes_back_as_a_new_revision() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    apply(&daemon, &TEAM.replace("echo:*", "printf:*").replace("echo a", "printf a"));

    let told = policy(&daemon, &["rollback", "team"]).success();

    assert_eq!(told, "team revision 3 changed\n");
    assert_eq!(policy(&daemon, &["get", "team"]).success(), TEAM);
    let history = policy(&daemon, &["history", "team", "-o", "jsonl"]).success();
    let notes: Vec<String> = history
        .lines()
        .map(|line| {
            let revision: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(revision["principal"].as_str().unwrap().starts_with("uid:"), "{line}");
            format!("{} {}", revision["revision"], revision["note"].as_str().unwrap())
        })
        .collect();
    assert_eq!(notes, ["3 back to revision 1", "2 ", "1 "]);
    fails(policy(&daemon, &["rollback", "team", "9"]), 3);
    fails(policy(&daemon, &["rollback", "other"]), 3);
}

#[test]
fn a_deleted_policy_keeps_its_history_and_comes_back() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    done(policy(&daemon, &["delete", "team"]));

    fails(policy(&daemon, &["get", "team"]), 3);
    fails(policy(&daemon, &["delete", "team"]), 3);
    assert_eq!(policy(&daemon, &["get", "team", "--revision", "1"]).success(), TEAM);

    let told = policy(&daemon, &["rollback", "team"]).success();
    assert_eq!(told, "team revision 2 created\n");
}

#[test]
fn two_revisions_are_compared_line_by_line() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    fails(policy(&daemon, &["diff", "team"]), 2);
    apply(&daemon, &TEAM.replace("reason: because", "reason: it is late"));

    let newest = policy(&daemon, &["diff", "team"]).success();
    let named = policy(&daemon, &["diff", "team", "2", "1"]).success();

    assert!(newest.contains("-  reason: because\n+  reason: it is late\n"), "{newest}");
    assert!(named.contains("-  reason: it is late\n+  reason: because\n"), "{named}");
}

#[test]
fn what_an_editor_changes_is_applied() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);

    let told = edit(&daemon, "sed -i 's/because/it is late/' \"$1\"").success();

    assert_eq!(told, "team revision 2 changed\n");
    let text = policy(&daemon, &["get", "team"]).success();
    assert_eq!(text, TEAM.replace("because", "it is late"));
}

#[test]
fn nothing_is_applied_that_an_editor_left_alone_or_gave_up() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);

    let unchanged = edit(&daemon, "true");
    assert!(unchanged.stderr.contains("nothing was changed"), "{}", unchanged.stderr);
    assert_eq!(unchanged.code, 0);
    assert!(edit(&daemon, "exit 3").failure(2).contains("failed"));

    let history = policy(&daemon, &["history", "team", "-o", "jsonl"]).success();
    assert_eq!(history.lines().count(), 1);
    let left: Vec<_> = fs::read_dir(daemon.home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with("cpctl-"))
        .collect();
    assert_eq!(left.len(), 0, "{left:?}");
}

#[test]
fn an_editor_opens_again_with_what_is_wrong() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    let seen = daemon.home().join("seen");

    // The first time it breaks the file, the second time it mends it.
    let script = format!(
        "if grep -q '^#! ' \"$1\"; then cp \"$1\" {seen}; sed -i 's/alow/ask/' \"$1\"\n\
         else sed -i 's/effect: allow/effect: alow/' \"$1\"; fi",
        seen = seen.display()
    );
    let mut tty = edit_in_a_terminal(&daemon, &script);

    tty.expect("team revision 2 changed");
    assert_eq!(tty.wait(), Ended::Code(0));
    let shown = fs::read_to_string(seen).unwrap();
    // Where the editor has it: one line below that of the file.
    assert!(shown.starts_with("#! team:7:") && shown.contains("effect: alow"), "{shown}");
    let text = policy(&daemon, &["get", "team"]).success();
    assert_eq!(text, TEAM.replace("effect: allow", "effect: ask"));
}

#[test]
fn what_cannot_be_applied_is_kept_for_its_author() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);

    // Without a terminal nobody could mend it.
    let said = edit(&daemon, "sed -i 's/effect: allow/effect: alow/' \"$1\"").failure(2);

    assert!(said.starts_with("team:6:"), "{said}");
    let path = said.trim().rsplit(' ').next().unwrap();
    let kept = TEAM.replace("effect: allow", "effect: alow");
    assert_eq!(fs::read_to_string(path).unwrap(), kept, "{said}");
    assert_eq!(policy(&daemon, &["get", "team"]).success(), TEAM);
}

#[test]
fn an_editor_that_leaves_what_was_refused_is_not_opened_for_ever() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);

    // It changes what it is told, not what was wrong.
    let mut tty = edit_in_a_terminal(&daemon, "sed -i 's/effect/efect/' \"$1\"");

    tty.expect("'efect' is not a member of a rule: is it 'effect'?");
    tty.expect("not applied; what you wrote is in");
    assert_eq!(tty.wait(), Ended::Code(2));
    assert_eq!(policy(&daemon, &["get", "team"]).success(), TEAM);
}

#[test]
fn an_edit_that_somebody_overtook_is_refused() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    let other = file(&daemon, "other.yaml", &TEAM.replace("because", "of the other"));
    let cpctl = binary("cpctl");

    let script = format!(
        "{} policy apply -f {other} >&2; sed -i 's/because/of mine/' \"$1\"",
        cpctl.display()
    );
    let said = edit(&daemon, &script).failure(5);

    assert!(said.contains("changed meanwhile"), "{said}");
    assert!(policy(&daemon, &["get", "team"]).success().contains("of the other"));
}
