//! The screen of one session: made when it is asked for, kept as a checkpoint of a few kilobytes.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codeplane_core::Offset;
use codeplane_shim::{LogReader, Read};
use codeplane_terminal::{Checkpoint, ModesTrail, Resize, Screen, Tail, converge};
use tracing::{debug, warn};

use crate::session::live::Live;

/// Up to here, reading everything since the checkpoint is cheaper than anything cleverer.
const PLAIN_BYTES: u64 = 1 << 20;

/// The first tail that is tried: enough for a log. Where it does not determine the screen, four times
/// as much is.
const TAIL_BYTES: u64 = 64 << 10;

/// The last tail that is tried: beyond it the emulator is quicker than two of them.
const TAIL_BYTES_MAX: u64 = 16 << 20;

/// How much is fed at a time.
const PIECE_BYTES: usize = 64 << 10;

/// How long one step may take, so that other sessions' queries do not wait for long: usual output is
/// fed at a hundred megabytes a second, but a program can print what takes a thousand times longer.
const STEP: Duration = Duration::from_millis(10);

/// A checkpoint goes to disk when it is this far behind the last one there: so much must be read
/// again at most when another daemon takes over.
const SAVE_EVERY: u64 = 4 << 20;

/// A checkpoint and which changes of size are in it: some may have come at its very position, before
/// and after it was made.
#[derive(Debug)]
struct Known {
    checkpoint: Checkpoint,
    /// Number of the first change that is not; nobody knows for one of an earlier daemon.
    resize: Option<u64>,
}

impl Known {
    /// The screen with every change up to its position, or those that `resize` leaves to do, and the
    /// number of the next.
    fn screen(&self, live: &Live) -> (Screen, u64) {
        let mut screen = Screen::from_checkpoint(&self.checkpoint, 0);
        let (size, behind) = live.resizes_up_to(self.checkpoint.offset);
        if let Some(next) = self.resize {
            return (screen, next);
        }
        if screen.size() != size {
            screen.resize(size);
        }
        (screen, behind)
    }
}

/// The newest checkpoint of a session and what is on disk.
#[derive(Debug)]
pub(super) struct Keeper {
    dir: PathBuf,
    newest: Option<Known>,
    saved: Offset,
}

/// A screen that is being made of the log.
pub(super) struct Making {
    screen: Screen,
    reader: LogReader,
    /// Number of the next change of size that the screen has not seen.
    resize: u64,
    target: Offset,
}

/// Whether a screen is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is more to read.
    More,
    /// It shows its target.
    Done,
}

impl Keeper {
    /// The keeper of a log, with the newest checkpoint that is on disk.
    pub(super) fn load(dir: PathBuf) -> Self {
        let newest = newest_on_disk(&dir);
        let saved = newest.as_ref().map_or(Offset::ZERO, |checkpoint| checkpoint.offset);
        let newest = newest.map(|checkpoint| Known { checkpoint, resize: None });
        Self { dir, newest, saved }
    }

    pub(super) fn newest(&self) -> Option<&Checkpoint> {
        self.newest.as_ref().map(|known| &known.checkpoint)
    }

    /// Begins to make the screen at `target`, as near to it as can be.
    pub(super) fn begin(&self, live: &Live, trail: &ModesTrail, target: Offset) -> Making {
        let usable = self.newest.as_ref().filter(|known| known.checkpoint.offset <= target);
        let near = usable.is_some_and(|near| target.since(near.checkpoint.offset) <= PLAIN_BYTES)
            || target.since(live.oldest()) <= PLAIN_BYTES;
        let base = usable.map(|known| &known.checkpoint);
        if !near && let Some(making) = from_tail(live, trail, base, Goal { target, lines: 0 }) {
            return making;
        }
        match usable {
            Some(known) => {
                let (screen, resize) = known.screen(live);
                Making { screen, reader: live.reader(), resize, target }
            }
            None => from_oldest(live, Goal { target, lines: 0 }),
        }
    }

    /// Keeps what was made.
    pub(super) fn keep(&mut self, making: &mut Making, oldest: Offset) {
        let checkpoint = making.screen.checkpoint();
        let newer = self.newest().is_none_or(|old| old.offset <= checkpoint.offset);
        if checkpoint.offset.since(self.saved) >= SAVE_EVERY {
            self.save(&checkpoint, oldest);
        }
        if newer {
            self.newest = Some(Known { checkpoint, resize: Some(making.resize) });
        }
    }

    /// Of those on disk two are of use: the first behind the oldest output, where a replay begins,
    /// and the last.
    fn prune(&self, oldest: Offset) {
        let mut offsets = on_disk(&self.dir);
        offsets.sort_unstable();
        let first = offsets.iter().find(|offset| **offset >= oldest.0).copied();
        let last = offsets.last().copied();
        for offset in offsets {
            if Some(offset) != first && Some(offset) != last {
                drop(std::fs::remove_file(path(&self.dir, offset)));
            }
        }
    }

    fn save(&mut self, checkpoint: &Checkpoint, oldest: Offset) {
        match write(&self.dir, checkpoint) {
            Ok(()) => {
                self.saved = checkpoint.offset;
                self.prune(oldest);
            }
            // The log is what counts; the screen can be made of it again.
            Err(error) => debug!(%error, "a checkpoint was not written"),
        }
    }

    /// Makes a checkpoint at `boundary` or right behind it, and puts it on disk: the output before
    /// it may go then.
    ///
    /// # Errors
    /// If the log cannot be read or the file cannot be written.
    pub(super) fn seal(
        &mut self,
        live: &Live,
        trail: &ModesTrail,
        boundary: Offset,
    ) -> io::Result<()> {
        let mut making = self.begin(live, trail, boundary);
        while making.step(live)? == Progress::More {}
        // The sequence that the boundary cuts is read to its end.
        while making.screen.offset() < boundary && making.target < live.end() {
            making.target = making.target.plus(1);
            making.step(live)?;
        }
        let checkpoint = making.screen.checkpoint();
        write(&self.dir, &checkpoint)?;
        self.saved = self.saved.max(checkpoint.offset);
        self.prune(boundary);
        if self.newest().is_none_or(|old| old.offset < checkpoint.offset) {
            self.newest = Some(Known { checkpoint, resize: Some(making.resize) });
        }
        Ok(())
    }
}

impl Making {
    /// Reads on.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(super) fn step(&mut self, live: &Live) -> io::Result<Progress> {
        let begun = Instant::now();
        let mut buffer = Vec::new();
        while begun.elapsed() < STEP {
            let at = self.screen.end();
            let Some(limit) = self.next_limit(live) else { return Ok(Progress::Done) };
            let wanted = usize::try_from(limit.since(at)).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            buffer.resize(wanted, 0);
            match self.reader.read(at, limit, &mut buffer)? {
                Read::Bytes(count) => self.screen.feed(&buffer[..count]),
                Read::Gap { to, .. } => self.skip_to(to),
                Read::Empty => return Ok(Progress::Done),
            }
        }
        Ok(Progress::More)
    }

    /// The bytes in between are gone: what they drew is not known.
    fn skip_to(&mut self, to: Offset) {
        let lines = self.screen.scrollback_lines();
        let checkpoint = Checkpoint { offset: to, ..self.screen.checkpoint() };
        self.screen = Screen::from_checkpoint(&checkpoint, lines);
    }

    /// How far may be read before the size changes; none at the target.
    fn next_limit(&mut self, live: &Live) -> Option<Offset> {
        while let Some((number, at, size)) = live.resize_after(self.resize) {
            if at > self.screen.end() {
                return (self.screen.end() < self.target).then_some(at.min(self.target));
            }
            self.screen.resize(size);
            self.resize = number + 1;
        }
        (self.screen.end() < self.target).then_some(self.target)
    }

    /// Goes on to another target, not before the present one.
    pub(super) fn aim(&mut self, target: Offset) {
        self.target = self.target.max(target);
    }

    pub(super) const fn screen_mut(&mut self) -> &mut Screen {
        &mut self.screen
    }
}

/// Which screen is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    pub(super) target: Offset,
    /// Lines of history.
    pub(super) lines: usize,
}

/// The screen with lines of history: as much of the tail as they take, if it determines them.
pub(super) fn with_history(live: &Live, trail: &ModesTrail, goal: Goal) -> Making {
    from_tail(live, trail, None, goal).unwrap_or_else(|| from_oldest(live, goal))
}

fn from_oldest(live: &Live, goal: Goal) -> Making {
    let oldest = live.oldest();
    let (size, resize) = live.resizes_up_to(oldest);
    let screen = Screen::new(size, goal.lines);
    let mut making = Making { screen, reader: live.reader(), resize, target: goal.target };
    if oldest > Offset::ZERO {
        making.skip_to(oldest);
    }
    making
}

/// The screen of the tail of the output, where the tail alone determines it.
fn from_tail(
    live: &Live,
    trail: &ModesTrail,
    base: Option<&Checkpoint>,
    goal: Goal,
) -> Option<Making> {
    let oldest = live.oldest();
    let mut length = TAIL_BYTES;
    loop {
        let wanted = Offset(goal.target.0.saturating_sub(length)).max(oldest);
        let (start, modes) = trail.before(wanted).filter(|(start, _)| *start >= oldest)?;
        let bytes = read_all(live, start, goal.target)?;
        let (_, first) = live.resizes_up_to(start);
        let (resizes, resize) = resizes_between(live, first, goal.target);
        let tail = Tail { start, bytes: &bytes, modes, resizes: &resizes, base };
        if let Some(screen) = converge(&tail, goal.lines)
            && (screen.history_lines() >= goal.lines || start == oldest)
        {
            return Some(Making { screen, reader: live.reader(), resize, target: goal.target });
        }
        if length >= TAIL_BYTES_MAX || start == oldest {
            return None;
        }
        length *= 4;
    }
}

/// The changes of size from number `first` on, up to `target`, and the number of the next.
fn resizes_between(live: &Live, first: u64, target: Offset) -> (Vec<Resize>, u64) {
    let (mut list, mut next) = (Vec::new(), first);
    while let Some((number, at, size)) = live.resize_after(next).filter(|(_, at, _)| *at <= target)
    {
        list.push(Resize { at, size });
        next = number + 1;
    }
    (list, next)
}

/// The output between two positions; none if part of it is gone.
fn read_all(live: &Live, from: Offset, to: Offset) -> Option<Vec<u8>> {
    let mut all = vec![0; usize::try_from(to.since(from)).ok()?];
    let mut reader = live.reader();
    let mut done = 0;
    while done < all.len() {
        match reader.read(from.plus(done), to, &mut all[done..]) {
            Ok(Read::Bytes(count)) => done += count,
            Ok(Read::Gap { .. } | Read::Empty) | Err(_) => return None,
        }
    }
    Some(all)
}

fn newest_on_disk(dir: &Path) -> Option<Checkpoint> {
    let mut offsets = on_disk(dir);
    offsets.sort_unstable();
    offsets.into_iter().rev().find_map(|offset| {
        let content = std::fs::read(path(dir, offset)).ok()?;
        match Checkpoint::decode(&content) {
            Ok(checkpoint) => Some(checkpoint),
            Err(error) => {
                warn!(%error, "a checkpoint cannot be used: {error}");
                None
            }
        }
    })
}

fn on_disk(dir: &Path) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn path(dir: &Path, offset: u64) -> PathBuf {
    dir.join(format!("{offset:020}"))
}

/// Under a temporary name first: a half-written one is never read.
fn write(dir: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let temporary = dir.join("new");
    std::fs::write(&temporary, checkpoint.encode())?;
    std::fs::rename(&temporary, path(dir, checkpoint.offset.0))
}
