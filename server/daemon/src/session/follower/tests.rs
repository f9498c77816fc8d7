//! Followers over a log that a test writes by hand.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use codeplane_core::{
    Acquire, ExitStatus, HostId, Labels, Mandate, NewSession, Session, SessionId, TerminalSize,
    Timestamp,
};
use codeplane_shim::Bundle;
use tempfile::TempDir;
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::session::seat::Answers;
use crate::session::surroundings::Surroundings;
use crate::session::watch::Watcher;

/// A session whose shim is the test.
struct Fixture {
    live: Arc<Live>,
    stopping: CancellationToken,
    end: u64,
    _dir: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bundle = Bundle::new(dir.path());
        bundle.incarnation(Incarnation::FIRST).create().unwrap();
        let stopping = CancellationToken::new();
        let surroundings = Surroundings::new(stopping.clone(), 1 << 20, Watcher::start().unwrap());
        let session = Session::starting(NewSession {
            id: SessionId::random(),
            host: HostId::random(),
            name: None,
            labels: Labels::default(),
            command: vec!["test".to_owned()],
            cwd: "/".to_owned(),
            size: TerminalSize::DEFAULT,
            provider: "generic".to_owned(),
            source: "test".to_owned(),
            parent: None,
            keep: false,
            mandate: Mandate::default(),
            created_at: Timestamp::default(),
        });
        let live = Live::new(session, dir.path(), Arc::new(surroundings));
        live.set_started(Timestamp::default());
        Self { live, stopping, end: 0, _dir: dir }
    }

    /// Appends to the log first and tells then, as the shim does.
    fn print(&mut self, bytes: &[u8]) {
        let path = self.live.output_dir().join(format!("{:020}.log", 0));
        let mut log = OpenOptions::new().create(true).append(true).open(path).unwrap();
        log.write_all(bytes).unwrap();
        self.end += bytes.len() as u64;
        self.live.set_end(Offset(self.end));
    }

    fn follow(&self, from: u64, until: Until) -> Follower {
        let from = OutputPosition { incarnation: Incarnation::FIRST, offset: Offset(from) };
        Follower::new(Arc::clone(&self.live), Follow { head: vec![], from, seat: None, until })
    }

    fn follow_as(&self, seat: &Arc<Seat>) -> Follower {
        let from = self.live.end_position();
        let seat = Some(Arc::clone(seat));
        let until = Until::SessionEnds;
        Follower::new(Arc::clone(&self.live), Follow { head: vec![], from, seat, until })
    }

    fn exit(&self, code: i32) {
        let reason = EndReason::Exited(ExitStatus::Code(code));
        self.live.set_ended(reason, Timestamp::default());
    }
}

async fn next(follower: &mut Follower) -> Frame {
    let frame = tokio::time::timeout(Duration::from_secs(10), follower.next()).await;
    frame.expect("no frame came").expect("the stream ended")
}

async fn rest(mut follower: Follower) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_secs(10), follower.next()).await
    {
        frames.push(frame);
    }
    frames
}

fn output(offset: u64, data: &'static [u8]) -> Frame {
    Frame::Output {
        incarnation: Incarnation::FIRST,
        offset: Offset(offset),
        data: Bytes::from_static(data),
    }
}

#[tokio::test]
async fn a_client_that_attaches_late_sees_everything_from_its_position() {
    let mut session = Fixture::new();
    session.print(b"before ");
    let mut follower = session.follow(2, Until::SessionEnds);

    assert_eq!(next(&mut follower).await, output(2, b"fore "));
    session.print(b"after");

    assert_eq!(next(&mut follower).await, output(7, b"after"));
}

#[tokio::test]
async fn the_end_comes_after_all_output_and_is_the_last_frame() {
    let mut session = Fixture::new();
    let follower = session.follow(0, Until::SessionEnds);
    session.print(b"bye");
    session.exit(3);

    let frames = rest(follower).await;

    let position = session.live.end_position();
    let reason = EndReason::Exited(ExitStatus::Code(3));
    let end = Frame::End(StreamEnd::SessionEnded);
    assert_eq!(frames, [output(0, b"bye"), Frame::Exited { reason, position }, end]);
}

#[tokio::test]
async fn a_change_of_size_is_told_where_it_happened() {
    let mut session = Fixture::new();
    let follower = session.follow(0, Until::SessionEnds);
    let size = TerminalSize::new(100, 30).unwrap();
    session.print(b"wide");
    session.live.set_resized(Offset(4), size);
    session.print(b"wider");
    session.exit(0);

    let frames = rest(follower).await;

    let at = OutputPosition { incarnation: Incarnation::FIRST, offset: Offset(4) };
    assert_eq!(frames[..3], [output(0, b"wide"), Frame::Resized { at, size }, output(4, b"wider")]);
}

#[tokio::test]
async fn a_reader_that_does_not_follow_ends_where_it_was_told() {
    let mut session = Fixture::new();
    session.print(b"0123456789");

    let frames = rest(session.follow(3, Until::Position(Offset(6)))).await;

    assert_eq!(frames, [output(3, b"345"), Frame::End(StreamEnd::LimitReached)]);
}

#[tokio::test]
async fn bytes_that_are_gone_are_a_gap_and_reading_goes_on() {
    let mut session = Fixture::new();
    session.print(b"lost");
    let dir = session.live.output_dir();
    std::fs::remove_file(dir.join(format!("{:020}.log", 0))).unwrap();
    std::fs::write(dir.join(format!("{:020}.log", 4)), b"kept").unwrap();
    session.live.set_end(Offset(8));
    let mut follower = session.follow(1, Until::SessionEnds);

    let position =
        |offset| OutputPosition { incarnation: Incarnation::FIRST, offset: Offset(offset) };
    assert_eq!(next(&mut follower).await, Frame::Gap { from: position(1), to: position(4) });
    assert_eq!(next(&mut follower).await, output(4, b"kept"));
}

#[tokio::test]
async fn whoever_loses_control_is_told_and_the_newest_remaining_follows() {
    let session = Fixture::new();
    let [first, second] =
        [(), ()].map(|()| session.live.sit(None, "somebody", Answers::Daemon).unwrap());
    session.live.acquire(first.id(), Acquire::Steal).unwrap();
    let mut frames = session.follow_as(&first);

    session.live.acquire(second.id(), Acquire::Steal).unwrap();
    let at = session.live.end_position();
    let holder = Some(second.id());
    assert_eq!(next(&mut frames).await, Frame::ControlChanged { holder, at });

    session.live.leave(&second);
    let holder = Some(first.id());
    assert_eq!(next(&mut frames).await, Frame::ControlChanged { holder, at });
}

#[tokio::test]
async fn an_attachment_hears_of_its_own_input_and_pings_only() {
    let session = Fixture::new();
    let [own, other] =
        [(), ()].map(|()| session.live.sit(None, "somebody", Answers::Daemon).unwrap());
    let mut frames = session.follow_as(&own);

    session.live.acked(other.token(), 9);
    session.live.acked(own.token(), 4);
    assert_eq!(next(&mut frames).await, Frame::InputAck(4));

    own.set_refused(5);
    session.live.acked(own.token(), 5);
    assert_eq!(next(&mut frames).await, Frame::InputRefused(5));
    assert_eq!(next(&mut frames).await, Frame::InputAck(5));

    session.live.ping(&own, 0);
    assert_eq!(next(&mut frames).await, Frame::Pong(0));
}

#[tokio::test]
async fn whoever_comes_back_goes_on_and_the_old_stream_ends() {
    let session = Fixture::new();
    let seat = session.live.sit(None, "somebody", Answers::Daemon).unwrap();
    session.live.acked(seat.token(), 7);
    let old = session.follow_as(&seat);

    let again = session.live.sit(Some(seat.token()), "somebody", Answers::Daemon).unwrap();

    assert_eq!((again.id(), again.acked()), (seat.id(), 7));
    assert_eq!(rest(old).await, [Frame::End(StreamEnd::Replaced)]);
    assert!(session.live.seat(again.id()).is_some(), "the old stream's end takes nothing away");
    assert!(session.live.sit(Some([0; 16]), "somebody", Answers::Daemon).is_err());
}

#[tokio::test]
async fn a_client_that_leaves_does_not_wait_for_a_flood() {
    let mut session = Fixture::new();
    let seat = session.live.sit(None, "somebody", Answers::Daemon).unwrap();
    let frames = session.follow_as(&seat);
    session.print(&[b'x'; 1 << 20]);

    session.live.ask_to_leave(&seat);

    assert_eq!(rest(frames).await, [Frame::End(StreamEnd::Detached)]);
}

#[tokio::test]
async fn when_the_daemon_stops_a_reader_gets_what_is_there_and_is_told() {
    let mut session = Fixture::new();
    let follower = session.follow(0, Until::SessionEnds);
    session.print(b"rest");
    session.stopping.cancel();
    session.live.changed();

    let end = Frame::End(StreamEnd::DaemonStopping);
    assert_eq!(rest(follower).await, [output(0, b"rest"), end]);
}
