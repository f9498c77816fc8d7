//! The daemon is killed between the commit of a decision and its answer.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;
use std::time::Duration;

use codeplane_tests::{PATIENCE, Stream, TestDaemon, binary, pause, rounds, wait_until};
use serde_json::Value;

use super::kit::{Answer, Caller, call, pending, text, tokens};

/// A session whose hooks reach the daemon through a door that loses answers.
struct Scene {
    daemon: TestDaemon,
}

impl Scene {
    #[track_caller]
    fn start(options: &[&str]) -> Self {
        let scene = Self { daemon: TestDaemon::start() };
        fs::DirBuilder::new().mode(0o700).create(scene.place("")).unwrap();
        let relay = format!(
            "--env=BESIDE={} 'relay {} {} {}'",
            binary("scripted-agent").display(),
            scene.place("hook.sock").display(),
            scene.daemon.runtime_dir().join("hook/hook.sock").display(),
            scene.place("lose").display(),
        );
        let caller = Caller::start(&scene.daemon, "a", &[&[&*relay], options].concat());
        // The hook looks for the socket beside its token.
        let token = scene.place("token");
        fs::copy(tokens(&scene.daemon).remove(0), &token).unwrap();
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
        caller.arguments(1, &format!("generic --token-file {}", token.display()));
        wait_until("the door", PATIENCE, || scene.place("hook.sock").exists());
        scene
    }

    fn place(&self, name: &str) -> PathBuf {
        self.daemon.home().join("door").join(name)
    }

    /// From now on no answer comes back.
    fn lose_answers(&self) {
        fs::write(self.place("lose"), "").unwrap();
    }

    fn caller(&self) -> Caller<'_> {
        Caller::again(&self.daemon, "a")
    }

    /// Waits until the call that was reported is decided, on disk.
    #[track_caller]
    fn expect_decision(&self) -> Value {
        wait_until("the decision", PATIENCE, || {
            let mut list = decisions(&self.daemon);
            assert!(list.len() <= 1, "{list:?}");
            list.pop()
                .filter(|one| one["outcome"] == "allowed" || one["outcome"] == "denied")
                .ok_or(list)
        })
    }

    /// Kills the daemon with its answer on the way; what the hook is told in the end.
    #[track_caller]
    fn kill(&mut self) -> Answer {
        assert!(!self.caller().is_answered(1));
        self.daemon.kill_hard();
        fs::remove_file(self.place("lose")).unwrap();
        self.daemon.launch();
        self.caller().answer(1)
    }

    /// One decision, recorded once.
    #[track_caller]
    fn expect_one(&self, decision: &Value) {
        let list = decisions(&self.daemon);
        assert_eq!(list.len(), 1, "{list:?}");
        assert_eq!(text(&list[0], "id"), text(decision, "id"));
        let records = records(&self.daemon, "decision.made");
        assert_eq!(records.len(), 1, "{records:?}");
        drop(self.daemon.cpctl(["audit", "verify"]).success());
    }
}

fn listed(daemon: &TestDaemon, arguments: &[&str]) -> Vec<Value> {
    let listed = daemon.cpctl([arguments, &["-o", "json"]].concat()).success();
    serde_json::from_str(&listed).unwrap()
}

fn decisions(daemon: &TestDaemon) -> Vec<Value> {
    listed(daemon, &["decisions", "ls"])
}

fn records(daemon: &TestDaemon, kind: &str) -> Vec<Value> {
    listed(daemon, &["audit", "ls", "--kind", kind])
}

/// Denies from now on what was allowed.
#[track_caller]
fn deny(daemon: &TestDaemon) {
    let policy =
        "name: p\nrules:\n- {id: no, effect: deny, tool: Bash, command: make, reason: no}\n";
    drop(daemon.cpctl_with(["policy", "apply", "-f", "-"], policy.as_bytes()).success());
    drop(daemon.cpctl(["policy", "bind", "p", "--default"]).success());
}

#[test]
fn a_call_whose_answer_was_lost_is_answered_as_it_was_decided() {
    let mut scene = Scene::start(&["--allow", "Bash(make)"]);
    scene.lose_answers();
    scene.caller().report(1, call("make").as_bytes());
    let decision = scene.expect_decision();
    // Judged again, it would be denied.
    deny(&scene.daemon);

    scene.kill().allows();

    scene.expect_one(&decision);
    assert!(scene.caller().ask(2, &call("make")).denies().contains("p/no"));
}

#[test]
fn a_denial_that_was_lost_stays_a_denial() {
    let mut scene = Scene::start(&["--unattended"]);
    scene.lose_answers();
    scene.caller().report(1, call("make").as_bytes());
    let decision = scene.expect_decision();

    let reason = scene.kill().denies();

    assert!(reason.contains("unattended"), "{reason}");
    scene.expect_one(&decision);
}

#[test]
fn what_a_person_answered_and_was_lost_is_given_to_the_hook_that_asks_again() {
    let mut scene = Scene::start(&[]);
    scene.caller().report(1, call("make").as_bytes());
    let id = text(&pending(&scene.daemon, 1)[0], "id").to_owned();
    scene.lose_answers();
    drop(scene.daemon.cpctl(["approvals", "allow", &id]).success());
    let decision = scene.expect_decision();
    deny(&scene.daemon);

    scene.kill().allows();

    scene.expect_one(&decision);
    for kind in ["approval.requested", "approval.decided"] {
        assert_eq!(records(&scene.daemon, kind).len(), 1, "{kind}");
    }
}

#[test]
fn whenever_the_daemon_is_killed_a_call_is_decided_once_and_answered_so() {
    let mut daemon = TestDaemon::start();
    drop(Caller::start(&daemon, "a", &["--allow", "Bash(make)"]));
    let (mut random, total) = (Stream::new(11), rounds(8, 200));
    for number in 1..=u32::try_from(total).unwrap() {
        let caller = Caller::again(&daemon, "a");
        caller.report(number, call("make").as_bytes());

        // From before the report to after the answer.
        pause(Duration::from_millis(random.below(40) as u64));
        daemon.restart();

        Caller::again(&daemon, "a").answer(number).allows();
    }

    assert_eq!(listed(&daemon, &["decisions", "ls", "--all"]).len(), total);
    assert_eq!(listed(&daemon, &["audit", "ls", "--kind", "decision.made", "--all"]).len(), total);
    drop(daemon.cpctl(["audit", "verify"]).success());
}
