//! The user's program of every session: `benchprog run ID DIR UNIT [LINES]`.
//!
//! It prints LINES lines at first. Then each byte it reads is a command: `p` answers PONG, `g`
//! prints as many MiB as its note says between marks, `e` echoes from here on, `s` prints as many
//! MiB and a final screen, `f` floods without end, `c` counts without end.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
    process,
    time::{Duration, Instant},
};

use super::{CHECKED_ROWS, Result, final_row, notes::Notes};
use crate::{cook_output, pause, pty::write_all};

/// Bytes of one write of bulk output.
const WRITE: usize = 64 * 1024;

struct Program<'a> {
    id: &'a str,
    notes: Notes,
    unit: &'a Path,
}

/// Runs the program until its terminal ends.
///
/// # Errors
/// Wrong arguments, or a terminal that takes no output any more.
pub fn run(arguments: &[OsString]) -> Result<()> {
    let [id, directory, unit, rest @ ..] = arguments else {
        return Err("wrong number of arguments".into());
    };
    let id = id.to_str().ok_or("the id is text")?;
    let program = Program { id, notes: Notes::new(directory, id), unit: Path::new(unit) };
    cook_output(io::stdin())?;
    if let Some(lines) = rest.first().and_then(|lines| lines.to_str()) {
        print_lines(lines.parse()?)?;
    }
    fs::write(program.notes.ready(), process::id().to_string())?;
    let mut command = [0];
    while io::stdin().lock().read(&mut command)? == 1 {
        program.obey(command[0])?;
    }
    Ok(())
}

impl Program<'_> {
    fn obey(&self, command: u8) -> Result<()> {
        match command {
            b'p' => print(format!("PONG-{}\n", self.id).as_bytes()),
            b'g' => self.print_between_marks(),
            b'e' => echo(),
            b's' => self.print_final_screen(),
            b'f' => loop {
                self.print_bulk(16)?;
            },
            b'c' => self.count(),
            _ => Ok(()),
        }
    }

    fn print_between_marks(&self) -> Result<()> {
        let megabytes = Notes::number(&self.notes.megabytes()).ok_or("no size was noted")?;
        let begin = Instant::now();
        print(format!("@@BEGIN-{}@@\n", self.id).as_bytes())?;
        self.print_bulk(megabytes)?;
        print(format!("\n@@END-{}@@\n", self.id).as_bytes())?;
        Ok(fs::write(self.notes.done(), begin.elapsed().as_secs_f64().to_string())?)
    }

    fn print_final_screen(&self) -> Result<()> {
        let megabytes = Notes::number(&self.notes.megabytes()).ok_or("no size was noted")?;
        self.print_bulk(megabytes)?;
        let mut screen = String::from("\x1b[0m\x1b[2J\x1b[H");
        for row in 0..CHECKED_ROWS {
            let (line, colour, text) = (row + 1, 31 + row % 7, final_row(self.id, row));
            screen += &format!("\x1b[{line};1H\x1b[{colour}m{text}\x1b[0m");
        }
        print(screen.as_bytes())?;
        Ok(fs::write(self.notes.done(), "1")?)
    }

    fn print_bulk(&self, megabytes: u64) -> Result<()> {
        let unit = fs::read(self.unit)?;
        for index in 0..usize::try_from(megabytes << 20)? / WRITE {
            let from = index * WRITE % unit.len();
            print(&unit[from..from + WRITE])?;
        }
        Ok(())
    }

    fn count(&self) -> Result<()> {
        let note = fs::File::create(self.notes.count())?;
        for number in 1_u64.. {
            // Noted before it is printed: what a client misses was lost on the way to it.
            note.write_all_at(format!("{number:08}").as_bytes(), 0)?;
            print(format!("CNT {number:08}\n").as_bytes())?;
            pause(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// Past the buffer of `Stdout`, which would cut writes at line ends.
fn print(bytes: &[u8]) -> Result<()> {
    Ok(write_all(io::stdout(), bytes)?)
}

fn print_lines(lines: u64) -> Result<()> {
    for line in 0..lines {
        let noise = line.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 0xffff_ffff;
        print(
            format!(
                "line {line:05} \x1b[32mthe quick brown fox\x1b[0m jumps over the lazy dog \
                 {noise:016x}\n"
            )
            .as_bytes(),
        )?;
    }
    Ok(())
}

fn echo() -> Result<()> {
    let mut byte = [0];
    while io::stdin().lock().read(&mut byte)? == 1 {
        print(&byte)?;
    }
    Ok(())
}
