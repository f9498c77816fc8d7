//! What whoever decides is shown.

use codeplane_core::policy::Effect;

use crate::kit::{bash, judge, ready, rules};

#[test]
fn whoever_decides_sees_characters_that_hide_something() {
    let rules = ready(rules(&["allow Bash(git push)"]));
    let shown = |command: &str| -> Vec<String> {
        let verdict = judge(&rules, &bash(command));
        assert_eq!(verdict.decision, Effect::Ask, "{command:?}");
        verdict.units.into_iter().map(|unit| unit.text).collect()
    };

    assert_eq!(shown("git push\u{1b}[2J"), ["git push\u{1b}[2J"]);
    assert_eq!(shown("ls; git \u{202e}hsup >a\u{7}b"), ["ls", "git \u{202e}hsup", "a\u{7}b"]);
    assert_eq!(shown("ls a\rrm b"), ["ls a\r", "rm b"]);
    // Each is shown as the whole where they cannot be told apart.
    assert_eq!(shown("\u{1b}; ls"), ["\u{1b}; ls"]);
}

#[test]
fn a_default_says_what_it_is_about_as_it_was_written() {
    let verdict = judge(&ready(Vec::new()), &bash("git push\u{1b}[2J"));

    assert!(verdict.reasons.iter().any(|why| why.contains("'git push\u{1b}[2J'")), "{verdict:?}");
}

#[test]
fn a_denial_gives_no_reason_but_what_denies() {
    let rules = ready(rules(&["ask Bash(git push:*)", "deny Bash(git push --force:*)"]));

    let denied = judge(&rules, &bash("git push --force"));
    let asked = judge(&rules, &bash("git push"));

    assert_eq!((denied.decision, asked.decision), (Effect::Deny, Effect::Ask));
    assert!(denied.reasons.iter().all(|why| why.contains("denies")), "{denied:?}");
    assert!(asked.reasons.iter().any(|why| why.contains("asks")), "{asked:?}");
}
