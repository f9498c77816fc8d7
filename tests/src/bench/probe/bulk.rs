//! W1: everything the program prints between two marks.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use memchr::memmem;
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

use super::{ATTACH_PATIENCE, let_driver_look};
use crate::bench::{
    Result,
    connection::{Connection, Door, Received, tail},
};

/// A reader that has got nothing for this long is given up.
const SILENCE: Duration = Duration::from_secs(10);

/// What a client received.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BulkResult {
    /// From the command to the end mark.
    pub seconds: f64,
    /// Terminal bytes received.
    pub bytes: u64,
    /// Bytes between the marks that were right.
    pub right: u64,
    /// Where the first wrong one is.
    pub first_mismatch: Option<u64>,
    /// Processor time of the client.
    pub client_cpu_s: f64,
    /// Why the end mark was not seen, if it was not.
    pub why: Option<String>,
}

pub(super) fn measure(
    door: &Door,
    id: &str,
    expected: &Path,
    limit: Duration,
) -> Result<BulkResult> {
    let expected = fs::read(expected)?;
    let mut connection = Connection::open(door, 0)?;
    connection.ping(id, ATTACH_PATIENCE)?;
    connection.send(b"g")?;
    let mut result = read_between_marks(&mut connection, id, &expected, limit);
    let_driver_look()?;
    connection.close();
    // The client was our only child.
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    result.client_cpu_s = seconds(usage.user_time()) + seconds(usage.system_time());
    Ok(result)
}

/// Reads until the end mark. With an empty `expected` nothing is compared.
pub(super) fn read_between_marks(
    connection: &mut Connection,
    id: &str,
    expected: &[u8],
    limit: Duration,
) -> BulkResult {
    let mut reader = BulkReader::new(id, expected);
    let mut buffer = Vec::with_capacity(1 << 20);
    let mut result = BulkResult::default();
    let begin = Instant::now();
    let mut last = begin;
    while result.why.is_none() {
        match connection.receive(Duration::from_millis(500), &mut buffer) {
            Received::Bytes(len) => {
                result.bytes += len as u64;
                last = Instant::now();
                if reader.take(&mut buffer) {
                    break;
                }
            }
            Received::Nothing if last.elapsed() < SILENCE => {}
            Received::Nothing => result.why = Some(format!("silence: {}", tail(&buffer))),
            Received::Closed => result.why = Some(format!("closed: {}", tail(&buffer))),
        }
        if begin.elapsed() > limit {
            result.why = Some("no end in the time".into());
        }
    }
    result.seconds = begin.elapsed().as_secs_f64();
    result.right = reader.right;
    result.first_mismatch = reader.first_mismatch;
    result
}

/// Finds the marks in a stream and compares what lies between.
#[derive(Debug)]
pub struct BulkReader<'a> {
    begin: Vec<u8>,
    end: memmem::Finder<'static>,
    expected: &'a [u8],
    has_begun: bool,
    right: u64,
    first_mismatch: Option<u64>,
}

impl<'a> BulkReader<'a> {
    /// A reader of session `id` that compares with `expected`, repeated.
    #[must_use]
    pub fn new(id: &str, expected: &'a [u8]) -> Self {
        Self {
            begin: format!("@@BEGIN-{id}@@\r\n").into_bytes(),
            end: memmem::Finder::new(format!("@@END-{id}@@").as_bytes()).into_owned(),
            expected,
            has_begun: false,
            right: 0,
            first_mismatch: None,
        }
    }

    /// Takes what it can from the front of `buffer`; true once the end mark was there.
    pub fn take(&mut self, buffer: &mut Vec<u8>) -> bool {
        if !self.has_begun
            && let Some(at) = memmem::find(buffer, &self.begin)
        {
            self.has_begun = true;
            buffer.drain(..at + self.begin.len());
        }
        if let Some(at) = self.end.find(buffer) {
            // The program ends the last line before it prints the mark.
            self.compare(&buffer[..at.saturating_sub(2)]);
            buffer.drain(..at);
            return true;
        }
        // A mark may be cut; a begin that never comes (a repainting peer) must not pile up either.
        let longest = self.begin.len().max(self.end.needle().len() + 2);
        let taken = buffer.len().saturating_sub(longest);
        self.compare(&buffer[..taken]);
        buffer.drain(..taken);
        false
    }

    fn compare(&mut self, mut bytes: &[u8]) {
        if !self.has_begun || self.first_mismatch.is_some() || self.expected.is_empty() {
            return;
        }
        let len = self.expected.len();
        while !bytes.is_empty() {
            let from = usize::try_from(self.right % len as u64).unwrap_or_default();
            let part = bytes.len().min(len - from);
            if bytes[..part] != self.expected[from..from + part] {
                self.first_mismatch = Some(self.right);
                return;
            }
            self.right += part as u64;
            bytes = &bytes[part..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"noise @@BEGIN-x@@\r\nabcabcabc\r\n@@END-x@@ more";

    #[test]
    fn every_cut_of_the_stream_gives_the_same_result() {
        for cut in 0..STREAM.len() {
            let mut reader = BulkReader::new("x", b"abc");
            let mut buffer = STREAM[..cut].to_vec();

            let mut is_over = reader.take(&mut buffer);
            if !is_over {
                buffer.extend_from_slice(&STREAM[cut..]);
                is_over = reader.take(&mut buffer);
            }

            assert!(is_over, "cut at {cut}");
            assert_eq!((reader.right, reader.first_mismatch), (9, None), "cut at {cut}");
        }
    }

    #[test]
    fn a_wrong_byte_is_found() {
        let mut reader = BulkReader::new("x", b"abd");

        assert!(reader.take(&mut STREAM.to_vec()));

        assert_eq!(reader.first_mismatch, Some(0));
    }
}
