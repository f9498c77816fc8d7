//! `cpctl daemon logs`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::{output, text};

/// How often a followed log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How far back the last lines are looked for.
const LOOK_BACK_BYTES: u64 = 1024 * 1024;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Go on with what follows
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines
    #[arg(short = 'n', long, default_value_t = 100)]
    lines: usize,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let path = context.directories.daemon_log();
    let mut log = open(&path)?;
    let unreadable = || Failure::system(format!("cannot read {}", path.display()));
    let length = log.metadata().map_err(unreadable())?.len();
    log.seek(SeekFrom::Start(length.saturating_sub(LOOK_BACK_BYTES))).map_err(unreadable())?;
    let mut begun = String::new();
    let lines = read_lines(&mut log, &mut begun).map_err(unreadable())?;
    lines[lines.len().saturating_sub(args.lines)..].iter().try_for_each(|line| print(line))?;
    if !args.follow {
        return if begun.is_empty() { Ok(Exit::Done) } else { print(&begun).map(|()| Exit::Done) };
    }
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let lines = read_lines(&mut log, &mut begun).map_err(unreadable())?;
        lines.iter().try_for_each(|line| print(line))?;
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(Failure::system(format!(
        "cannot read {}: a daemon that was started otherwise logs where its starter wants, such as \
         journalctl",
        path.display()
    )))
}

/// The whole lines that are there; what comes after them is kept for the next time.
fn read_lines(log: &mut File, begun: &mut String) -> std::io::Result<Vec<String>> {
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes)?;
    begun.push_str(&String::from_utf8_lossy(&bytes));
    let Some(end) = begun.rfind('\n') else { return Ok(Vec::new()) };
    let rest = begun.split_off(end + 1);
    let whole = std::mem::replace(begun, rest);
    Ok(whole.lines().map(ToOwned::to_owned).collect())
}

fn print(line: &str) -> Result<(), Failure> {
    output::line(&text::printable(line))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_line_is_shown_when_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut writer = File::create(&path).unwrap();
        let mut log = open(&path).unwrap();
        let mut begun = String::new();

        writer.write_all(b"one\ntw").unwrap();
        assert_eq!(read_lines(&mut log, &mut begun).unwrap(), ["one"]);

        writer.write_all(b"o\n").unwrap();
        assert_eq!(read_lines(&mut log, &mut begun).unwrap(), ["two"]);
    }
}
