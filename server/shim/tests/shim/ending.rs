//! The end of programs, of what they leave behind, and of shims.

use codeplane_core::ExitStatus;
use codeplane_shim::{FromShim, Keep, ProcessState, SignalTarget, StopStep, ToShim, probe};

use crate::kit::{DEADLINE, TestShim, eventually, is_alive};

fn exited(message: &FromShim) -> Option<ExitStatus> {
    match message {
        FromShim::Exited { status, .. } => Some(*status),
        _ => None,
    }
}

fn drained(message: &FromShim) -> Option<()> {
    matches!(message, FromShim::Drained { .. }).then_some(())
}

#[test]
fn codes_and_signals_are_told_apart() {
    assert_eq!(TestShim::run("exit 0").until_status(), ExitStatus::Code(0));
    assert_eq!(TestShim::run("exit 137").until_status(), ExitStatus::Code(137));
    assert_eq!(TestShim::run("kill -9 $$").until_status(), ExitStatus::Signal(9));
    assert_eq!(TestShim::run("kill -HUP $$").until_status(), ExitStatus::Signal(1));
}

#[test]
fn the_status_is_on_disk_before_it_is_announced() {
    for _ in 0..20 {
        let mut shim = TestShim::run("echo bye; exit 5");

        shim.until(exited);

        let record = shim.files().read_exit().unwrap().expect("announced before it was written");
        assert_eq!(record.end.0, 5);
        assert_eq!(shim.output(), b"bye\r\n");
    }
}

#[test]
fn a_shim_whose_session_is_over_tells_all_and_leaves_nothing() {
    let mut shim = TestShim::run("echo bye");

    shim.until(drained);
    shim.until_gone();

    assert!(!shim.spec.socket.exists());
    let group = shim.files().read_shim().unwrap().unwrap().cgroup;
    assert!(group.is_none_or(|group| !group.exists()));
    assert!(!shim.files().shim_log().exists(), "it has nothing to complain about");
}

#[test]
fn a_shim_without_a_daemon_leaves_the_status_behind() {
    let mut shim = TestShim::run("read line; exit 7");
    shim.register();
    shim.type_(1, b"\n");
    shim.until(|message| matches!(message, FromShim::InputAck { .. }).then_some(()));

    shim.disconnect();

    shim.until_gone();
    assert_eq!(shim.until_status(), ExitStatus::Code(7));
}

#[test]
fn a_grandchild_that_holds_the_terminal_does_not_hold_back_the_status() {
    // The kernel hangs up on the foreground when its session leader ends; this one does not mind.
    let script = "trap '' HUP; sleep 1000 & echo $! > pid; exit 3";
    let mut shim = TestShim::run_with(script, |spec| spec.leftover_grace_ms = 600_000);

    assert_eq!(shim.until(exited), ExitStatus::Code(3));

    assert!(is_alive(&shim.text("pid")));
    let hello = probe(&shim.spec.socket, DEADLINE).unwrap();
    assert!(matches!(hello.state, ProcessState::Exited { status: ExitStatus::Code(3), .. }));
    assert_eq!(hello.child_pid, 0);
}

#[test]
fn what_outlives_the_program_is_killed_after_its_grace_also_when_it_hides() {
    // Another session, another group, another parent.
    let script = "setsid sh -c 'sleep 1000 & echo $! > pid' & wait; \
                  until [ -s pid ]; do sleep 0.01; done; exit 0";
    let mut shim = TestShim::run(script);
    shim.until(exited);
    let pid = shim.text("pid");

    shim.until(drained);

    assert!(!is_alive(&pid));
    shim.until_gone();
}

#[test]
fn what_outlives_the_program_is_left_alone_on_request_and_heard() {
    let script = "setsid sh -c 'echo $$ > pid; until [ -e go ]; do sleep 0.01; done; echo late' & \
                  until [ -s pid ]; do sleep 0.01; done; exit 0";
    let mut shim = TestShim::run_with(script, |spec| {
        spec.keep = Keep::Leave;
        spec.leftover_grace_ms = 1;
    });
    shim.until(exited);
    assert!(is_alive(&shim.text("pid")));

    std::fs::write(shim.path("go"), "").unwrap();

    shim.until(drained);
    assert_eq!(shim.output(), b"late\r\n");
    shim.until_gone();
}

#[test]
fn a_stop_reaches_daemonised_grandchildren() {
    let script = "setsid sh -c 'trap \"\" TERM HUP; echo $$ > pid; while :; do sleep 0.1; done' & \
                  until [ -s pid ]; do sleep 0.01; done; echo ready; sleep 1000";
    let mut shim = TestShim::run(script);
    shim.until_output("ready");
    let pid = shim.text("pid");
    assert!(is_alive(&pid));

    let steps = vec![StopStep { signal: libc::SIGTERM, wait_ms: 100 }];
    shim.send(&ToShim::Stop { steps });

    assert_eq!(shim.until(exited), ExitStatus::Signal(libc::SIGTERM));
    shim.until(drained);
    assert!(!is_alive(&pid));
    shim.until_gone();
}

#[test]
fn a_program_that_ignores_every_polite_signal_is_killed() {
    let script = "trap '' HUP TERM INT; echo ready; while :; do sleep 0.1; done";
    let mut shim = TestShim::run(script);
    shim.until_output("ready");

    let step = |signal| StopStep { signal, wait_ms: 50 };
    let steps = vec![step(libc::SIGHUP), step(libc::SIGTERM), step(libc::SIGKILL)];
    shim.send(&ToShim::Stop { steps });

    assert_eq!(shim.until(exited), ExitStatus::Signal(libc::SIGKILL));
}

#[test]
fn a_stop_goes_on_without_a_daemon_and_another_one_replaces_it() {
    let script = "trap '' HUP TERM; echo ready; while :; do sleep 0.1; done";
    let mut shim = TestShim::run(script);
    shim.until_output("ready");
    let step = |signal, wait_ms| StopStep { signal, wait_ms };

    shim.send(&ToShim::Stop { steps: vec![step(libc::SIGHUP, 3_600_000)] });
    shim.send(&ToShim::Stop { steps: vec![step(libc::SIGTERM, 50)] });
    shim.disconnect();

    shim.until_gone();
    assert_eq!(shim.until_status(), ExitStatus::Signal(libc::SIGKILL));
}

#[test]
fn a_stopped_program_is_continued_to_see_its_signal() {
    let script = "trap 'echo caught; exit 4' TERM; echo ready; kill -STOP $$; \
                  while :; do sleep 0.01; done";
    let mut shim = TestShim::run(script);
    shim.until_output("ready");
    let pid = probe(&shim.spec.socket, DEADLINE).unwrap().child_pid;
    eventually("stopped program", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.contains(") T ").then_some(())
    });

    let steps = vec![StopStep { signal: libc::SIGTERM, wait_ms: 600_000 }];
    shim.send(&ToShim::Stop { steps });

    assert_eq!(shim.until(exited), ExitStatus::Code(4));
}

#[test]
fn a_fork_storm_is_ended() {
    // Every process starts another and ends: there is never one to point at for long.
    let script = "echo 'sh ./storm &' > storm; setsid sh ./storm; echo ready; sleep 1000";
    let mut shim = TestShim::run(script);
    shim.until_output("ready");

    shim.send(&ToShim::Stop { steps: Vec::new() });

    shim.until(drained);
    shim.until_gone();
}

#[test]
fn a_signal_goes_to_the_program_and_to_the_foreground() {
    // An interactive shell gives each job a group of its own and that group the terminal.
    let mut shim = TestShim::run_command(&["sh", "-i"]);
    shim.register();
    // Quoted apart, so that the echo of what is typed is not taken for its output.
    shim.type_(1, b"trap 'echo sh\"\"ell' USR1; echo rea''dy\n");
    shim.until_output("ready");
    let job = "trap 'echo jo\"\"b; exit' USR1; echo wait''ing; while :; do sleep 0.01; done";
    std::fs::write(shim.path("job"), job).unwrap();
    shim.type_(2, b"sh ./job\n");
    shim.until_output("waiting");

    shim.send(&ToShim::Signal { signal: libc::SIGUSR1, target: SignalTarget::Group });

    shim.until_output("job\r");
    shim.until_output("shell");
}

#[test]
fn a_signal_to_the_tree_reaches_every_process() {
    let script = "trap 'echo parent' USR1; \
                  setsid sh -c 'trap \"echo hidden; exit\" USR1; echo ready; while :; do sleep 0.01; done' & \
                  while :; do sleep 0.01; done";
    let shim = TestShim::run(script);
    shim.until_output("ready");

    shim.send(&ToShim::Signal { signal: libc::SIGUSR1, target: SignalTarget::Tree });

    shim.until_output("hidden");
}

#[test]
fn shutdown_kills_the_tree_and_keeps_the_status() {
    let script = "setsid sleep 1000 & echo $! > pid; echo ready; sleep 1000";
    let mut shim = TestShim::run_with(script, |spec| spec.keep = Keep::Leave);
    shim.until_output("ready");
    let pid = shim.text("pid");

    shim.send(&ToShim::Shutdown);

    shim.until_gone();
    assert!(!is_alive(&pid));
    assert_eq!(shim.until_status(), ExitStatus::Signal(libc::SIGKILL));
    assert!(!shim.spec.socket.exists());
}

#[test]
fn a_shim_that_is_told_to_terminate_stops_its_session_first() {
    let mut shim = TestShim::run(
        "trap 'echo caught; exit 6' TERM; trap '' HUP; echo ready; \
                                  while :; do sleep 0.01; done",
    );
    shim.until_output("ready");

    let pid = nix::unistd::Pid::from_raw(i32::try_from(shim.process.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();

    shim.until_gone();
    assert_eq!(shim.until_status(), ExitStatus::Code(6));
}

#[test]
fn a_shim_that_is_killed_takes_its_program_along_and_its_group_can_be_reaped() {
    let script = "setsid sh -c 'trap \"\" HUP; echo $$ > hidden; exec sleep 1000' & \
                  echo $$ > pid; until [ -s hidden ]; do sleep 0.01; done; echo ready; sleep 1000";
    let mut shim = TestShim::run(script);
    shim.until_output("ready");
    let (pid, hidden) = (shim.text("pid"), shim.text("hidden"));
    let record = shim.files().read_shim().unwrap().unwrap();

    shim.process.kill().unwrap();
    shim.until_gone();

    eventually("hang-up", || (!is_alive(&pid)).then_some(()));
    assert_eq!(shim.files().read_exit().unwrap(), None);
    assert!(is_alive(&hidden), "nobody has cleared up yet");
    let session = shim.spec.session;
    eventually("nothing left", || record.reap_leftovers(session).then_some(()));
    eventually("its death", || (!is_alive(&hidden)).then_some(()));
}

#[test]
fn a_thousand_orphans_leave_no_zombie() {
    let script =
        "i=0; while [ $i -lt 1000 ]; do (true &); i=$((i+1)); done; echo ready; sleep 1000";
    let shim = TestShim::run(script);
    shim.until_output("ready");

    eventually("no zombie", || {
        let own = shim.process.id();
        let tasks = format!("/proc/{own}/task/{own}/children");
        let children = std::fs::read_to_string(tasks).unwrap();
        (children.split_whitespace().count() == 1).then_some(())
    });
}

#[test]
fn output_printed_just_before_the_end_is_never_lost() {
    for _ in 0..20 {
        let mut shim = TestShim::run("head -c 100000 /dev/zero | tr '\\0' y; printf last");

        shim.until(exited);

        let output = shim.output();
        assert_eq!(output.len(), 100_004);
        assert!(output.ends_with(b"last"));
    }
}

#[test]
fn a_shim_whose_directory_was_removed_does_not_stay_for_ever() {
    let mut shim = TestShim::run("read line; exit 7");
    shim.register();
    std::fs::remove_dir_all(&shim.spec.bundle).unwrap();

    shim.type_(1, b"\n");

    shim.until(drained);
    shim.until_gone();
    assert!(!shim.spec.bundle.exists());
}
