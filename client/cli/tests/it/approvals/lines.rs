//! `cpctl approvals watch` where nobody looks.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};

use codeplane_client::v1;

use super::desk::{Office, bash};

struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(office: &Office, args: &[&str]) -> Self {
        let mut command = office.command(&["approvals", "watch"]);
        let mut child =
            command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// Of the next line: the beginning of the id, and the state.
    fn change(&mut self) -> (String, String) {
        let line: serde_json::Value = serde_json::from_str(&self.line()).unwrap();
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        (text("id")[..1].to_owned(), text("state"))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn change(id: &str, state: &str) -> (String, String) {
    (id.to_owned(), state.to_owned())
}

#[test]
fn each_change_is_a_line_of_json() {
    let office = Office::with([bash('a', "x")]);
    let mut watch = Watch::start(&office, &["-o", "jsonl"]);
    assert_eq!(watch.change(), change("a", "pending"));

    office.desk.ask(bash('b', "y"));
    assert_eq!(watch.change(), change("b", "pending"));
    office.desk.end("a", v1::ApprovalState::Expired);
    assert_eq!(watch.change(), change("a", "expired"));
    office.run(&["approvals", "allow", "b"]);
    assert_eq!(watch.change(), change("b", "allowed"));
}

#[test]
fn a_restart_of_the_daemon_loses_and_repeats_nothing() {
    let mut office = Office::with([bash('a', "x")]);
    let mut watch = Watch::start(&office, &["-o", "jsonl"]);
    assert_eq!(watch.change(), change("a", "pending"));

    office.close();
    office.desk.end("a", v1::ApprovalState::Denied);
    office.desk.ask(bash('b', "y"));
    office.open();

    assert_eq!(watch.change(), change("a", "denied"));
    assert_eq!(watch.change(), change("b", "pending"));
}

#[test]
fn without_a_terminal_people_get_lines_too() {
    let office = Office::with([bash('a', "echo \x1b[2J")]);

    let line = Watch::start(&office, &[]).line();

    assert!(line.ends_with("pending    aaaaaaaa in web: Bash echo \\x1b[2J"), "{line}");
}
