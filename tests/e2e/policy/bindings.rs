//! Whom policies judge.

use std::fs;

use codeplane_client::v1::PolicyEffect;
use codeplane_tests::{TestDaemon, scripted};

use super::kit::{TEAM, apply, audited, decision, done, fails, judged_by, policy, simulated};

#[tokio::test]
async fn a_policy_judges_what_it_is_bound_to_from_then_on() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    let client = daemon.client().await;
    let mut request = scripted(&["forever"]);
    request.labels.insert("team".to_owned(), "a".to_owned());
    request.cwd = daemon.home().to_string_lossy().into_owned();
    let session = client.create_session(request).await.unwrap().id;
    let home = daemon.home().to_string_lossy().into_owned();
    assert_eq!(decision(&daemon, &session, "echo yes").await, PolicyEffect::Ask);

    for target in [
        &["--default"][..],
        &["--label", "team=a"],
        &["--session", &session],
        &["--workspace", &home],
    ] {
        let args = |verb| [&[verb, "team"], target].concat();
        done(policy(&daemon, &args("bind")));
        assert_eq!(
            decision(&daemon, &session, "echo yes").await,
            PolicyEffect::Allow,
            "{target:?}"
        );
        assert_eq!(decision(&daemon, &session, "echo no").await, PolicyEffect::Deny, "{target:?}");
        assert_eq!(decision(&daemon, &session, "ls").await, PolicyEffect::Ask, "{target:?}");

        done(policy(&daemon, &args("unbind")));
        assert_eq!(decision(&daemon, &session, "echo yes").await, PolicyEffect::Ask, "{target:?}");
        fails(policy(&daemon, &args("unbind")), 3);
    }
    for other in [&["--label", "team=b"][..], &["--workspace", "/usr"]] {
        done(policy(&daemon, &[&["bind", "team"], other].concat()));
    }
    assert_eq!(decision(&daemon, &session, "echo yes").await, PolicyEffect::Ask);
    assert_eq!(policy(&daemon, &["bindings", "-o", "jsonl"]).success().lines().count(), 2);
}

#[tokio::test]
async fn a_verdict_names_the_rule_with_its_policy() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    done(policy(&daemon, &["bind", "team", "--default"]));
    let session = daemon.create(&["forever"]).await.id;

    let verdict = simulated(&daemon, &session, "echo no").await;

    assert_eq!(verdict.rules, ["team/never"]);
    assert_eq!(verdict.policies.len(), 1);
    assert_eq!((verdict.policies[0].name.as_str(), verdict.policies[0].revision), ("team", 1));
}

#[tokio::test]
async fn a_new_revision_judges_sessions_that_run() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    done(policy(&daemon, &["bind", "team", "--default"]));
    let session = daemon.create(&["forever"]).await.id;
    assert_eq!(decision(&daemon, &session, "echo yes").await, PolicyEffect::Allow);

    apply(&daemon, "name: team\ndeny: ['Bash(echo:*)']\n");

    assert_eq!(decision(&daemon, &session, "echo yes").await, PolicyEffect::Deny);
}

#[tokio::test]
async fn policies_and_bindings_are_there_after_a_restart() {
    let mut daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    let session = daemon.create(&["forever"]).await.id;
    done(policy(&daemon, &["bind", "team", "--session", &session]));
    let before = policy(&daemon, &["bindings", "-o", "json"]).success();

    daemon.restart();

    assert_eq!(policy(&daemon, &["bindings", "-o", "json"]).success(), before);
    assert_eq!(policy(&daemon, &["get", "team"]).success(), TEAM);
    assert_eq!(decision(&daemon, &session, "echo no").await, PolicyEffect::Deny);
}

#[tokio::test]
async fn a_worktree_is_the_workspace_of_its_repository_and_a_planted_one_is_not() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    let home = daemon.home();
    let (main, tree, planted) = (home.join("main"), home.join("tree"), home.join("planted"));
    let git = main.join(".git/worktrees/tree");
    for directory in [&git, &main.join(".git/objects"), &main.join(".git/refs"), &tree, &planted] {
        fs::create_dir_all(directory).unwrap();
    }
    fs::write(main.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(git.join("commondir"), "../..\n").unwrap();
    fs::write(git.join("gitdir"), format!("{}\n", tree.join(".git").display())).unwrap();
    for place in [&tree, &planted] {
        fs::write(place.join(".git"), format!("gitdir: {}\n", git.display())).unwrap();
    }
    done(policy(&daemon, &["bind", "team", "--workspace", &main.to_string_lossy()]));
    let client = daemon.client().await;

    for (place, policies) in [(main, vec!["team@1"]), (tree, vec!["team@1"]), (planted, vec![])] {
        let mut request = scripted(&["forever"]);
        request.cwd = place.to_string_lossy().into_owned();
        let session = client.create_session(request).await.unwrap();
        assert_eq!(judged_by(&session), policies, "{}", place.display());
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_bound() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);

    fails(policy(&daemon, &["bind", "other", "--default"]), 3);
    fails(policy(&daemon, &["bind", "team", "--session", "nobody"]), 3);
    let said = policy(&daemon, &["bind", "team", "--workspace", "/no/such"]).failure(2);
    assert!(said.contains("/no/such"), "{said}");
    fails(policy(&daemon, &["bind", "team", "--label", "a b=c"]), 2);
    fails(policy(&daemon, &["bind", "team"]), 2);
    fails(policy(&daemon, &["bind", "team", "--default", "--session", "x"]), 2);
}

#[tokio::test]
async fn a_policy_is_not_deleted_while_it_is_bound_unless_forced() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    done(policy(&daemon, &["bind", "team", "--default"]));

    let said = policy(&daemon, &["delete", "team"]).failure(5);
    assert!(said.contains("is bound (1 in cpctl policy bindings team)"), "{said}");
    let told = policy(&daemon, &["delete", "team", "--force"]).success();
    assert_eq!(told, "team deleted: cpctl policy rollback team brings it back\n");

    assert_eq!(policy(&daemon, &["bindings", "-o", "json"]).success(), "[]\n");
}

#[tokio::test]
async fn every_change_is_in_the_audit_log_with_who_what_and_which_content() {
    let mut daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    done(policy(&daemon, &["bind", "team", "--default"]));
    done(policy(&daemon, &["unbind", "team", "--default"]));
    done(policy(&daemon, &["delete", "team"]));
    let sha256 = {
        let shown = policy(&daemon, &["history", "team", "-o", "jsonl"]).success();
        let revision: serde_json::Value = serde_json::from_str(&shown).unwrap();
        revision["sha256"].as_str().unwrap().to_owned()
    };
    daemon.stop();

    let kinds = audited(&daemon);

    let of_policies: Vec<&(String, String)> =
        kinds.iter().filter(|(kind, _)| kind.starts_with("policy.")).collect();
    let names: Vec<&str> = of_policies.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(names, ["policy.applied", "policy.bound", "policy.unbound", "policy.deleted"]);
    for (kind, record) in of_policies {
        assert!(record.contains("team") && record.contains("uid:"), "{kind}: {record}");
    }
    assert!(kinds.iter().any(|(_, record)| record.contains(&sha256)), "{sha256}");
}

#[test]
fn what_is_bound_no_more_and_what_cannot_be_bound_is_told_as_it_was_typed() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    done(policy(&daemon, &["bind", "team", "--default"]));

    let unbound = policy(&daemon, &["unbind", "team", "--default"]).success();
    assert_eq!(unbound, "team judges every session no more\n");
    let nowhere = policy(&daemon, &["bind", "team", "--workspace", "/no/such"]).failure(2);
    assert!(nowhere.starts_with("cpctl: --workspace: "), "{nowhere}");
}
