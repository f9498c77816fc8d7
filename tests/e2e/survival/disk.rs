//! The disk is full.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use codeplane_client::v1::{
    self, DeleteSessionRequest, OutputPosition, SessionState, event::Payload, terminal_frame::Frame,
};
use codeplane_tests::{
    DaemonOptions, PATIENCE, TestDaemon, as_root_only, attached::observe, refused, run, scripted,
    wait_until_async,
};
use tempfile::TempDir;
use tonic::Code;

/// A small file system in memory.
pub(crate) struct SmallDisk {
    directory: TempDir,
}

impl SmallDisk {
    /// Makes one of so many MiB; none if that is not allowed here.
    pub(crate) fn new(megabytes: usize) -> Option<Self> {
        if !as_root_only("mount a small disk") {
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m,mode=0700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "none"]).arg(directory.path());
        let mounted = run(&mut mount, b"", PATIENCE);
        let is_there = mounted.code == 0;
        is_there.then_some(Self { directory })
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn ballast(&self) -> PathBuf {
        self.directory.path().join("ballast")
    }

    /// Fills it up but for so many KiB.
    pub(crate) fn fill(&self, but_for_kb: u64) {
        let free = nix::sys::statvfs::statvfs(self.directory.path()).unwrap();
        let bytes = free.blocks_available() * free.fragment_size() - (but_for_kb << 10);
        match fs::write(self.ballast(), vec![0; usize::try_from(bytes).unwrap()]) {
            // The daemon took some of it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {}
            other => other.unwrap(),
        }
    }

    pub(crate) fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(self.directory.path());
    }
}

fn unmount(path: &Path) {
    drop(Command::new("umount").arg("-l").arg(path).status());
}

fn daemon_on(disk: &SmallDisk) -> TestDaemon {
    let options = DaemonOptions { state_dir: Some(disk.state()), ..DaemonOptions::default() };
    TestDaemon::start_with(options)
}

#[tokio::test]
async fn a_full_disk_stops_no_program_and_what_is_not_kept_is_a_gap_that_is_told() {
    let Some(disk) = SmallDisk::new(32) else { return };
    let daemon = daemon_on(&disk);
    let go = daemon.home().join("go");
    let script =
        ["raw", "say begin", &format!("await {}", go.display()), "print 9000000 4", "serve"];
    let session = daemon.create(&script).await;
    let mut attached = daemon.attach(observe(&session.id)).await;
    attached.expect("begin").await;

    disk.fill(2 << 10);
    fs::write(go, "").unwrap();
    wait_until_async("the session to say that its output is not kept", PATIENCE, async || {
        daemon.session(&session.id).await.output_degraded
    })
    .await;
    wait_until_async("the program to have printed everything", PATIENCE, async || {
        // It serves: what is typed is carried out although nothing of it is kept.
        let flag = daemon.home().join("alive");
        daemon.type_text(&session.id, format!("touch {}\n", flag.display())).await;
        flag.exists()
    })
    .await;
    disk.make_room();
    wait_until_async("the output to be kept again", PATIENCE, async || {
        daemon.type_text(&session.id, "say .\n").await;
        !daemon.session(&session.id).await.output_degraded
    })
    .await;
    daemon.type_text(&session.id, "say and on\n").await;
    attached.expect("and on").await;

    let gaps: Vec<(u64, u64)> = attached.seen.iter().filter_map(gap).collect();
    assert!(!gaps.is_empty(), "{:?}", attached.seen);
    let missing: u64 = gaps.iter().map(|(from, to)| to - from).sum();
    let end = daemon.session(&session.id).await.output_end.unwrap().offset;
    assert!(attached.output.len() as u64 + missing <= end);
    assert_eq!(daemon.session(&session.id).await.state(), SessionState::Running);
    assert_events(&daemon, &session.id, &gaps).await;
}

fn gap(frame: &Frame) -> Option<(u64, u64)> {
    match frame {
        Frame::Gap(gap) => Some((gap.from?.offset, gap.to?.offset)),
        _ => None,
    }
}

/// The events say what the reader was told.
async fn assert_events(daemon: &TestDaemon, session: &str, gaps: &[(u64, u64)]) {
    let events = wait_until_async("the events", PATIENCE, async || {
        let events = daemon.events(&format!("session={session}")).await;
        let restored = events.iter().any(|event| event.r#type == "output.restored");
        if restored { Ok(events) } else { Err(events) }
    })
    .await;
    let at = |offset| Some(OutputPosition { incarnation: 1, offset });
    let (first, last) = (gaps[0], gaps[gaps.len() - 1]);
    let payloads: Vec<Payload> = events.into_iter().filter_map(|event| event.payload).collect();
    let degraded = Payload::OutputDegraded(v1::OutputDegraded { since: at(first.0) });
    assert!(payloads.contains(&degraded), "{payloads:?} {gaps:?}");
    let restored = Payload::OutputRestored(v1::OutputRestored { from: at(last.0), to: at(last.1) });
    assert!(payloads.contains(&restored), "{payloads:?} {gaps:?}");
}

#[tokio::test]
async fn on_a_full_disk_new_sessions_are_refused_and_old_ones_can_be_stopped_and_deleted() {
    let Some(disk) = SmallDisk::new(16) else { return };
    let daemon = daemon_on(&disk);
    let session = daemon.create(&["serve"]).await;
    daemon.printed(&session.id, "serving").await;
    let before = daemon.traces().await;
    disk.fill(0);

    let refusal = wait_until_async("a session to be refused", PATIENCE, async || {
        let request = scripted(&["forever"]);
        match daemon.raw_sessions().await.create_session(request).await {
            Ok(created) => Err(created),
            Err(status) => Ok(refused(Err::<(), _>(status))),
        }
    })
    .await;
    let delete =
        DeleteSessionRequest { session: session.id.clone(), force: true, ..Default::default() };
    daemon.client().await.delete_session(delete).await.unwrap();

    assert_eq!(refusal.facts(), (Code::ResourceExhausted, "DISK_FULL", vec![]));
    assert!(refusal.message.contains(disk.state().to_str().unwrap()), "{}", refusal.message);
    assert!(!daemon.traces().await.rows.contains(&session.id));
    assert!(before.rows.contains(&session.id));
    // What happened is recorded all the same, what was refused is not, and the chain is whole.
    let recorded = daemon.cpctl(["audit", "ls", "--session", &session.id]).success();
    assert!(recorded.contains("session.deleted"), "{recorded}");
    let created = daemon.cpctl(["audit", "ls", "--kind", "session.created"]).success();
    assert_eq!(created.lines().count(), 1 + 1, "{created}");
    drop(daemon.cpctl(["audit", "verify"]).success());
    disk.make_room();
    let again = wait_until_async("sessions to be taken again", PATIENCE, async || {
        daemon.client().await.create_session(scripted(&["forever"])).await
    })
    .await;
    assert_eq!(again.state(), SessionState::Running);
}

#[tokio::test]
async fn an_exit_code_survives_a_full_disk_and_a_killed_daemon() {
    let Some(disk) = SmallDisk::new(16) else { return };
    let mut daemon = daemon_on(&disk);
    let go = daemon.home().join("go");
    let session = daemon.create(&[&format!("await {}", go.display()), "exit 7"]).await;
    let code = |session: v1::Session| session.exit_status.unwrap().status.unwrap();

    disk.fill(0);
    fs::write(go, "").unwrap();
    let ended = daemon.reaches(&session.id, SessionState::Exited).await;
    assert_eq!(code(ended), v1::exit_status::Status::Code(7));
    daemon.kill_hard();
    disk.make_room();
    daemon.launch();

    let ended = daemon.reaches(&session.id, SessionState::Exited).await;
    assert_eq!(code(ended), v1::exit_status::Status::Code(7));
    assert_eq!(daemon.endings(&session.id).await, ["session.exited"]);
}
