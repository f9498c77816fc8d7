//! What a session is given when it is created.

use codeplane_client::{Error, v1::PolicyEffect};
use codeplane_tests::{TestDaemon, binary, scripted};

use super::kit::{TEAM, apply, audited, decision, done, fails, judged_by, policy};

fn run(daemon: &TestDaemon, flags: &[&str]) -> codeplane_tests::Finished {
    let agent = binary("scripted-agent").display().to_string();
    daemon.cpctl([&["run", "-d"], flags, &["--", &agent, "forever"]].concat())
}

#[tokio::test]
async fn policies_are_bound_before_a_session_starts_and_go_with_it() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);

    let id = run(&daemon, &["--policy", "team", "--name", "web"]).success();
    let session = daemon.client().await.get_session("web").await.unwrap();

    assert_eq!(judged_by(&session), ["team@1"]);
    assert!(session.id.starts_with(id.trim()));
    assert_eq!(decision(&daemon, "web", "echo no").await, PolicyEffect::Deny);
    let shown = daemon.cpctl(["get", "web"]).success();
    assert!(shown.contains("team@1"), "{shown}");
    done(daemon.cpctl(["rm", "--force", "web"]));
    assert_eq!(policy(&daemon, &["bindings", "-o", "json"]).success(), "[]\n");
    done(policy(&daemon, &["delete", "team"]));
}

#[tokio::test]
async fn nothing_is_made_for_a_policy_that_does_not_exist() {
    let daemon = TestDaemon::start();

    let said = run(&daemon, &["--policy", "team"]).failure(3);

    assert!(said.contains("no policy 'team'"), "{said}");
    assert_eq!(daemon.client().await.all_sessions("").await.unwrap(), []);
}

#[tokio::test]
async fn rules_of_its_own_allow_and_are_checked_first() {
    let mut daemon = TestDaemon::start();
    let json = r#"{"tool": "Bash", "command": "make test"}"#;

    done(run(&daemon, &["--name", "web", "--allow", "Bash(git log:*)", "--allow", json]));
    daemon.restart();

    assert_eq!(decision(&daemon, "web", "git log -3").await, PolicyEffect::Allow);
    assert_eq!(decision(&daemon, "web", "make test").await, PolicyEffect::Allow);
    assert_eq!(decision(&daemon, "web", "make install").await, PolicyEffect::Ask);
    let said = run(&daemon, &["--allow", "Bash("]).failure(2);
    assert!(said.contains("--allow 'Bash(': "), "{said}");
    let deny = r#"{"effect": "deny", "tool": "Bash"}"#;
    fails(run(&daemon, &["--allow", deny]), 2);
}

#[tokio::test]
async fn a_deny_beats_what_a_session_allows_itself() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);

    done(run(&daemon, &["--name", "web", "--policy", "team", "--allow", "Bash(echo no)"]));

    assert_eq!(decision(&daemon, "web", "echo no").await, PolicyEffect::Deny);
}

#[tokio::test]
async fn nobody_is_asked_about_an_unattended_session() {
    let mut daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    done(run(&daemon, &["--name", "web", "--policy", "team", "--unattended"]));

    daemon.restart();

    assert_eq!(decision(&daemon, "web", "echo yes").await, PolicyEffect::Allow);
    assert_eq!(decision(&daemon, "web", "ls").await, PolicyEffect::Deny);
    assert!(daemon.client().await.get_session("web").await.unwrap().unattended);
}

#[tokio::test]
async fn a_dangerous_session_keeps_its_denials_and_is_seen_everywhere() {
    let mut daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    done(run(&daemon, &["--name", "web", "--policy", "team", "--dangerous"]));

    daemon.restart();

    assert_eq!(decision(&daemon, "web", "ls").await, PolicyEffect::Allow);
    assert_eq!(decision(&daemon, "web", "echo no").await, PolicyEffect::Deny);
    for shown in [daemon.cpctl(["ls"]).success(), daemon.cpctl(["get", "web"]).success()] {
        assert!(shown.contains("DANGEROUS"), "{shown}");
    }
    daemon.stop();
    let audited = audited(&daemon);
    assert!(audited.iter().any(|(kind, _)| kind == "session.dangerous"), "{audited:?}");
}

#[tokio::test]
async fn a_session_is_not_dangerous_and_unattended_at_once() {
    let daemon = TestDaemon::start();
    fails(run(&daemon, &["--dangerous", "--unattended"]), 2);

    let mut request = scripted(&["forever"]);
    (request.dangerous, request.unattended) = (true, true);
    let refused = daemon.client().await.create_session(request).await.unwrap_err();

    assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
}
