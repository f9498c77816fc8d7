//! A person at a terminal: types, reads, resizes, stops looking.

use std::{
    ffi::OsString,
    os::fd::AsFd,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use memchr::memmem;

use crate::{
    Emulator, Ended, PATIENCE, PtyProcess, TerminalSize, processes::Signal, pty::is_readable,
    wait_until,
};

/// Bytes of the end of the output that the message of a failed test shows.
const SHOWN: usize = 2000;

/// A terminal with a program in it. Everything the program prints is read at once and kept.
#[derive(Debug)]
pub struct Tty {
    process: PtyProcess,
    seen: Arc<Seen>,
    reader: Option<JoinHandle<()>>,
    searched: usize,
}

#[derive(Debug)]
struct Seen {
    screen: Mutex<Contents>,
    changed: Condvar,
    is_reading: AtomicBool,
    is_over: AtomicBool,
}

#[derive(Debug)]
struct Contents {
    output: Vec<u8>,
    emulator: Emulator,
}

impl Tty {
    /// Starts `argv` with exactly `env` in a terminal of `size`.
    ///
    /// # Panics
    /// If the program cannot be run.
    #[track_caller]
    #[must_use]
    pub fn spawn(argv: &[OsString], env: &[(OsString, OsString)], size: TerminalSize) -> Self {
        let process = PtyProcess::spawn(argv, env, size)
            .unwrap_or_else(|error| panic!("cannot run {argv:?}: {error}"));
        let seen = Arc::new(Seen {
            screen: Mutex::new(Contents { output: Vec::new(), emulator: Emulator::new(size) }),
            changed: Condvar::new(),
            is_reading: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
        });
        let master = process.as_fd().try_clone_to_owned().expect("a descriptor is left");
        let reader = thread::spawn({
            let seen = seen.clone();
            move || seen.follow(&master)
        });
        Self { process, seen, reader: Some(reader), searched: 0 }
    }

    /// Process id of the program.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// Types `keys`.
    ///
    /// # Panics
    /// If nobody holds the other side any more.
    #[track_caller]
    pub fn send(&self, keys: impl AsRef<[u8]>) {
        self.process.write_all(keys.as_ref()).expect("the terminal takes input");
    }

    /// Waits until `text` is printed, behind what the last call found.
    ///
    /// # Panics
    /// At the deadline, or if the program ends before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        self.expect_within(text, PATIENCE);
    }

    /// As [`Self::expect`] with a deadline.
    ///
    /// # Panics
    /// At the deadline, or if the program ends before.
    #[track_caller]
    pub fn expect_within(&mut self, text: &str, deadline: Duration) {
        let end = Instant::now() + deadline;
        let mut contents = self.seen.lock();
        loop {
            if let Some(at) = memmem::find(&contents.output[self.searched..], text.as_bytes()) {
                self.searched += at + text.len();
                return;
            }
            let rest = end.saturating_duration_since(Instant::now());
            let is_over = self.seen.is_over.load(Ordering::Acquire);
            if is_over || rest.is_zero() {
                let why = if is_over { "the program ended" } else { "the deadline passed" };
                let from = contents.output.len().saturating_sub(SHOWN);
                let tail = String::from_utf8_lossy(&contents.output[from..]);
                panic!("{why} without {text:?}; output ends with {tail:?}");
            }
            contents = self.seen.changed.wait_timeout(contents, rest).expect("no panic holds it").0;
        }
    }

    /// Waits until the screen, as a person sees it, fulfils `is_right`; returns its text.
    ///
    /// # Panics
    /// At the deadline, with the screen.
    #[track_caller]
    pub fn expect_screen(&self, what: &str, is_right: impl Fn(&Emulator) -> bool) -> String {
        wait_until(what, PATIENCE, || {
            let contents = self.seen.lock();
            let text = contents.emulator.text();
            if is_right(&contents.emulator) { Ok(text) } else { Err(text) }
        })
    }

    /// Everything that was printed so far.
    #[must_use]
    pub fn output(&self) -> Vec<u8> {
        self.seen.lock().output.clone()
    }

    /// The text of the screen.
    #[must_use]
    pub fn screen(&self) -> String {
        self.seen.lock().emulator.text()
    }

    /// Gives the terminal another size.
    ///
    /// # Panics
    /// If the terminal is gone.
    pub fn resize(&self, size: TerminalSize) {
        self.seen.lock().emulator.resize(size);
        self.process.resize(size).expect("the terminal takes a size");
    }

    /// Looks away: nothing is read any more, the terminal's queue fills up.
    pub fn stop_reading(&self) {
        self.seen.is_reading.store(false, Ordering::Release);
    }

    /// Looks again.
    pub fn resume_reading(&self) {
        self.seen.is_reading.store(true, Ordering::Release);
    }

    /// Whether the program has put the terminal in raw mode.
    ///
    /// # Panics
    /// If the terminal is gone.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.process.is_raw().expect("the terminal has modes")
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits for the end of the program and of its output.
    ///
    /// # Panics
    /// If it has not ended after [`PATIENCE`].
    #[track_caller]
    pub fn wait(&mut self) -> Ended {
        let seen = &self.seen;
        let process = &mut self.process;
        wait_until("the end of the program in the terminal", PATIENCE, || {
            let ended = process.try_wait().expect("it is our child");
            ended.ok_or_else(|| seen.lock().emulator.text())
        })
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        self.process.signal(Signal::KILL);
        self.seen.is_over.store(true, Ordering::Release);
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
    }
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.screen.lock().expect("no panic holds it")
    }

    fn follow(&self, master: &impl AsFd) {
        let mut buffer = vec![0; 64 * 1024];
        while !self.is_over.load(Ordering::Acquire) {
            // The interval bounds how late an order to stop, or to look again, is noticed.
            let interval = Duration::from_millis(20);
            if !self.is_reading.load(Ordering::Acquire) {
                crate::pause(interval);
                continue;
            }
            if !is_readable(master.as_fd(), interval) {
                self.lock().emulator.settle();
                continue;
            }
            let Ok(len @ 1..) = rustix::io::read(master, &mut buffer[..]) else { break };
            let mut contents = self.lock();
            contents.output.extend_from_slice(&buffer[..len]);
            contents.emulator.feed(&buffer[..len]);
            drop(contents);
            self.changed.notify_all();
        }
        let contents = self.lock();
        self.is_over.store(true, Ordering::Release);
        drop(contents);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment;

    const SIZE: TerminalSize = TerminalSize { cols: 80, rows: 24 };

    fn shell(script: &str) -> Tty {
        Tty::spawn(&["sh".into(), "-c".into(), script.into()], &environment(), SIZE)
    }

    #[test]
    fn what_is_typed_reaches_the_program_and_its_answer_is_seen() {
        let mut tty = shell("read line; echo got:$line; exit 3");

        tty.send("hello\n");

        tty.expect("got:hello");
        assert_eq!(tty.wait(), Ended::Code(3));
    }

    #[test]
    fn a_new_size_reaches_the_program() {
        let mut tty =
            shell("trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.1; done");
        tty.expect("ready");

        tty.resize(TerminalSize { cols: 100, rows: 40 });

        tty.expect("40 100");
    }

    #[test]
    #[should_panic(expected = "the program ended without \"never\"")]
    fn a_program_that_ends_without_the_text_fails_the_test_at_once() {
        shell("echo something").expect("never");
    }
}
