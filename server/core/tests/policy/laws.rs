//! Laws that hold for all rules and commands.

use codeplane_core::policy::Effect;
use proptest::prelude::*;

use crate::kit::{bash, judge, ready, rules};

const RULES: &[&str] = &[
    "allow Bash(ls:*)",
    "allow Bash(git log:*)",
    "allow Bash(echo:*)",
    "allow Bash",
    "deny Bash(rm:*)",
    "deny Bash(git push:*)",
    "ask Bash(echo:*)",
    r#"{"effect":"deny","path":"~/secrets/**"}"#,
    "allow Write",
    "deny Write(/repo/x)",
    r#"{"effect":"ask","args_any":["-f"]}"#,
];
const PIECES: &[&str] = &[
    "ls",
    "rm",
    "git",
    "log",
    "push",
    "-f",
    "x",
    "'",
    "\"",
    "$",
    "(",
    ")",
    "`",
    ";",
    "|",
    "&",
    "\n",
    " ",
    " ",
    " ",
    "<",
    ">",
    "~/secrets/k",
    "{",
    "}",
    ",",
    "\\",
    "#",
    "echo",
    "<<E",
    "E",
    "\t",
    "=",
    "*",
    "sudo",
    "bash -c",
    "\r",
    "é",
    "$'",
    "if",
    "done",
    "A=1",
];

fn command() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_order_of_rules_never_matters(command in command(), chosen in Just(RULES.to_vec()).prop_shuffle(), count in 0..=RULES.len()) {
        let some = &chosen[..count];
        let reversed: Vec<&str> = some.iter().rev().copied().collect();

        let (one, other) = (ready(rules(some)), ready(rules(&reversed)));

        prop_assert_eq!(judge(&one, &bash(&command)).decision, judge(&other, &bash(&command)).decision);
    }

    #[test]
    fn another_denial_never_widens(command in command(), some in prop::sample::subsequence(RULES.to_vec(), 0..RULES.len()), denial in prop::sample::select(RULES)) {
        prop_assume!(!denial.contains("allow"));
        let mut more = some.clone();
        more.push(denial);

        let before = judge(&ready(rules(&some)), &bash(&command)).decision;
        let after = judge(&ready(rules(&more)), &bash(&command)).decision;

        prop_assert!(after >= before, "{command:?}: {before:?} became {after:?}");
    }

    #[test]
    fn a_denied_command_stays_denied_however_it_is_quoted(styles in prop::collection::vec(0..4_usize, 8), wrap in 0..14_usize) {
        let quoted: String = "rm".chars().zip(&styles).map(|(c, style)| match style {
            0 => c.to_string(),
            1 => format!("'{c}'"),
            2 => format!("\"{c}\""),
            _ => format!("\\{c}"),
        }).collect();
        let command = match wrap {
            0 => format!("{quoted} -rf x"),
            1 => format!("ls; {quoted} x"),
            2 => format!("sudo -n {quoted} x"),
            3 => format!("echo $({quoted} x)"),
            4 => format!("A=1 {quoted} x"),
            5 => format!("env -u X A=1 {quoted} x"),
            6 => format!("ls | xargs -n 1 -P 4 {quoted}"),
            7 => format!("timeout -k 5 10 nice -n 3 {quoted} x"),
            8 => format!("find . -type f -exec {quoted} {{}} +"),
            9 => format!("cat <<E\n$({quoted} x)\nE"),
            10 => format!("echo a | tee >({quoted} x)"),
            11 => format!("if ls; then {quoted} x; fi"),
            12 => format!("docker exec -it c {quoted} x"),
            _ => format!("ls && (cd sub; {quoted} x)"),
        };
        let rules = ready(rules(&["allow Bash", "deny Bash(rm:*)"]));

        prop_assert_eq!(judge(&rules, &bash(&command)).decision.name(), "deny", "{}", command);
    }

    #[test]
    fn another_allowance_never_denies_and_never_lifts_a_denial(command in command(), some in prop::sample::subsequence(RULES.to_vec(), 0..RULES.len()), allowance in prop::sample::select(RULES)) {
        prop_assume!(allowance.starts_with("allow"));
        let mut more = some.clone();
        more.push(allowance);

        let before = judge(&ready(rules(&some)), &bash(&command)).decision;
        let after = judge(&ready(rules(&more)), &bash(&command)).decision;

        prop_assert!(after <= before, "{command:?}: {before:?} became {after:?}");
        prop_assert_eq!(after == Effect::Deny, before == Effect::Deny, "{:?}", command);
    }

    #[test]
    fn no_text_stops_the_reader(command in "\\PC{0,200}") {
        judge(&ready(rules(RULES)), &bash(&command));
    }
}
