//! Calls of which nobody told in which directory they are made, or told it by a link.

use codeplane_core::policy::{Effect, Places, Request, RuleSet};

use crate::kit::{HOME, Machine, bash, judge, ready, request, rules};

/// What is said of a call of which nobody told where it is made.
fn judge_nowhere(lines: &[&str], mut request: Request) -> &'static str {
    (request.cwd, request.workspace) = (None, None);
    let places = Places { home: HOME.to_owned(), workspace: None };
    let rules = RuleSet::new(rules(lines), Effect::Ask, &places, &Machine);
    judge(&rules, &request).decision.name()
}

#[test]
fn where_the_directory_is_not_known_what_is_denied_is_denied_all_the_same() {
    let lines = [
        "allow Bash",
        "allow Read",
        "allow Tracker",
        r#"{"effect":"deny","path":"/etc/**"}"#,
        r#"{"effect":"deny","path":"~/.ssh/**"}"#,
        r#"{"effect":"deny","path":"**/.env"}"#,
        r#"{"effect":"deny","path":"keys.txt"}"#,
    ];
    for (expected, command) in [
        ("deny", "cat /etc/passwd"),
        ("ask", "cat /etc/p*"),
        ("deny", "cat ~/.ssh/id"),
        ("deny", "cat .env"),
        ("deny", "cat web/.env"),
        ("deny", "cat x=.env"),
        ("deny", "cat keys.txt"),
        ("deny", "cat ../../etc/passwd"),
        ("ask", "touch ~/.bashrc"),
        ("ask", "cp a .mcp.json"),
        ("ask", "git -C /etc2 log"),
        ("allow", "cat src/main.rs"),
        ("allow", "git status"),
    ] {
        assert_eq!(judge_nowhere(&lines, bash(command)), expected, "{command}");
    }
    for (expected, tool, input) in [
        ("deny", "Read", r#"{"file_path":".env"}"#),
        ("ask", "Read", r#"{"file_path":"src/main.rs"}"#),
        ("deny", "Tracker", r#"{"p":"./.env"}"#),
    ] {
        assert_eq!(judge_nowhere(&lines, request(tool, input)), expected, "{tool} {input}");
    }
}

#[test]
fn where_the_workspace_is_not_known_a_relative_pattern_allows_nothing_elsewhere() {
    let lines = ["allow Read(**)", "allow Bash(ls:*)", "allow Write(**)"];

    for (tool, input) in [
        ("Read", r#"{"file_path":"/etc/passwd"}"#),
        ("Write", r#"{"file_path":"/tmp/x","content":""}"#),
        ("Bash", r#"{"command":"ls > /tmp/x"}"#),
        ("Bash", r#"{"command":"ls > x"}"#),
        ("Bash", r#"{"command":"cd /etc && ls"}"#),
    ] {
        assert_eq!(judge_nowhere(&lines, request(tool, input)), "ask", "{tool} {input}");
    }
}

/// What is said of a call in `/repo`, of which `/alias` was told for the workspace.
fn judge_by_link(lines: &[&str], mut request: Request) -> &'static str {
    let workspace = Some("/alias".to_owned());
    request.workspace.clone_from(&workspace);
    let rules = RuleSet::new(
        rules(lines),
        Effect::Ask,
        &Places { home: HOME.to_owned(), workspace },
        &Machine,
    );
    judge(&rules, &request).decision.name()
}

#[test]
fn a_workspace_told_by_a_link_is_the_directory_it_leads_to() {
    let lines = [
        "allow Read(**)",
        "allow Bash(ls:*)",
        "allow Bash(git:*)",
        r#"{"effect":"deny","path":".env"}"#,
    ];

    for (expected, command) in [
        ("allow", "cd src && ls"),
        ("allow", "cd /alias/src && ls"),
        ("allow", "git -C src log"),
        ("ask", "cd out && ls"),
        ("ask", "cd .. && ls"),
        ("ask", "git -C bare log"),
        ("ask", "cd bare && git log"),
        ("deny", "ls .env"),
        ("deny", "ls /alias/.env"),
    ] {
        assert_eq!(judge_by_link(&lines, bash(command)), expected, "{command}");
    }
    for (expected, path) in [
        ("allow", "src/main.rs"),
        ("allow", "/alias/src/main.rs"),
        ("ask", "out/passwd"),
        ("deny", ".env"),
    ] {
        let input = format!(r#"{{"file_path":"{path}"}}"#);
        assert_eq!(judge_by_link(&lines, request("Read", &input)), expected, "{path}");
    }
}

#[test]
fn a_directory_told_by_a_link_is_the_one_it_leads_to() {
    let rules = ready(rules(&["allow Read(**)", "allow Bash(ls:*)"]));
    let from_link = |mut request: Request| {
        request.cwd = Some("/alias".to_owned());
        judge(&rules, &request).decision.name()
    };

    for (expected, path) in [("allow", "src/main.rs"), ("ask", "out/passwd"), ("ask", "../etc/x")] {
        let input = format!(r#"{{"file_path":"{path}"}}"#);
        assert_eq!(from_link(request("Read", &input)), expected, "{path}");
    }
    assert_eq!(from_link(bash("cd src && ls")), "allow");
    assert_eq!(from_link(bash("cd out && ls")), "ask");
}
