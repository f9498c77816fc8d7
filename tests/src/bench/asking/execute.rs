//! `benchprog hooks NOTE ID COUNT HOOK…`: one hook process for each call, one after the other.

use std::{
    ffi::{OsStr, OsString},
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use super::{ALLOWED, event, is_allow, note_outcome};
use crate::bench::Result;

/// Calls that are not counted: the first ones fill caches.
const WARM_UP: usize = 20;

/// Runs the program.
///
/// # Errors
/// Wrong arguments, or a note that cannot be written.
pub fn hooks(arguments: &[OsString]) -> Result<()> {
    let [note, id, count, hook @ ..] = arguments else {
        return Err("wrong number of arguments".into());
    };
    let id = id.to_str().ok_or("the id is text")?;
    let count: usize = count.to_str().ok_or("the count is a number")?.parse()?;
    note_outcome(Path::new(note), || times_ms(id, count, hook))
}

/// From before each hook's exec until its end was seen.
fn times_ms(id: &str, count: usize, hook: &[OsString]) -> Result<Vec<f64>> {
    let (program, arguments) = hook.split_first().ok_or("no hook")?;
    let mut times_ms = Vec::with_capacity(count);
    for number in 0..WARM_UP + count {
        let event = event(id, number, ALLOWED);
        let begin = Instant::now();
        run(program, arguments, &event)?;
        if number >= WARM_UP {
            times_ms.push(begin.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(times_ms)
}

fn run(program: &OsStr, arguments: &[OsString], event: &str) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().ok_or("its input is a pipe")?;
    stdin.write_all(event.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    if output.status.success() && is_allow(&output.stdout) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Err(format!("the hook ended with {} and said {said:?}", output.status).into())
}
