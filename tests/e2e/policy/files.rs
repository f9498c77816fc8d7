//! Files that are applied, and files that are not.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use codeplane_tests::TestDaemon;
use nix::unistd::{Uid, chown};

use super::kit::{TEAM, apply, done, fails, file, policy};

#[track_caller]
fn assert_nothing_applied(daemon: &TestDaemon) {
    assert_eq!(policy(daemon, &["ls", "-o", "json"]).success(), "[]\n");
}

#[test]
fn a_file_is_applied_told_and_shown_as_it_was_written() {
    let daemon = TestDaemon::start();
    let path = file(&daemon, "team.yaml", TEAM);

    let first = policy(&daemon, &["apply", "-f", &path, "--note", "begin"]).success();
    let again = policy(&daemon, &["apply", "-f", &path]).success();

    assert_eq!(first, "team revision 1 created\n");
    assert_eq!(again, "team revision 1 unchanged\n");
    assert_eq!(policy(&daemon, &["get", "team"]).success(), TEAM);
    let listed = policy(&daemon, &["ls"]).success();
    assert!(listed.contains("team") && listed.contains("Echo, but not that."), "{listed}");
}

#[test]
fn toml_and_json_are_read_as_well() {
    let daemon = TestDaemon::start();
    let toml = file(&daemon, "a.toml", "name = \"a\"\nallow = [\"Read\"]\n");
    let json = r#"[{"name": "b", "allow": ["Read"]}, {"name": "c", "deny": ["Bash"]}]"#;

    done(policy(&daemon, &["apply", "-f", &toml]));
    let args = ["policy", "apply", "-f", "-", "--format", "json"];
    let told = daemon.cpctl_with(args, json.as_bytes()).success();

    assert_eq!(told, "b revision 1 created\nc revision 1 created\n");
    assert_eq!(policy(&daemon, &["ls", "-o", "jsonl"]).success().lines().count(), 3);
}

#[test]
fn several_documents_are_applied_together_or_not_at_all() {
    let daemon = TestDaemon::start();
    let path =
        file(&daemon, "two.yaml", "name: a\nallow: [Read]\n---\nname: b\nallow: ['Bash(']\n");

    let said = policy(&daemon, &["apply", "-f", &path]).failure(2);

    assert!(said.starts_with(&format!("{path}:5:")), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_nothing_applied(&daemon);
}

#[test]
fn every_problem_is_told_in_a_line_of_its_own_with_its_place() {
    let daemon = TestDaemon::start();
    let text = "name: a\ndefault: allow\nrules:\n- {effect: alow, tool: Bash}\n- {tool: Bash}\n";
    let path = file(&daemon, "bad.yaml", text);

    let said = policy(&daemon, &["apply", "-f", &path]).failure(2);

    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    for (line, number) in lines.iter().zip([2, 4, 5]) {
        assert!(line.starts_with(&format!("{path}:{number}:")), "{said}");
    }
    assert_nothing_applied(&daemon);
}

#[test]
fn a_rule_whose_own_example_fails_is_not_applied() {
    let daemon = TestDaemon::start();
    let path = file(&daemon, "team.yaml", &TEAM.replace("match: [echo a]", "match: [ls]"));

    let said = policy(&daemon, &["apply", "-f", &path]).failure(2);

    assert!(said.contains(&format!("{path}:9:")), "{said}");
    assert_nothing_applied(&daemon);
}

#[test]
fn a_name_that_is_there_twice_is_not_applied() {
    let daemon = TestDaemon::start();
    let path = file(&daemon, "twice.yaml", "name: a\nallow: [Read]\n---\nname: a\ndeny: [Read]\n");

    let said = policy(&daemon, &["apply", "-f", &path]).failure(2);

    assert!(said.starts_with(&format!("{path}:4:")), "{said}");
    assert_nothing_applied(&daemon);
}

#[test]
fn a_file_that_is_cut_off_is_not_applied() {
    let daemon = TestDaemon::start();
    let whole = TEAM.find("  reason").unwrap();

    for end in [whole - 3, whole + 6] {
        let path = file(&daemon, "team.yaml", &TEAM[..end]);
        let said = policy(&daemon, &["apply", "-f", &path]).failure(2);
        assert!(said.contains("half-written"), "{said}");
    }
    let json = r#"{"name": "a", "allow": ["Read"]"#;
    let path = file(&daemon, "team.json", json);
    fails(policy(&daemon, &["apply", "-f", &path]), 2);
    assert_nothing_applied(&daemon);
}

#[test]
fn a_file_that_others_could_have_written_is_not_applied() {
    let daemon = TestDaemon::start();
    let path = file(&daemon, "team.yaml", TEAM);
    for mode in [0o664, 0o646, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let said = policy(&daemon, &["apply", "-f", &path]).failure(2);
        assert!(said.contains("can be written by others"), "{said}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

    let link = daemon.home().join("link.yaml");
    symlink(&path, &link).unwrap();
    let said = policy(&daemon, &["apply", "-f", &link.to_string_lossy()]).failure(2);
    assert!(said.contains("is a symbolic link"), "{said}");

    if Uid::effective().is_root() {
        chown(path.as_str(), Some(Uid::from_raw(12345)), None).unwrap();
        let said = policy(&daemon, &["apply", "-f", &path]).failure(2);
        assert!(said.contains("belongs to user 12345"), "{said}");
    }
    assert_nothing_applied(&daemon);
}

#[test]
fn a_dry_run_changes_nothing() {
    let daemon = TestDaemon::start();
    let path = file(&daemon, "team.yaml", TEAM);

    let said = policy(&daemon, &["apply", "-f", &path, "--dry-run"]).success();

    assert_eq!(said, "team revision 1 created (dry run)\n");
    assert_nothing_applied(&daemon);
}

#[test]
fn files_are_tested_and_linted_without_a_daemon() {
    let mut daemon = TestDaemon::start();
    daemon.stop();
    let good = file(&daemon, "good.yaml", TEAM);
    let wide = file(&daemon, "wide.yaml", "name: wide\nallow: [Bash]\n");
    let bad = file(&daemon, "bad.yaml", "name: bad\nallow: ['Bash(']\n");

    let tested = policy(&daemon, &["test", "-f", &good]).success();
    assert_eq!(tested, "team: 2 rules, every example holds\n");
    assert_eq!(policy(&daemon, &["lint", "-f", &good]).success(), "");
    let found = policy(&daemon, &["lint", "-f", &wide]);
    assert_eq!(found.code, 1);
    assert!(found.stdout.starts_with(&format!("{wide}:2: wide/allow-1: ")), "{}", found.stdout);
    assert!(policy(&daemon, &["test", "-f", &bad]).failure(2).starts_with(&format!("{bad}:2:")));
    fails(policy(&daemon, &["lint", "-f", &bad]), 2);
}

#[test]
fn starter_policies_are_there_to_be_read_and_applied() {
    let daemon = TestDaemon::start();

    let listed = policy(&daemon, &["starter"]).success();
    assert_eq!(listed.lines().count(), 3, "{listed}");
    for name in ["read-only", "ci", "developer"] {
        assert!(listed.contains(name), "{listed}");
        let told = policy(&daemon, &["apply", "--starter", name]).success();
        assert_eq!(told, format!("{name} revision 1 created\n"));
        let text = policy(&daemon, &["starter", name]).success();
        assert_eq!(policy(&daemon, &["get", name]).success(), text);
    }
    fails(policy(&daemon, &["apply", "--starter", "none"]), 2);
}

#[tokio::test]
async fn of_two_changes_of_the_same_revision_one_is_refused() {
    let daemon = TestDaemon::start();
    apply(&daemon, TEAM);
    let client = daemon.client().await;
    let change = |note: &str| codeplane_client::v1::ApplyPoliciesRequest {
        text: format!("{TEAM}# {note}\n"),
        etags: [("team".to_owned(), "1".to_owned())].into(),
        ..Default::default()
    };

    let (one, other) =
        tokio::join!(client.apply_policies(change("a")), client.apply_policies(change("b")));

    let refused = [one, other].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert!(matches!(&refused[..], [codeplane_client::Error::Conflict { .. }]), "{refused:?}");
    assert_eq!(client.get_policy("team", 0).await.unwrap().revision, 2);
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_not_repeated() {
    let daemon = TestDaemon::start();
    let client = daemon.client().await;
    let request = codeplane_client::v1::ApplyPoliciesRequest {
        request_id: "5c3a8f10-0000-4000-8000-000000000001".to_owned(),
        text: TEAM.to_owned(),
        ..Default::default()
    };

    let first = client.apply_policies(request.clone()).await.unwrap();
    let again = client.apply_policies(request.clone()).await.unwrap();
    let other = codeplane_client::v1::ApplyPoliciesRequest { note: "other".to_owned(), ..request };
    let reused = client.apply_policies(other).await.unwrap_err();

    assert_eq!(first.policies, again.policies);
    assert!(matches!(reused, codeplane_client::Error::AlreadyExists { .. }), "{reused}");
}
