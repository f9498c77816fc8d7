//! `cpctl` in a terminal that we hold.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

use crate::fake::wait_until;

/// Longer than a key counts as one that was meant for what was there before.
const AGAIN: Duration = Duration::from_millis(500);

/// A program whose terminal is ours. Dropped: it is killed.
pub(crate) struct Tty {
    master: File,
    /// The other side, so that the terminal's modes can be asked for at any time.
    _slave: File,
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Tty {
    /// Runs `command` in a terminal of 80 columns and 24 rows.
    pub(crate) fn run(mut command: Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).unwrap();
        let slave = File::from(pty.slave);
        let side = || slave.try_clone().unwrap();
        command.stdin(side()).stdout(side()).stderr(side());
        // SAFETY: both are system calls, which are safe after a fork.
        unsafe { command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(Into::into)) };
        // SAFETY: as above.
        unsafe { command.pre_exec(control_terminal) };
        let child = command.spawn().unwrap();
        let master = File::from(pty.master);
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let (mut reader, sink) = (master.try_clone().unwrap(), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { master, _slave: slave, child, seen }
    }

    pub(crate) fn modes(&self) -> Termios {
        tcgetattr(&self.master).unwrap()
    }

    /// What is on the screen now.
    pub(crate) fn screen(&self) -> String {
        screen(&self.printed())
    }

    /// What was printed since the program began, as it came.
    pub(crate) fn printed(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    #[track_caller]
    pub(crate) fn waits_for(&self, text: &str) {
        wait_until(text, || self.screen().contains(text));
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Types `keys` until something has happened: what comes too soon is not taken, and nor is what comes
    /// again at once.
    #[track_caller]
    pub(crate) fn types_until(&mut self, keys: &str, happened: impl Fn(&Self) -> bool) {
        let mut typed: Option<Instant> = None;
        wait_until(keys, || {
            if !happened(self) && typed.is_none_or(|typed| typed.elapsed() > AGAIN) {
                self.types(keys);
                typed = Some(Instant::now());
            }
            happened(self)
        });
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

/// Makes standard input the terminal that this process belongs to.
fn control_terminal() -> std::io::Result<()> {
    nix::ioctl_write_int_bad!(set_controlling, libc::TIOCSCTTY);
    // SAFETY: takes two integers.
    unsafe { set_controlling(0, 0) }.map(drop).map_err(Into::into)
}

/// As much of a terminal as the program uses: places, text, and an empty screen.
fn screen(printed: &str) -> String {
    let mut cells = vec![[' '; 80]; 24];
    let (mut row, mut col) = (0, 0);
    let mut rest = printed.chars();
    while let Some(character) = rest.next() {
        match character {
            '\x1b' => {
                if rest.next() != Some('[') {
                    continue;
                }
                let is_end = |char: &char| ('\x40'..='\x7e').contains(char);
                let mut sequence = String::new();
                let end = loop {
                    match rest.next() {
                        Some(end) if is_end(&end) => break end,
                        Some(other) => sequence.push(other),
                        None => return String::new(),
                    }
                };
                match end {
                    'H' => {
                        let mut numbers = sequence.split(';').map(|n| n.parse().unwrap_or(1_usize));
                        row = numbers.next().unwrap_or(1) - 1;
                        col = numbers.next().unwrap_or(1) - 1;
                    }
                    'J' => cells = vec![[' '; 80]; 24],
                    _ => {}
                }
            }
            '\r' => col = 0,
            '\n' => row = (row + 1).min(23),
            _ if col < 80 => {
                cells[row][col] = character;
                col += 1;
            }
            _ => {}
        }
    }
    cells.iter().map(|row| row.iter().collect::<String>() + "\n").collect()
}

impl Drop for Tty {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
