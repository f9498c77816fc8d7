//! Conditions, expiry, arguments, and rules that cannot be read.

use codeplane_core::policy::Effect;

use crate::kit::{NOW_MS, bash, hold, judge, judge_at, ready, rule, rules};

#[test]
fn a_condition_is_true_false_or_unknown() {
    let cases = [
        (r#"{"effect":"deny","tool":"Bash","provider":"claude"}"#, "deny"),
        (r#"{"effect":"deny","tool":"Bash","provider":["codex","claude"]}"#, "deny"),
        (r#"{"effect":"deny","tool":"Bash","provider":"codex"}"#, "allow"),
        (r#"{"effect":"deny","tool":"Bash","user":"bob"}"#, "allow"),
        (r#"{"effect":"deny","tool":"Bash","labels":{"env":"dev"}}"#, "deny"),
        (r#"{"effect":"deny","tool":"Bash","labels":{"env":["prod"]}}"#, "allow"),
        (r#"{"effect":"deny","tool":"Bash","labels":{"team":"x"}}"#, "ask"),
        (r#"{"effect":"ask","tool":"Bash","labels":{"team":"x"}}"#, "ask"),
        (r#"{"effect":"deny","tool":"Bash","labels":{"team":"x"},"provider":"codex"}"#, "allow"),
        (r#"{"effect":"deny","tool":"Bash(rm:*)","labels":{"team":"x"}}"#, "allow"),
        (r#"{"effect":"deny","tool":"Bash","cwd":"/repo/**"}"#, "deny"),
        (r#"{"effect":"deny","tool":"Bash","cwd":"/other/**"}"#, "allow"),
        (r#"{"effect":"deny","tool":"Bash","expires_at":"2020-01-01T00:00:00Z"}"#, "allow"),
        (r#"{"effect":"deny","tool":"Bash","expires_at":"2999-01-01T00:00:00Z"}"#, "deny"),
        (r#"{"effect":"deny"}"#, "deny"),
        (r#"{"effect":"deny","tool":"*"}"#, "deny"),
        (r#"{"effect":"deny","tool":"Read"}"#, "allow"),
        (r#"{"effect":"deny","args_any":["-l"]}"#, "deny"),
        (r#"{"effect":"deny","args_any":["-x"]}"#, "allow"),
    ];
    for (line, expected) in cases {
        hold(&["allow Bash(ls:*)", line], &[(expected, "ls -la")]);
    }
    let allows = [
        (r#"{"effect":"allow","tool":"Bash(ls:*)","labels":{"team":"x"}}"#, "ask"),
        (r#"{"effect":"allow","tool":"Bash(ls:*)","labels":{"env":"dev"}}"#, "allow"),
        (r#"{"effect":"allow","command":"ls:*","args_any":["-la"]}"#, "allow"),
        (r#"{"effect":"allow","command":"ls:*","args_any":["-l"]}"#, "ask"),
        (r#"{"effect":"allow","tool":"Bash(ls:*)","expires_at":"2020-01-01T00:00:00Z"}"#, "ask"),
        (r#"{"effect":"allow"}"#, "allow"),
        (r#"{"effect":"allow","tool":["Bash","Read"],"command":"ls *"}"#, "allow"),
        (r#"{"effect":"allow","tool":"B*"}"#, "allow"),
        (r#"{"effect":"allow","tool":"Bash","cwd":"/repo"}"#, "allow"),
        (r#"{"effect":"allow","tool":"Bash","path":"/repo/**"}"#, "ask"),
    ];
    for (line, expected) in allows {
        hold(&[line], &[(expected, "ls -la")]);
    }
}

#[test]
fn a_missing_cwd_is_unknown() {
    let rules =
        ready(rules(&["allow Bash(ls:*)", r#"{"effect":"deny","tool":"Bash","cwd":"/x"}"#]));
    let mut request = bash("ls");
    request.cwd = None;

    assert_eq!(judge(&rules, &request).decision, Effect::Ask);
}

#[test]
fn a_rule_of_a_set_that_is_kept_counts_until_it_expires() {
    let rules = ready(rules(&[
        r#"{"effect":"deny","tool":"Bash(ls a)","expires_at":"2027-01-15T08:00:00Z"}"#,
        r#"{"effect":"allow","tool":"Bash(ls b)","expires_at":"2027-01-15T08:00:00Z"}"#,
    ]));

    let at = |now_ms: i64, command: &str| judge_at(&rules, &bash(command), now_ms).decision;

    assert_eq!([at(NOW_MS - 1, "ls a"), at(NOW_MS - 1, "ls b")], [Effect::Deny, Effect::Allow]);
    assert_eq!([at(NOW_MS, "ls a"), at(NOW_MS, "ls b")], [Effect::Ask, Effect::Ask]);
}

#[test]
fn rules_that_cannot_be_read_are_errors() {
    for line in [
        r#"{"effect":"permit"}"#,
        r"{}",
        r#"{"effect":"allow","comand":"x"}"#,
        r#"{"effect":"allow","command":"git*"}"#,
        r#"{"effect":"allow","tool":"Bash(git*:*)"}"#,
        r#"{"effect":"allow","command":"git * push"}"#,
        r#"{"effect":"allow","command":"a; b"}"#,
        r#"{"effect":"allow","command":"$x"}"#,
        r#"{"effect":"allow","command":""}"#,
        r#"{"effect":"allow","command":"a","path":"b"}"#,
        r#"{"effect":"allow","tool":"Bash(a)","command":"b"}"#,
        r#"{"effect":"allow","expires_at":"soon"}"#,
        r#"{"effect":"allow","tool":7}"#,
        r#"{"effect":"allow","tool":"Bash("}"#,
        r#"{"effect":"allow","tool":"Bash()"}"#,
        r#"{"effect":"allow","domain":"http://x"}"#,
        r#"{"effect":"allow","tool":"WebFetch(x.org)"}"#,
        r#"{"effect":"allow","effect":"deny"}"#,
        r#"{"effect":"allow","always_ask":"yes"}"#,
        r#"{"effect":"allow","examples":{"x":"y"}}"#,
    ] {
        assert!(rule(line, 0).is_err(), "{line}");
    }
}
