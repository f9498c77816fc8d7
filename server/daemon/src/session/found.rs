//! What is left of a session when a daemon starts: its directory, and its shim.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use codeplane_core::{EndReason, Incarnation, Offset, SessionId};
use codeplane_shim::{
    Bundle, ExitRecord, HelloReply, IndexReader, IndexRecordKind, Outcome, PROTOCOL, ProcessState,
    ShimRecord, ShimSocket, StartFault, ToShim, log_end, segments,
};
use tracing::warn;

use super::link::Link;
use super::live::Live;
use crate::os;

/// What a session's directory says; what cannot be read is as if it were not there.
#[derive(Debug)]
pub(crate) struct OnDisk {
    /// The session file, for whoever wrote it.
    pub(crate) session_file: Option<Vec<u8>>,
    /// The newest run.
    pub(crate) incarnation: Incarnation,
    /// How it ended, if that was written.
    pub(crate) end: Option<EndReason>,
    /// Which process owned it.
    pub(crate) shim: Option<ShimRecord>,
}

/// Whether a session's shim is there.
#[derive(Debug)]
pub(crate) enum ShimState {
    /// It answers.
    Answers(Arc<Link>, Box<Greeting>),
    /// Its process is there but does not answer.
    Silent,
    /// It was started before the machine restarted.
    OtherBoot,
    /// It is not there.
    Gone,
}

/// What a shim says of itself.
#[derive(Debug)]
pub(crate) struct Greeting(pub(super) HelloReply);

/// What a shim says of its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// It is being started.
    Starting,
    /// It runs.
    Running,
    /// It is over.
    Over(EndReason),
}

/// What a shim that was killed left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftovers {
    /// Nothing.
    None,
    /// Processes that were just told to die.
    Dying,
}

impl OnDisk {
    /// Reads a directory.
    pub(crate) fn read(bundle: &Bundle) -> Self {
        let incarnations = bundle.incarnations().unwrap_or_default();
        let incarnation = incarnations.last().copied().unwrap_or(Incarnation::FIRST);
        let dir = bundle.incarnation(incarnation);
        Self {
            session_file: bundle.read_session().ok().flatten(),
            incarnation,
            end: dir.read_exit().ok().flatten().map(end_reason),
            shim: dir.read_shim().ok().flatten(),
        }
    }
}

impl Greeting {
    /// The shim's process id.
    pub(crate) const fn shim_pid(&self) -> u32 {
        self.0.shim_pid
    }

    /// The state of its program.
    pub(crate) fn program(&self) -> Program {
        match &self.0.state {
            ProcessState::Starting => Program::Starting,
            ProcessState::Running => Program::Running,
            ProcessState::Exited { status, .. } => Program::Over(EndReason::Exited(*status)),
            ProcessState::Failed(fault) => Program::Over(failed(fault.clone())),
        }
    }
}

/// Asks for the shim that the directory names.
pub(crate) async fn ask(
    id: SessionId,
    socket: &Path,
    recorded: Option<&ShimRecord>,
    limit: Duration,
) -> ShimState {
    if let Some((link, greeting)) = greet(id, socket, limit).await {
        return ShimState::Answers(link, Box::new(greeting));
    }
    match recorded {
        Some(record) if record.is_running() => {
            warn!(session.id = %id, "the shim of session {id} lives but does not answer");
            ShimState::Silent
        }
        Some(record) if record.boot_id != os::boot_id() => ShimState::OtherBoot,
        Some(_) | None => ShimState::Gone,
    }
}

/// Connects to a session's shim; none if nobody answers in time. The socket may be that of another
/// session with the same prefix.
pub(crate) async fn greet(
    id: SessionId,
    socket: &Path,
    limit: Duration,
) -> Option<(Arc<Link>, Greeting)> {
    let socket = ShimSocket::connect(socket).ok()?;
    let greeted = async {
        let link = Arc::new(Link::new(socket).ok()?);
        link.send(&ToShim::Hello { protocol: PROTOCOL }).await.ok()?;
        let hello = link.hello().await.ok()?;
        (hello.session == id).then_some((link, Greeting(hello)))
    };
    tokio::time::timeout(limit, greeted).await.ok().flatten()
}

impl Live {
    /// Recalls what its files say: where its output begins and ends, and the sizes it was made for.
    pub(crate) fn recall(&self) {
        let dir = self.output_dir();
        let all = segments(&dir).unwrap_or_default();
        let oldest = all.first().map_or(Offset::ZERO, |segment| segment.base);
        self.set_extent(oldest, log_end(&dir).unwrap_or_default());
        self.recall_sizes();
    }

    /// The emulator needs each size where it was set.
    fn recall_sizes(&self) {
        let index = self.bundle().incarnation(self.incarnation()).index();
        let Ok(index) = IndexReader::open(&index) else { return };
        let mut first = self.size();
        let mut later = Vec::new();
        for record in index.records_from(0).map_while(Result::ok) {
            match record.kind {
                IndexRecordKind::Start(size) => first = size,
                IndexRecordKind::Resize { size, .. } => later.push((record.offset, size)),
                IndexRecordKind::Time
                | IndexRecordKind::Input(_)
                | IndexRecordKind::Gap { .. }
                | IndexRecordKind::Exit(_)
                | IndexRecordKind::Other(_) => {}
            }
        }
        self.set_sizes(first, &later);
    }

    /// Kills what a shim that was killed left behind. Blocks.
    pub(crate) fn reap_leftovers(&self) -> Leftovers {
        let dir = self.bundle().incarnation(self.incarnation());
        match dir.read_shim() {
            Ok(Some(record)) if !record.reap_leftovers(self.id()) => Leftovers::Dying,
            Ok(Some(_) | None) | Err(_) => Leftovers::None,
        }
    }

    /// How the newest run ended as its shim wrote it, and where its output ends. Blocks.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub(crate) fn written_end(&self) -> std::io::Result<Option<EndReason>> {
        let dir = self.bundle().incarnation(self.incarnation());
        // What was logged and not told any more is there all the same.
        self.set_end(log_end(&dir.output()).unwrap_or_default());
        Ok(dir.read_exit()?.map(end_reason))
    }
}

fn end_reason(record: ExitRecord) -> EndReason {
    match record.outcome {
        Outcome::Exited(status) => EndReason::Exited(status),
        Outcome::Failed(fault) => failed(fault),
    }
}

fn failed(fault: StartFault) -> EndReason {
    EndReason::Failed { step: fault.step.as_str().to_owned(), message: fault.message }
}
