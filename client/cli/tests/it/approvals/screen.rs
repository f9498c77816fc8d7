//! `cpctl approvals watch` in a terminal.

use std::os::unix::process::ExitStatusExt;

use codeplane_client::v1;
use nix::sys::signal::Signal;
use nix::sys::termios::LocalFlags;
use v1::decide_approval_request::Answer;

use super::desk::{Office, bash, question};
use super::tty::Tty;
use crate::fake::wait_until;

const LEAVES_THE_SCREEN: &str = "\x1b[?1049l";

fn watch(office: &Office) -> Tty {
    Tty::run(office.command(&["approvals", "watch"]))
}

#[test]
fn what_is_on_the_screen_is_decided_and_the_terminal_is_given_back() {
    let office = Office::with([bash('a', "git-push")]);
    let mut tty = watch(&office);
    let before = tty.modes();
    tty.waits_for("git-push");
    wait_until("it is raw", || !tty.modes().local_flags.contains(LocalFlags::ICANON));

    tty.types_until("a", |_| !office.desk.decisions().is_empty());
    tty.waits_for("allowed aaaaaaaa");
    tty.types("q");

    assert!(tty.wait().success(), "{}", tty.printed());
    let decision = &office.desk.decisions()[0];
    assert_eq!(decision.request_hash, "a".repeat(64));
    assert!(matches!(decision.answer, Some(Answer::Allow(_))));
    wait_until("it leaves the screen", || tty.printed().contains(LEAVES_THE_SCREEN));
    assert_eq!(tty.modes().local_flags, before.local_flags | LocalFlags::ICANON);
}

#[test]
fn what_comes_in_appears_by_itself_and_what_is_decided_goes() {
    let office = Office::with([]);
    let mut tty = watch(&office);
    tty.waits_for("Nothing");

    office.desk.ask(bash('a', "first-call"));
    tty.waits_for("first-call");
    office.desk.ask(bash('b', "second-call"));
    tty.waits_for("second-call");
    office.desk.end("a", v1::ApprovalState::Denied);
    tty.waits_for("denied by somebody");

    tty.types("j");
    tty.types("d");
    tty.waits_for("Deny, and");
    tty.types("use make");
    tty.types_until("\r", |_| office.desk.decisions().len() == 1);
    let decision = office.desk.decisions().remove(0);
    assert_eq!(decision.request_hash, "b".repeat(64));
    let message = "use make".to_owned();
    assert_eq!(decision.answer, Some(Answer::Deny(v1::DenyAnswer { message })));
}

#[test]
fn nothing_that_an_agent_wrote_acts_on_the_terminal() {
    let office = Office::with([bash('a', "x\x1b]0;owned\x07\u{9b}31m\u{202e}")]);
    let tty = watch(&office);

    tty.waits_for("<U+202E>");

    let printed = tty.printed();
    assert!(!printed.contains("\x1b]0;owned") && !printed.contains(['\u{9b}', '\u{202e}']));
}

#[test]
fn whatever_ends_it_the_terminal_is_given_back() {
    for deadly in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let office = Office::with([bash('a', "git-push")]);
        let mut tty = watch(&office);
        tty.waits_for("git-push");

        tty.signal(deadly);

        assert_eq!(tty.wait().signal(), Some(deadly as i32));
        wait_until("it leaves the screen", || tty.printed().contains(LEAVES_THE_SCREEN));
        assert!(tty.modes().local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO));
    }
}

#[test]
fn input_is_edited_in_the_users_editor() {
    let office = Office::with([bash('a', "git-push")]);
    let mut command = office.command(&["approvals", "watch"]);
    command.env("PATH", "/usr/bin:/bin").env("EDITOR", "sed -i s/git-push/git-fetch/");
    let mut tty = Tty::run(command);
    tty.waits_for("git-push");

    // Enter goes back from an answer that it came too soon.
    tty.types_until("\re", |tty| tty.screen().contains("git-fetch"));
    tty.types_until("a", |_| !office.desk.decisions().is_empty());

    let Some(Answer::Allow(allow)) = office.desk.decisions().remove(0).answer else { panic!() };
    let input: serde_json::Value = serde_json::from_str(&allow.updated_input).unwrap();
    assert_eq!(input["command"], "git-fetch");
}

#[test]
fn a_question_is_answered() {
    let office = Office::with([question('a')]);
    let mut tty = watch(&office);
    tty.waits_for("Which");

    tty.types("A");
    tty.waits_for("> red");
    tty.types("\x1b[B");
    tty.types_until("\r", |_| !office.desk.decisions().is_empty());

    let Some(Answer::Answers(answers)) = office.desk.decisions().remove(0).answer else { panic!() };
    assert_eq!(answers.answers[0].answers, ["blue"]);
}

#[test]
fn a_daemon_that_goes_and_comes_back_is_watched_on() {
    let mut office = Office::with([bash('a', "first-call")]);
    let mut tty = watch(&office);
    tty.waits_for("first-call");

    office.close();
    office.desk.ask(bash('b', "second-call"));
    office.open();

    tty.waits_for("second-call");
    tty.types("q");
    assert!(tty.wait().success());
}
