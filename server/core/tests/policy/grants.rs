//! What a verdict says of those who may answer, and what remembered answers do.

use codeplane_core::policy::{
    Effect, Grant, GrantScope, GrantSet, Grantable, Places, Request, Rule, RuleSet, Verdict,
    analyse, evaluate_with_grants, suggest,
};

use crate::kit::{HOME, Machine, NOW_MS, WORK, bash, judge, ready, request, rule, rules};

const RULES: &[&str] = &[
    r#"{"effect":"ask","command":"deploy:*","four_eyes":true}"#,
    "allow Bash(ls:*)",
    "allow Bash(find:*)",
    "allow Write(/repo/**)",
    "deny Bash(rm:*)",
    "ask Bash(git push:*)",
    r#"{"id":"tags","effect":"ask","command":"git tag:*","always_ask":true,"four_eyes":true}"#,
    r#"{"effect":"deny","path":"~/secrets/**"}"#,
];

fn set(grants: &[(&str, GrantScope)]) -> GrantSet {
    let places = Places { home: HOME.to_owned(), workspace: Some(WORK.to_owned()) };
    let grants =
        grants.iter().map(|(id, scope)| Grant { id: (*id).to_owned(), scope: scope.clone() });
    GrantSet::new(grants.collect(), &places, &Machine)
}

fn pattern(text: &str) -> GrantScope {
    GrantScope::Pattern(Box::new(Rule::of_shorthand(Effect::Allow, text, 0).unwrap()))
}

fn exact(hash: &str) -> GrantScope {
    GrantScope::Exact(hash.to_owned())
}

fn judged(rules: &RuleSet, request: &Request, grants: &GrantSet) -> Verdict {
    let analysis = analyse(request);
    let facts = analysis.questions().answer(&Machine);
    evaluate_with_grants(rules.at(NOW_MS), (request, "hash"), &analysis, &facts, grants)
}

fn suggested(request: &Request) -> Vec<String> {
    let verdict = judge(&ready(rules(RULES)), request);
    suggest(&analyse(request), &verdict).into_iter().map(|suggestion| suggestion.rule).collect()
}

#[test]
fn a_verdict_says_which_grants_may_answer() {
    let rules = ready(rules(RULES));
    let kind = |command: &str| match judge(&rules, &bash(command)).grantable {
        Grantable::Yes => "yes",
        Grantable::ExactOnly(_) => "exact",
        Grantable::No(_) => "no",
    };
    for (expected, command) in [
        ("yes", "ls"),
        ("yes", "make all"),
        ("yes", "git push"),
        ("no", "git tag v1"),
        ("no", "git push && git tag v1"),
        ("no", "rm x"),
        ("exact", "find . -delete"),
        ("exact", "ls $x"),
        ("exact", "deploy"),
        ("exact", "python3 -c x"),
        ("exact", "cd /tmp"),
        ("no", "cp x .git/hooks/pre-commit"),
        ("no", "echo x > .mcp.json"),
        ("no", "cat ~/s*/key"),
        ("no", "make && cat ~/s*/key"),
    ] {
        assert_eq!(kind(command), expected, "{command}");
    }
}

#[test]
fn a_verdict_carries_what_its_rules_demand_and_the_paths() {
    let rules = ready(rules(RULES));

    let verdict = judge(&rules, &bash("git tag v1 && ls link/a && git push"));

    assert!(verdict.always_ask && verdict.four_eyes);
    let demands: Vec<(bool, bool)> =
        verdict.units.iter().map(|unit| (unit.always_ask, unit.four_eyes)).collect();
    assert_eq!(demands, [(true, true), (false, false), (false, false)]);
    let paths = &verdict.units[1].paths;
    assert_eq!(paths.len(), 1);
    assert_eq!(paths[0].lexical, "/repo/link/a");
    assert_eq!(paths[0].resolved.as_deref(), Some("/home/u/secrets/a"));
}

#[test]
fn a_grant_answers_what_asks_and_nothing_else() {
    let rules = ready(rules(RULES));
    let grants = set(&[
        ("make", pattern("Bash(make:*)")),
        ("push", pattern("Bash(git push:*)")),
        ("tag", pattern("Bash(git tag:*)")),
        ("rm", pattern("Bash(rm:*)")),
        ("cat", pattern("Bash(cat:*)")),
        ("find", pattern("Bash(find . -delete)")),
        ("cp", pattern("Bash(cp:*)")),
        ("py", pattern("Bash(python3:*)")),
        ("env", pattern("Bash(env:*)")),
        ("read", pattern("Read(/srv/**)")),
    ]);
    for (expected, used, command) in [
        ("allow", "make", "make all"),
        ("allow", "make,push", "ls && make && git push"),
        ("ask", "make", "make && git tag v1"),
        ("ask", "", "git tag v1"),
        ("deny", "", "rm x"),
        ("deny", "", "make; rm x"),
        ("ask", "make", "make; other"),
        ("ask", "", "make $x"),
        ("ask", "", "make -f x"),
        ("ask", "", "find . -delete"),
        ("ask", "", "cat ~/s*/key"),
        ("deny", "", "cat ~/secrets/key"),
        ("ask", "", "cp x .git/hooks/x"),
        ("ask", "", "python3 -c x"),
        ("ask", "", "env make"),
        ("allow", "cp", "cp a b"),
        ("allow", "cat,read", "cat < /srv/x"),
    ] {
        let verdict = judged(&rules, &bash(command), &grants);
        assert_eq!(verdict.decision.name(), expected, "{command}: {verdict:?}");
        assert_eq!(verdict.grants.join(","), used, "{command}");
    }
}

#[test]
fn the_exact_request_answers_even_what_is_opaque() {
    let rules = ready(rules(RULES));
    let (this, other) = (set(&[("g", exact("hash"))]), set(&[("g", exact("other"))]));
    for (expected, command) in [
        ("allow", "ls $x"),
        ("allow", "find . -delete"),
        ("allow", "make; python3 -c x"),
        ("ask", "git tag v1"),
        ("ask", "ls $x; git tag v1"),
        ("ask", "cp x .git/hooks/x"),
        ("deny", "ls $x; rm y"),
        ("ask", "cat ~/s*/key"),
    ] {
        assert_eq!(judged(&rules, &bash(command), &this).decision.name(), expected, "{command}");
        assert_ne!(judged(&rules, &bash(command), &other).decision.name(), "allow", "{command}");
    }
    let denying = RuleSet::new(
        Vec::new(),
        Effect::Deny,
        &Places { home: HOME.to_owned(), workspace: None },
        &Machine,
    );
    assert_eq!(judged(&denying, &bash("make"), &this).decision, Effect::Deny);
}

#[test]
fn a_pattern_that_expires_answers_until_then() {
    let pattern = r#"{"effect":"allow","tool":"Bash(make:*)","expires_at":"2027-01-15T08:00:00Z"}"#;
    let grants = set(&[("g", GrantScope::Pattern(Box::new(rule(pattern, 0).unwrap())))]);
    let rules = ready(rules(RULES));
    let request = bash("make all");
    let analysis = analyse(&request);
    let facts = analysis.questions().answer(&Machine);

    let at = |now_ms: i64| {
        let rules = rules.at(now_ms);
        evaluate_with_grants(rules, (&request, "hash"), &analysis, &facts, &grants).decision
    };

    assert_eq!((at(NOW_MS - 1), at(NOW_MS)), (Effect::Allow, Effect::Ask));
}

#[test]
fn patterns_that_are_offered_are_narrow_and_answer_the_request() {
    let cases: &[(&str, &[&str])] = &[
        ("git push origin main", &["Bash(git push origin main)", "Bash(git push:*)"]),
        ("cargo build --release", &["Bash(cargo build --release)", "Bash(cargo build:*)"]),
        ("grep 'a b' \"it's\"", &[r"Bash(grep 'a b' 'it'\''s')", "Bash(grep:*)"]),
        ("timeout 5 make all", &["Bash(make all)", "Bash(make:*)"]),
        ("./build.sh x", &["Bash(./build.sh x)"]),
        ("rm2 -rf x", &["Bash(rm2 -rf x)"]),
        ("python3 tool.py", &["Bash(python3 tool.py)"]),
        ("grep x *.md", &["Bash(grep:*)"]),
        ("find . -delete", &[]),
        ("env make", &[]),
        ("make $x", &[]),
        ("git tag x", &[]),
        ("ls", &[]),
        (
            "cat < sub/b.txt",
            &["Bash(cat)", "Bash(cat:*)", "Read(/repo/sub/b.txt)", "Read(/repo/sub/**)"],
        ),
    ];
    for (command, expected) in cases {
        let found = suggested(&bash(command));
        assert_eq!(found, *expected, "{command}");
        if !found.is_empty() {
            let all: Vec<_> = found.iter().map(|rule| ("g", pattern(rule))).collect();
            let verdict = judged(&ready(rules(RULES)), &bash(command), &set(&all));
            assert_eq!(verdict.decision, Effect::Allow, "{command}");
        }
    }
    let of_tool = |tool: &str, input: &str| suggested(&request(tool, input));
    assert_eq!(
        of_tool("Edit", r#"{"file_path":"src/a.rs"}"#),
        ["Edit(/repo/src/a.rs)", "Edit(/repo/src/**)"]
    );
    assert_eq!(of_tool("Edit", r#"{"file_path":"out/a"}"#), [] as [&str; 0]);
    assert_eq!(of_tool("Read", r#"{"file_path":"/srv/a"}"#), ["Read(/srv/a)"]);
    assert_eq!(of_tool("WebFetch", r#"{"url":"https://A.org/x"}"#), ["WebFetch(domain:a.org)"]);
    assert_eq!(of_tool("mcp__x__y", "{}"), ["mcp__x__y"]);
}
