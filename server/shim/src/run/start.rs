//! From an inherited socket to a running program.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use codeplane_core::Offset;

use super::complaint::{complain, complain_in};
use super::door::Door;
use super::ending::Ending;
use super::input::Input;
use super::output::Output;
use super::program::{self, Inherited};
use super::shim::{Facts, Shim};
use super::terminal::Terminal;
use crate::BUILD_ID;
use crate::bundle::{Bundle, IncarnationDir};
use crate::fault::{StartFault, StartStep};
use crate::index::IndexWriter;
use crate::os::{
    self, Awaited, Cgroup, Delivered, Identity, Interest, Poll, Received, SeqPacket, SessionLimit,
    SignalDoor, Title,
};
use crate::output_log::LogWriter;
use crate::record::{ExitRecord, Outcome, ShimRecord};
use crate::spec::LaunchSpec;
use crate::wire::{FromShim, PROTOCOL, Part, ProcessState, ToShim};

/// A daemon that takes longer to say what to start has died or forgotten.
const SPEC_TIMEOUT: Duration = Duration::from_secs(30);

/// The kernel takes 2 MiB of arguments and environment; this leaves it to say so.
const MOST_SPEC_BYTES: usize = 8 * 1024 * 1024;

/// How long a daemon gets to make room for the reason why nothing was started.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(5);

/// The process as it was prepared.
struct Prepared {
    signals: SignalDoor,
    socket: SeqPacket,
    /// Where messages are received.
    buffer: Vec<u8>,
    inherited: Inherited,
    identity: Identity,
    /// The control group the shim is in.
    group: Option<PathBuf>,
    title: Title,
}

/// Prepares the process and starts the program. `None` when there is nothing to serve: the daemon
/// is gone, or the program did not start and the daemon knows.
pub(super) fn start() -> io::Result<Option<Shim>> {
    let mut prepared = prepare()?;
    let Prepared { socket, signals, buffer, .. } = &mut prepared;
    if !wait_for_word(socket, signals) {
        return Ok(None);
    }
    let Some(spec) = receive_spec(socket, buffer)? else { return Ok(None) };
    let Some(spec) = LaunchSpec::decode(&spec) else {
        let message = "what to start could not be read".to_owned();
        say_goodbye(&prepared.socket, StartFault { step: StartStep::Spec, errno: 0, message });
        return Ok(None);
    };
    let files = Bundle::new(&spec.bundle).incarnation(spec.incarnation);
    if is_gone(&prepared.socket) {
        // A daemon that died in the middle of a create has given it up.
        return Ok(None);
    }
    prepared.title.set(&spec.session.short());
    complain_in(files.shim_log());
    os::leave_standard_error();
    // Kept for the farewell, as the shim takes the other.
    let socket = prepared.socket.duplicate()?;
    match assemble(prepared, &spec, files.clone()) {
        Ok(shim) => {
            drop(spec);
            os::trim_heap();
            Ok(Some(shim))
        }
        Err(fault) => {
            let outcome = Outcome::Failed(fault.clone());
            let record = ExitRecord { outcome, end: Offset::ZERO, at: os::wall_clock() };
            // Files that exist are another shim's: this one never owned the incarnation.
            let is_owner = fault.step != StartStep::Bundle || fault.errno != libc::EEXIST;
            if is_owner && let Err(error) = files.write_exit(&record) {
                complain(format_args!("exit record: {error}"));
            }
            say_goodbye(&socket, fault);
            Ok(None)
        }
    }
}

/// Makes a shim of a process that was started like any other, and learns all that does not depend
/// on what is to be started: the daemon makes the files meanwhile.
fn prepare() -> io::Result<Prepared> {
    os::close_inherited();
    os::keep_one_heap();
    os::name_process(os::SHIM_NAME);
    let signals = os::take_over_signals()?;
    os::adopt_descendants()?;
    // Holds on to no file system.
    std::env::set_current_dir("/")?;
    os::seal()?;
    let core_limit = os::limit_core_dumps()?;
    // Whatever becomes of this process and of their environment: they were in a session.
    SessionLimit::put_on()?;
    let umask = os::forget_umask();
    let socket = SeqPacket::from_owned(os::redirect_standard_input()?);
    let inherited = Inherited { umask, core_limit };
    Ok(Prepared {
        signals,
        socket,
        buffer: os::lazy_buffer(),
        inherited,
        identity: Identity::own()?,
        group: Cgroup::own(),
        title: Title::find(),
    })
}

/// Waits until the daemon says something or is gone; `false` when the shim was asked to end before.
fn wait_for_word(socket: &SeqPacket, signals: &SignalDoor) -> bool {
    loop {
        let mut poll = Poll::<2>::new();
        poll.watch(0, socket, Interest::Read);
        poll.watch(1, signals, Interest::Read);
        poll.wait(None);
        if poll.is_readable(0) {
            return true;
        }
        if poll.is_readable(1) && signals.next() == Some(Awaited::Terminate) {
            return false;
        }
    }
}

/// Whether nobody is at the other end any more.
fn is_gone(socket: &SeqPacket) -> bool {
    let mut poll = Poll::<1>::new();
    poll.watch(0, socket, Interest::End);
    poll.wait(Some(Duration::ZERO));
    poll.is_ended(0)
}

/// Receives the parts of the spec; `None` when the daemon is gone before the last.
fn receive_spec(socket: &SeqPacket, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
    let until = Instant::now() + SPEC_TIMEOUT;
    let mut spec = Vec::new();
    while Instant::now() < until {
        match socket.receive(buffer) {
            Received::Message(len) => {
                if let Some(ToShim::Launch { part, bytes }) = ToShim::decode(&buffer[..len]) {
                    spec.extend_from_slice(bytes);
                    if part == Part::Last {
                        return Ok(Some(spec));
                    }
                }
                if spec.len() > MOST_SPEC_BYTES {
                    return Err(io::Error::other("what to start is too long"));
                }
            }
            Received::TooLong => {}
            Received::Closed => return Ok(None),
            Received::Nothing => wait(socket, Interest::Read, until),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

fn say_goodbye(socket: &SeqPacket, fault: StartFault) {
    let until = Instant::now() + FAREWELL_TIMEOUT;
    let mut message = Vec::new();
    FromShim::StartFailed(fault).encode(&mut message);
    while socket.send(&message) == Delivered::Full && Instant::now() < until {
        wait(socket, Interest::Write, until);
    }
}

fn wait(socket: &SeqPacket, interest: Interest, until: Instant) {
    let mut poll = Poll::<1>::new();
    poll.watch(0, socket, interest);
    poll.wait(Some(until.saturating_duration_since(Instant::now())));
}

/// Makes everything a shim needs and starts the program. What was made is undone on the way out.
fn assemble(
    prepared: Prepared,
    spec: &LaunchSpec,
    files: IncarnationDir,
) -> Result<Shim, StartFault> {
    let pid = i32::try_from(std::process::id()).unwrap_or_default();
    let output = create_files(spec, &files)
        .map_err(|error| StartFault::new(StartStep::Bundle, files.dir().display(), &error))?;
    // Not before: a terminal that waits could be made its own by a program of another session.
    let terminal = Terminal::open(spec.size)
        .map_err(|error| StartFault::new(StartStep::Terminal, "new terminal", &error))?;
    let door = Door::open(&spec.socket, prepared.socket, pid)
        .map_err(|error| StartFault::new(StartStep::Listen, spec.socket.display(), &error))?;
    let cgroup = record_owner(prepared.identity, prepared.group, spec, &files)
        .map_err(|error| StartFault::new(StartStep::Bundle, files.shim().display(), &error))?;
    let inherited = terminal.inherited();
    let started = program::start(spec, prepared.inherited, inherited, cgroup.as_ref());
    let child_pid = started.inspect_err(|_| {
        if let Some(cgroup) = &cgroup {
            cgroup.remove();
        }
    })?;
    Ok(Shim {
        pid,
        facts: facts(spec),
        files,
        signals: prepared.signals,
        cgroup,
        terminal,
        output,
        input: Input::new(spec.input_limit_bytes),
        door,
        state: ProcessState::Running,
        child_pid,
        ending: Ending::default(),
        acks_due: None,
        door_opens: None,
        is_terminal_full: false,
        buffer: prepared.buffer,
    })
}

/// In a directory that the daemon has made: where it is gone, so is the session.
fn create_files(spec: &LaunchSpec, files: &IncarnationDir) -> io::Result<Output> {
    let log = LogWriter::create(&files.output(), spec.segment_bytes)?;
    let index = IndexWriter::create(&files.index(), spec.size, os::wall_clock())?;
    Ok(Output::new(log, index))
}

/// Says in the bundle who owns it, before there is anything to own.
fn record_owner(
    identity: Identity,
    group: Option<PathBuf>,
    spec: &LaunchSpec,
    files: &IncarnationDir,
) -> io::Result<Option<Cgroup>> {
    // Never used twice, so that killing what is in it can never mean another shim's.
    let name =
        format!("codeplane-{}-{}-{}", spec.session.short(), identity.pid, identity.start_time);
    let cgroup = group.and_then(|group| Cgroup::make(&group, &name));
    let mut record = ShimRecord::of(identity, BUILD_ID, PROTOCOL);
    record.cgroup = cgroup.as_ref().map(|group| group.path().to_path_buf());
    files.write_shim(&record)?;
    // Written by a daemon that found no shim and gave the start up. One of the two sees the other,
    // as each writes before it looks.
    if files.has_exit() {
        // It owns nothing then.
        std::fs::remove_file(files.shim())?;
        if let Some(cgroup) = &cgroup {
            cgroup.remove();
        }
        return Err(io::Error::from_raw_os_error(libc::EEXIST));
    }
    Ok(cgroup)
}

fn facts(spec: &LaunchSpec) -> Facts {
    Facts {
        session: spec.session,
        incarnation: spec.incarnation,
        keep: spec.keep,
        leftover_grace: Duration::from_millis(spec.leftover_grace_ms.into()),
        linger: Duration::from_millis(spec.linger_ms.into()),
    }
}
