//! The disk is full: nothing is allowed that is not written down.

use codeplane_tests::{DaemonOptions, PATIENCE, TestDaemon, wait_until};
use serde_json::Value;

use super::kit::{Answer, Caller, approvals, call, text};
use crate::survival::disk::SmallDisk;

/// Room that is left, in KiB: which write of a decision is the first to fail differs.
const ROOM_KB: [u64; 9] = [0, 4, 8, 16, 24, 32, 48, 64, 128];

fn daemon_on(disk: &SmallDisk) -> TestDaemon {
    let options = DaemonOptions { state_dir: Some(disk.state()), ..DaemonOptions::default() };
    TestDaemon::start_with(options)
}

fn is_allowed(answer: &Answer) -> bool {
    match answer.decision() {
        (decision, _) if decision == "allow" => true,
        (decision, reason) => {
            assert_eq!((decision.as_str(), answer.code), ("deny", 2), "{answer:?}");
            assert!(reason.contains("nothing is allowed") || reason.contains("hand"), "{reason}");
            false
        }
    }
}

/// How many audit records of a kind there are that say so.
fn recorded(daemon: &TestDaemon, kind: &str, word: &str) -> usize {
    let list = ["audit", "ls", "-o", "json", "--limit", "1000", "--kind", kind];
    let listed: Vec<Value> = serde_json::from_str(&daemon.cpctl(list).success()).unwrap();
    listed.iter().filter(|record| record.to_string().contains(word)).count()
}

#[test]
fn a_rule_allows_nothing_that_cannot_be_written_down_and_again_once_there_is_room() {
    let Some(disk) = SmallDisk::new(16) else { return };
    let daemon = daemon_on(&disk);
    let caller = Caller::start(&daemon, "a", &["--allow", "Bash(make)"]);
    let mut number = 0;
    let mut ask = || {
        number += 1;
        is_allowed(&caller.ask(number, &call("make")))
    };
    let (mut allowed, mut denied) = (0, 0);
    let mut count = |is_allowed: bool| if is_allowed { allowed += 1 } else { denied += 1 };

    for room in ROOM_KB {
        disk.fill(room);
        (0..3).for_each(|_| count(ask()));
        disk.make_room();
        wait_until("calls to be allowed again", PATIENCE, || {
            let is_allowed = ask();
            count(is_allowed);
            is_allowed
        });
    }

    assert!(denied >= ROOM_KB.len(), "the disk was full: {denied} of {}", allowed + denied);
    assert_eq!(recorded(&daemon, "decision.made", "\"allowed\""), allowed);
    drop(daemon.cpctl(["audit", "verify"]).success());
}

#[test]
fn a_person_allows_nothing_that_cannot_be_written_down_and_can_once_there_is_room() {
    let Some(disk) = SmallDisk::new(16) else { return };
    let daemon = daemon_on(&disk);
    let caller = Caller::start(&daemon, "a", &[]);
    let (mut allowed, mut refused) = (0, 0);

    for (number, room) in (1..).zip(ROOM_KB) {
        caller.report(number, call(&format!("make {number}")).as_bytes());
        let waits = wait_until("the call to wait", PATIENCE, || approvals(&daemon, &[]).pop());
        let id = text(&waits, "id");

        disk.fill(room);
        let told = daemon.cpctl(["approvals", "allow", id]);
        if told.code != 0 {
            refused += 1;
            assert!(told.stderr.contains("full"), "{told:?}");
            assert!(!caller.is_answered(number), "it goes on waiting");
        }
        disk.make_room();
        if told.code != 0 {
            wait_until("the approval to be decided", PATIENCE, || {
                let told = daemon.cpctl(["approvals", "allow", id]);
                if told.code == 0 { Ok(()) } else { Err(told) }
            });
        }
        if is_allowed(&caller.answer(number)) {
            allowed += 1;
        }
        let told = wait_until("nothing to wait", PATIENCE, || {
            let waiting = approvals(&daemon, &[]);
            if waiting.is_empty() { Ok(waiting) } else { Err(waiting) }
        });
        assert_eq!(told.len(), 0);
    }

    assert!(refused > 0, "the disk was full");
    assert!(recorded(&daemon, "decision.made", "\"allowed\"") >= allowed);
    assert_eq!(recorded(&daemon, "answer.delivered", ""), allowed);
    drop(daemon.cpctl(["audit", "verify"]).success());
}
