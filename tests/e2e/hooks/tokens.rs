//! Tokens: which session a hook may report for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use codeplane_tests::{PATIENCE, TestDaemon, run};

use super::kit::{Answer, Caller, call, tokens};

/// What both sessions may do, so that only the token can be the reason of a denial.
const FREE: [&str; 2] = ["--allow", "Bash(make)"];

/// What is said of a token that no running session has.
const OF_NONE: &str = "the hook token is not that of a running session";

/// A token file beside the socket, as the hook wants it.
fn token_file(daemon: &TestDaemon, name: &str, content: &str) -> PathBuf {
    let path = daemon.runtime_dir().join("hook").join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

impl Caller<'_> {
    /// Asks for the call that its rules allow, with this token.
    #[track_caller]
    fn presents(&self, number: u32, token: &Path) -> Answer {
        self.arguments(number, &format!("generic --token-file {}", token.display()));
        self.ask(number, &call("make"))
    }
}

#[test]
fn the_token_of_another_session_lets_nobody_report_for_it() {
    let daemon = TestDaemon::start();
    let own = Caller::start(&daemon, "own", &FREE);
    let of_own = tokens(&daemon).pop().unwrap();
    own.presents(1, &of_own).allows();

    let thief = Caller::start(&daemon, "thief", &FREE);
    let reason = thief.presents(1, &of_own).denies();

    assert!(reason.contains("does not run inside the session of its token"), "{reason}");
    let listed = daemon.cpctl(["decisions", "ls", "-o", "jsonl"]).success();
    assert_eq!(listed.lines().count(), 1, "only its own call was judged: {listed}");
    let of_thief = tokens(&daemon).into_iter().find(|path| *path != of_own).unwrap();
    thief.presents(2, &of_thief).allows();
}

#[test]
fn a_token_is_no_good_outside_of_every_session() {
    let daemon = TestDaemon::start();
    drop(Caller::start(&daemon, "own", &FREE));
    let token = tokens(&daemon).pop().unwrap();

    let mut outside = daemon.command("cpctl");
    outside.args(["hook", "generic", "--token-file"]).arg(&token);
    let refused = run(&mut outside, call("make").as_bytes(), PATIENCE);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stdout.contains("does not run inside the session"), "{refused:?}");
}

#[test]
fn a_token_ends_with_the_run_it_was_made_for() {
    let mut daemon = TestDaemon::start();
    drop(Caller::start(&daemon, "own", &FREE));
    let token = tokens(&daemon).pop().unwrap();
    let content = fs::read_to_string(&token).unwrap();
    drop(daemon.cpctl(["kill", "own"]).success());
    drop(daemon.cpctl(["wait", "own"]).success());
    assert!(!token.exists(), "the token goes with its run");

    drop(Caller::start(&daemon, "thief", &FREE));
    let kept = token_file(&daemon, "kept", &content);
    let reason = Caller::again(&daemon, "thief").presents(1, &kept).denies();
    assert!(reason.contains(OF_NONE), "{reason}");

    // Nor does a daemon know it that reads the rows anew.
    daemon.restart();
    let kept = token_file(&daemon, "kept", &content);
    let thief = Caller::again(&daemon, "thief");
    let reason = thief.presents(2, &kept).denies();
    assert!(reason.contains(OF_NONE), "{reason}");
    thief.ask(3, &call("make")).allows();
}

#[test]
fn a_token_that_no_daemon_made_and_none_at_all_are_denied() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &FREE);
    let forged = token_file(&daemon, "forged", &format!("{}\n", "0123456789abcdef".repeat(4)));
    let upper = fs::read_to_string(&tokens(&daemon)[0]).unwrap().to_uppercase();
    let other_form = token_file(&daemon, "upper", &upper);
    let open = token_file(&daemon, "open", &upper.to_lowercase());
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let missing = daemon.runtime_dir().join("hook/missing");

    for (number, token, because) in [
        (1, forged, OF_NONE),
        (2, other_form, OF_NONE),
        (3, open, "can be read or written by other users"),
        (4, missing, "cannot be opened"),
    ] {
        let reason = caller.presents(number, &token).denies();
        assert!(reason.contains(because), "{}: {reason}", token.display());
    }
    // Without any, and without the variable that names it.
    caller.arguments(5, "generic");
    let reason = caller.ask(5, &call("make")).denies();
    assert!(reason.contains("neither --token-file nor CODEPLANE_HOOK_TOKEN_FILE"), "{reason}");
    caller.ask(6, &call("make")).allows();
}
