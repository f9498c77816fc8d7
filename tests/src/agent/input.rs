//! What the agent reads.

use std::{
    fs,
    io::{self, Read, Write},
    os::fd::AsFd,
    path::Path,
    time::Duration,
};

use super::{Step, act::print, run_command};
use crate::{Digest, pty::is_readable};

/// Ends `echo`: what ctrl-d sends in raw mode.
const END_OF_TRANSMISSION: u8 = 4;

/// Runs commands from the terminal, a line each.
pub(super) fn serve() -> io::Result<Step> {
    print(b"serving\n")?;
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        if io::stdin().lock().read(&mut byte)? == 0 {
            return Ok(Step::Next);
        }
        if !matches!(byte[0], b'\r' | b'\n') {
            line.push(byte[0]);
            continue;
        }
        let command = String::from_utf8_lossy(&line).trim().to_owned();
        line.clear();
        if !command.is_empty()
            && let Step::Exit(code) = run_command(&command)?
        {
            return Ok(Step::Exit(code));
        }
    }
}

/// Prints what it reads.
pub(super) fn echo() -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let len = io::stdin().lock().read(&mut buffer)?;
        let bytes = &buffer[..len];
        let end = bytes.iter().position(|byte| *byte == END_OF_TRANSMISSION);
        print(&bytes[..end.unwrap_or(len)])?;
        if len == 0 || end.is_some() {
            return Ok(());
        }
    }
}

/// Reads `len` bytes into `path`, where what has arrived so far can be seen; their SHA-256.
pub(super) fn receive(mut len: usize, path: &Path) -> io::Result<String> {
    let mut file = fs::File::create(path)?;
    let mut digest = Digest::default();
    let mut buffer = [0; 4096];
    while len > 0 {
        let most = len.min(buffer.len());
        let read = io::stdin().lock().read(&mut buffer[..most])?;
        if read == 0 {
            break;
        }
        file.write_all(&buffer[..read])?;
        digest.update(&buffer[..read]);
        len -= read;
    }
    Ok(digest.finish())
}

/// Prints a question and keeps the answer.
pub(super) fn ask(question: &[u8], quiet: Duration, path: &Path) -> io::Result<()> {
    print(question)?;
    let mut answer = String::new();
    let mut buffer = [0; 4096];
    let stdin = io::stdin();
    while is_readable(stdin.as_fd(), quiet) {
        // Past the buffer of `Stdin`: poll knows nothing of what lies there.
        let len = rustix::io::read(&stdin, &mut buffer)?;
        if len == 0 {
            break;
        }
        answer.extend(buffer[..len].iter().map(|byte| format!("{byte:02x}")));
    }
    let mut file = fs::File::options().create(true).append(true).open(path)?;
    file.write_all(format!("{answer}\n").as_bytes())
}
