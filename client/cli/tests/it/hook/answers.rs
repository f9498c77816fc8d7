//! A daemon that answers.

use tonic::Code;

use super::scene::{ASKS, Scene, Step, answer, said, waiting, waiting_for};
use crate::fake::{refusal, wait_until};

const MIB: usize = 1024 * 1024;

#[test]
fn the_agent_gets_the_answer_byte_for_byte() {
    let scene = Scene::with([vec![answer("{\"a\":\"\x1b\u{202e}\"}", "why\n", 7)]]);

    let said = scene.hook(&["claude", "--event", "PreToolUse"], ASKS);

    assert_eq!(said.stdout, "{\"a\":\"\x1b\u{202e}\"}");
    assert_eq!(said.stderr, "why\n");
    assert_eq!(said.code, Some(7));
}

#[test]
fn the_daemon_gets_the_event_byte_for_byte() {
    let scene = Scene::with([vec![answer("", "", 0)]]);

    for body in ["{\"hook_event_name\": \"Stop\"}\n ", "", "not json \x00", r#"{"a":1,"a":2}"#] {
        scene.hook(&["codex"], body);

        let report = scene.reports().pop().unwrap();
        assert_eq!(report.body, body.as_bytes());
        assert_eq!((report.provider.as_str(), report.event.as_str()), ("codex", ""));
        assert_eq!(report.token, "0f".repeat(32));
        assert_eq!((report.event_id.len(), report.oversized_bytes), (36, 0));
    }
    scene.hook(&["generic", "--event=tool_requested"], "{}");
    assert_eq!(scene.reports().pop().unwrap().event, "tool_requested");
}

#[test]
fn the_exit_code_that_agents_take_for_no_opinion_is_never_used() {
    for told in [1, 256, 257, u32::MAX] {
        let scene = Scene::with([vec![answer("", "", told)]]);

        assert_eq!(scene.hook(&["claude"], ASKS).code, Some(2), "{told}");
    }
}

#[test]
fn an_answer_that_a_person_gives_is_waited_for() {
    let scene = Scene::with([vec![waiting(), answer("yes", "", 0)]]);

    assert_eq!(scene.hook(&["claude"], ASKS).stdout, "yes");
}

#[test]
fn an_end_that_no_clock_knows_does_no_harm() {
    for seconds in [1 << 40, i64::MAX / 2, -(1 << 40)] {
        let scene = Scene::with([vec![waiting_for(seconds), answer("yes", "", 0)]]);

        assert_eq!(scene.hook(&["claude"], ASKS).stdout, "yes", "{seconds}");
    }
}

#[test]
fn an_approval_that_nobody_decides_ends_with_its_time() {
    // 25 s after the end the daemon's own answer counts: so that end is in the past.
    let scene = Scene::with([vec![waiting_for(-24), Step::Hang]]);

    let said = scene.hook(&["claude"], ASKS);

    assert!(said.denied().starts_with("nobody decided in time"), "{said:?}");
}

#[test]
fn a_large_event_is_forwarded_whole_up_to_the_limit_and_counted_beyond() {
    let scene = Scene::with([vec![answer("", "", 0)]]);
    for (length, kept, counted) in [
        (10 * MIB, 10 * MIB, 0),
        (16 * MIB, 16 * MIB, 0),
        (16 * MIB + 1, 16 * MIB, 16 * MIB + 1),
        (20 * MIB, 16 * MIB, 20 * MIB),
    ] {
        let event = vec![b' '; length];

        assert_eq!(said(scene.start_hook(&["claude"], &event)).code, Some(0));

        let report = scene.reports().pop().unwrap();
        assert_eq!(report.body.len(), kept);
        assert_eq!(usize::try_from(report.oversized_bytes).unwrap(), counted);
    }
}

#[test]
fn a_refusal_denies_at_once() {
    for code in [
        Code::Unauthenticated,
        Code::PermissionDenied,
        Code::AlreadyExists,
        Code::InvalidArgument,
        Code::ResourceExhausted,
        Code::Internal,
    ] {
        let refuse = Step::Refuse(refusal(code, "REASON", "this token is of no session"));
        let scene = Scene::with([vec![refuse], vec![answer("yes", "", 0)]]);

        let said = scene.hook(&["claude"], ASKS);

        assert!(said.denied().contains("this token is of no session"), "{code:?}: {said:?}");
        assert_eq!(scene.reports().len(), 1, "{code:?}");
    }
}

#[test]
fn a_daemon_that_does_not_know_the_call_is_told_to_be_updated() {
    let scene = Scene::with([vec![Step::Refuse(tonic::Status::unimplemented("x"))]]);

    assert!(scene.hook(&["claude"], ASKS).denied().contains("update"));
}

#[test]
fn a_daemon_that_stops_and_comes_back_gets_the_same_event_again() {
    let stopping = || Step::Refuse(refusal(Code::Unavailable, "STOPPED", "the daemon stops"));
    let cut = || Step::Refuse(tonic::Status::unknown("connection reset"));
    let scripts =
        [vec![stopping()], vec![cut()], vec![waiting(), cut()], vec![], vec![answer("yes", "", 0)]];
    let scene = Scene::with(scripts);

    assert_eq!(scene.hook(&["claude"], ASKS).stdout, "yes");

    let reports = scene.reports();
    assert_eq!(reports.len(), 5);
    assert!(reports.iter().all(|report| report == &reports[0]), "{reports:?}");
}

#[test]
fn a_status_line_is_what_the_daemon_says_and_else_empty() {
    let line = |scene: &Scene| scene.hook(&["claude", "--event", "StatusLine"], "{}");
    let scene = Scene::with([vec![answer("codeplane: gated\n", "", 0)]]);
    assert_eq!(line(&scene).stdout, "codeplane: gated\n");

    for scene in [
        Scene::without_daemon(),
        Scene::with([vec![Step::Refuse(refusal(Code::PermissionDenied, "X", "no"))]]),
        Scene::with([vec![Step::Hang]]),
    ] {
        let said = line(&scene);

        assert_eq!((said.stdout.as_str(), said.stderr.as_str(), said.code), ("\n", "", Some(0)));
    }
}

#[test]
fn hooks_do_not_wait_for_each_other() {
    let scene = Scene::with([vec![waiting(), Step::Hang], vec![answer("yes", "", 0)]]);
    let mut waits = scene.start_hook(&["claude"], ASKS.as_bytes());
    wait_until("the first is waiting", || scene.reports().len() == 1);

    assert_eq!(scene.hook(&["claude"], ASKS).stdout, "yes");

    waits.kill().unwrap();
    waits.wait().unwrap();
}
