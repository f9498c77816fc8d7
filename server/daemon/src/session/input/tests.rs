//! Typing at dialogs, into a shim that is the test.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use codeplane_core::{
    Acquire, Activity, ActivityName, ActivitySource, GateMode, HostId, Labels, NewSession, Session,
    SessionAgent, SessionId, Timestamp,
};
use codeplane_shim::ShimSocket;
use codeplane_terminal::ProgramStatus;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept, bind, listen, recv,
    socket,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::session::link::Link;
use crate::session::seat::Answers;
use crate::session::surroundings::Surroundings;
use crate::session::watch::Watcher;

const ESCAPE: &[u8] = b"\x1b";

struct Fixture {
    live: Arc<Live>,
    seat: Arc<Seat>,
    seq: u64,
    /// Where the shim receives.
    shim: OwnedFd,
    _dir: TempDir,
}

impl Fixture {
    /// An attachment that holds control of a session.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (socket, shim) = connected(&dir.path().join("shim"));
        let watcher = Watcher::start().unwrap();
        let surroundings = Surroundings::new(CancellationToken::new(), 1 << 20, watcher);
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
            mandate: codeplane_core::Mandate::default(),
            created_at: Timestamp::default(),
        });
        let live = Live::new(session, dir.path(), Arc::new(surroundings));
        live.set_link(Arc::new(Link::new(socket).unwrap()), 1, TerminalSize::DEFAULT);
        let seat = live.sit(None, "somebody", Answers::Daemon).unwrap();
        live.acquire(seat.id(), Acquire::Steal).unwrap();
        Self { live, seat, seq: 0, shim, _dir: dir }
    }

    /// Types as an attachment; answers what the shim is given to type, and the answer.
    async fn type_as(&mut self, roles: Roles, bytes: &[u8]) -> (Vec<u8>, Result<(), InputError>) {
        self.seq += 1;
        let answer = self.live.type_as(&self.seat, self.seq, bytes, roles).await;
        (self.received(self.seq), answer)
    }

    /// Types as one call and does not wait for its end; answers what is refused at once.
    fn type_unary(&self, roles: Roles, bytes: &[u8]) -> Option<InputError> {
        let request = RequestId::random();
        let author = AttachmentId::from_bytes(*request.as_bytes());
        let input = UnaryInput { request, author, bytes, roles };
        let mut typing = Box::pin(self.live.type_unary(input));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match typing.as_mut().poll(&mut context) {
            std::task::Poll::Ready(answer) => answer.err(),
            std::task::Poll::Pending => None,
        }
    }

    /// What the input with this number was.
    fn received(&self, wanted: u64) -> Vec<u8> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = recv(self.shim.as_raw_fd(), &mut buffer, MsgFlags::empty()).unwrap();
            match ToShim::decode(&buffer[..count]) {
                Some(ToShim::Input { seq, bytes, .. }) if seq == wanted => return bytes.to_vec(),
                Some(_) => {}
                None => panic!("the daemon has gone"),
            }
        }
    }
}

/// A connection and its other end.
fn connected(path: &Path) -> (ShimSocket, OwnedFd) {
    let kind = (AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC);
    let door = socket(kind.0, kind.1, kind.2, None).unwrap();
    bind(door.as_raw_fd(), &UnixAddr::new(path).unwrap()).unwrap();
    listen(&door, Backlog::new(1).unwrap()).unwrap();
    let socket = ShimSocket::connect(path).unwrap();
    // SAFETY: it was just accepted, and nobody else has it.
    let shim = unsafe { OwnedFd::from_raw_fd(accept(door.as_raw_fd()).unwrap()) };
    (socket, shim)
}

fn operator() -> Roles {
    [Role::Viewer, Role::Operator].into_iter().collect()
}

fn does(live: &Live, name: ActivityName, source: ActivitySource) {
    let activity = Some(Activity { name, source, since: Timestamp::default() });
    live.set_agent(SessionAgent { activity, ..live.agent() });
}

fn asks_in_its_dialog(live: &Live) {
    live.set_agent(SessionAgent { mode: GateMode::AgentDialog, ..live.agent() });
    live.set_pending(1);
}

/// Each way to know of a dialog, and each way to know that there is none.
type Told = fn(&Live);
const DIALOGS: [(&str, Told); 4] = [
    ("the program says so", |live| live.set_program_status(ProgramStatus::NeedsPermission)),
    ("a hook says so", |live| {
        does(live, ActivityName::WaitingForApproval, ActivitySource::Hook);
    }),
    ("it was known before a restart", |live| {
        does(live, ActivityName::WaitingForApproval, ActivitySource::ProgramStatus);
    }),
    ("an approval waits there", asks_in_its_dialog),
];
const NO_DIALOGS: [(&str, Told); 5] = [
    ("nothing is known", |_| {}),
    ("the program works", |live| live.set_program_status(ProgramStatus::Working)),
    ("it asks something else", |live| live.set_program_status(ProgramStatus::NeedsAnswer)),
    ("the daemon itself holds the call", |live| {
        does(live, ActivityName::WaitingForApproval, ActivitySource::Daemon);
        live.set_pending(1);
    }),
    ("the dialog is over", |live| {
        asks_in_its_dialog(live);
        live.set_pending(0);
    }),
];

#[tokio::test]
async fn whoever_may_not_approve_does_not_type_at_a_dialog() {
    for (why, told) in DIALOGS {
        let mut session = Fixture::new();
        told(&session.live);
        for bytes in [&b"y"[..], b"\r", b"1", b"\x1b[13u", b"\x1b\r", b"no\x03"] {
            let (typed, answer) = session.type_as(operator(), bytes).await;
            assert_eq!(answer, Err(InputError::NeedsApprover), "{why}: {bytes:?}");
            assert_eq!(typed, b"", "{why}: {bytes:?}");
            assert_eq!(session.seat.refused(), session.seq, "{why}: its client is told");
            let refused = session.type_unary(operator(), bytes);
            assert_eq!(refused, Some(InputError::NeedsApprover), "{why}: {bytes:?}");
        }
    }
}

#[tokio::test]
async fn everybody_may_break_off_and_who_may_approve_may_type() {
    for (why, told) in DIALOGS {
        let mut session = Fixture::new();
        told(&session.live);
        for (roles, bytes) in [
            (operator(), ESCAPE),
            (operator(), b"\x03"),
            (operator(), b"\x1b[27u"),
            (operator(), b"\x1b[99;5u"),
            (Roles::HUMAN, b"y\r"),
        ] {
            let typed = session.type_as(roles, bytes).await;
            assert_eq!(typed, (bytes.to_vec(), Ok(())), "{why}");
            assert_eq!(session.type_unary(roles, bytes), None, "{why}: {bytes:?}");
        }
        assert_eq!(session.seat.refused(), 0);
    }
}

#[tokio::test]
async fn where_there_is_no_dialog_an_operator_types() {
    for (why, told) in NO_DIALOGS {
        let mut session = Fixture::new();
        told(&session.live);

        assert_eq!(session.type_as(operator(), b"y\r").await, (b"y\r".to_vec(), Ok(())), "{why}");
        assert_eq!(session.type_unary(operator(), b"y\r"), None, "{why}");
    }
}

#[tokio::test]
async fn who_only_sees_types_nothing_even_where_control_was_left_to_it() {
    let mut session = Fixture::new();
    let viewer: Roles = [Role::Viewer].into_iter().collect();

    assert_eq!(session.type_as(viewer, b"x").await, (Vec::new(), Ok(())));
    assert_eq!(session.type_as(operator(), b"x").await, (b"x".to_vec(), Ok(())));
}

#[tokio::test]
async fn what_waited_for_room_is_not_typed_at_a_dialog_that_came_up_meanwhile() {
    let mut session = Fixture::new();
    // The terminal takes nothing until it has acknowledged all of this.
    let window = codeplane_shim::INPUT_WINDOW_BYTES;
    let pieces = u64::try_from(window / INPUT_BYTES).unwrap();
    for _ in 0..pieces {
        session.type_as(operator(), &vec![b'x'; INPUT_BYTES]).await.1.unwrap();
    }
    let late = pieces + 1;
    let (live, seat) = (Arc::clone(&session.live), Arc::clone(&session.seat));
    let mut typing = Box::pin(live.type_as(&seat, late, b"y", operator()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(typing.as_mut().poll(&mut context).is_pending(), "there is no room");

    session.live.set_program_status(ProgramStatus::NeedsPermission);
    session.live.link().unwrap().applied(seat.token(), pieces);

    assert_eq!(typing.await, Err(InputError::NeedsApprover));
    assert_eq!(session.received(late), b"");
}
