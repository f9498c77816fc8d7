//! An agent that prints and reads at the same time.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::act::print;
use crate::{Stream, pause};

/// Ends it: ctrl-d.
const END_OF_TRANSMISSION: u8 = 4;

/// Bytes that are printed at a time; now and then a burst of many.
const PIECE: usize = 200;
const BURST: usize = 100_000;

/// Prints until everything is read.
pub(super) fn converse(seed: u64, path: &Path) -> io::Result<()> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let printing = scope.spawn(|| print_until(seed, &is_over));
        let read = read_into(path);
        is_over.store(true, Ordering::Release);
        let printed = printing.join().map_err(|_| io::Error::other("printing panicked"))??;
        read?;
        print(format!("over {printed}").as_bytes())
    })
}

fn print_until(seed: u64, is_over: &AtomicBool) -> io::Result<usize> {
    let mut source = Stream::new(seed);
    let mut printed = 0;
    let mut round = 0;
    while !is_over.load(Ordering::Acquire) {
        round += 1;
        let mut piece = vec![0; if round % 50 == 0 { BURST } else { PIECE }];
        source.fill(&mut piece);
        print(&piece)?;
        printed += piece.len();
        pause(Duration::from_millis(2));
    }
    Ok(printed)
}

fn read_into(path: &Path) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    let mut buffer = [0; 4096];
    loop {
        let len = io::stdin().lock().read(&mut buffer)?;
        let end = buffer[..len].iter().position(|byte| *byte == END_OF_TRANSMISSION);
        file.write_all(&buffer[..end.unwrap_or(len)])?;
        if len == 0 || end.is_some() {
            return Ok(());
        }
    }
}
