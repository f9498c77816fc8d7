//! The kit itself, as far as it needs no daemon: `scripted-agent` in a terminal.

use std::{fs, path::PathBuf};

use codeplane_tests::{
    Ended, PATIENCE, TerminalSize, Tty, binary, environment, processes::Process, sha256, stream,
    wait_until,
};
use tempfile::TempDir;

const SIZE: TerminalSize = TerminalSize { cols: 80, rows: 24 };

fn agent(commands: &[&str]) -> Tty {
    let mut argv = vec![binary("scripted-agent").into_os_string()];
    argv.extend(commands.iter().map(Into::into));
    Tty::spawn(&argv, &environment(), SIZE)
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn pid(&self, name: &str) -> Process {
        wait_until("a pid", PATIENCE, || {
            let text = fs::read_to_string(self.file(name)).ok()?;
            Process::read(text.trim().parse().ok()?)
        })
    }
}

#[test]
fn the_binaries_of_this_package_lie_where_the_kit_looks() {
    assert_eq!(binary("scripted-agent"), PathBuf::from(env!("CARGO_BIN_EXE_scripted-agent")));
}

#[test]
fn an_agent_prints_the_stream_of_its_seed() {
    let mut tty = agent(&["raw", "print 100000 7", "say end", "exit 0"]);

    tty.expect("end");

    let expected = String::from_utf8(stream(7, 100_000)).unwrap().replace('\n', "\r\n");
    assert_eq!(sha256(tty.output()), sha256(expected + "end"));
}

#[test]
fn an_agent_keeps_what_it_reads() {
    let place = Place::new();
    let file = place.file("input");
    let mut tty = agent(&["raw", "say ready", &format!("receive 300 {}", file.display())]);
    tty.expect("ready");
    let input = stream(3, 300);

    tty.send(&input);

    tty.expect(&format!("received {}", sha256(&input)));
    assert_eq!(fs::read(file).unwrap(), input);
}

#[test]
fn an_agent_ends_as_it_is_told() {
    assert_eq!(agent(&["exit 42"]).wait(), Ended::Code(42));
    assert_eq!(agent(&["die TERM"]).wait(), Ended::Signal(15));
}

#[test]
fn an_agent_tells_its_size_and_each_change_of_it() {
    let mut tty = agent(&["size", "sizes 1"]);
    tty.expect("size 80x24");
    tty.expect("watching");

    tty.resize(TerminalSize { cols: 132, rows: 50 });

    tty.expect("size 132x50");
}

#[test]
fn an_agent_logs_the_answers_to_its_questions() {
    let place = Place::new();
    let file = place.file("answers");
    let mut tty = agent(&["raw", &format!("ask \\e[c 300 {}", file.display()), "say done"]);
    tty.expect("\x1b[c");

    tty.send("\x1b[?62c");

    tty.expect("done");
    assert_eq!(fs::read_to_string(file).unwrap(), "1b5b3f363263\n");
}

#[test]
fn an_agent_survives_signals_it_ignores() {
    let mut tty = agent(&["ignore TERM", "ignore HUP", "say ready", "serve"]);
    tty.expect("serving");

    tty.signal(codeplane_tests::processes::Signal::TERM);
    tty.signal(codeplane_tests::processes::Signal::HUP);

    tty.send("exit 5\n");
    assert_eq!(tty.wait(), Ended::Code(5));
}

#[test]
fn a_daemonised_process_outlives_its_agent_without_any_tie_to_it() {
    let place = Place::new();
    let command = format!("daemonise {}", place.file("pid").display());

    assert_eq!(agent(&[&command, "exit 0"]).wait(), Ended::Code(0));

    let left_behind = place.pid("pid");
    assert!(left_behind.is_alive());
    left_behind.signal(codeplane_tests::processes::Signal::KILL);
    wait_until("its end", PATIENCE, || !left_behind.is_alive());
}

#[test]
fn an_agent_in_raw_mode_gets_single_keys() {
    let mut tty = agent(&["raw", "say ready", "echo", "cooked", "say over"]);
    tty.expect("ready");
    assert!(tty.is_raw());

    tty.send("k");
    tty.expect("k");
    tty.send([4]);

    tty.expect("over");
}
