//! What people see who look at a session with `cpctl`.

use std::fs;

use codeplane_tests::{TerminalSize, TestDaemon, Tty};

/// A word at the left of the first row, one far right, one far below.
const PICTURE: &str = r"say \e[1;70Hfar\e[20;1Hbelow\e[1;1Hnear";

const SMALL: TerminalSize = TerminalSize { cols: 20, rows: 5 };
const LARGE: TerminalSize = TerminalSize { cols: 100, rows: 30 };

#[track_caller]
fn shows(tty: &Tty, what: &str, is_right: impl Fn(&str) -> bool) {
    tty.expect_screen(what, |emulator| is_right(&emulator.text()));
}

/// A session that prints `first`, and `then` once the file is there whose path is returned.
async fn session(daemon: &TestDaemon, first: &str, then: &str) -> (String, std::path::PathBuf) {
    let go = daemon.home().join("go");
    let wait = format!("await {}", go.display());
    let session = daemon.create(&[first, &wait, then, "forever"]).await;
    (session.id, go)
}

#[tokio::test]
async fn who_looks_from_a_smaller_terminal_sees_the_part_that_fits() {
    let daemon = TestDaemon::start();
    let (session, go) = session(&daemon, PICTURE, r"say \e[20;70Hthere").await;
    daemon.printed(&session, "near").await;

    let looker = daemon.tty_of(["attach", "--observe", &session], SMALL);

    shows(&looker, "the upper left corner alone", |text| {
        text.lines().next() == Some("near") && !text.contains("far") && !text.contains("below")
    });
    fs::write(go, "").unwrap();
    shows(&looker, "the place of the cursor", |text| text.trim_start().ends_with("there"));
}

#[tokio::test]
async fn the_part_becomes_the_whole_when_the_terminal_grows_and_a_part_when_it_shrinks() {
    let daemon = TestDaemon::start();
    let (session, go) = session(&daemon, PICTURE, r"say \e[5;5Hmore\e[1;1H").await;
    daemon.printed(&session, "near").await;
    let looker = daemon.tty_of(["attach", "--observe", &session], SMALL);
    shows(&looker, "a part", |text| text.lines().next() == Some("near"));

    looker.resize(LARGE);
    shows(&looker, "the whole", |text| text.contains("far") && text.contains("below"));
    fs::write(go, "").unwrap();
    shows(&looker, "what is printed", |text| text.lines().nth(4) == Some("    more"));

    looker.resize(SMALL);
    shows(&looker, "a part again", |text| {
        text.lines().next() == Some("near") && !text.contains("far")
    });
}

#[tokio::test]
async fn who_loses_control_to_a_larger_terminal_sees_a_part_until_it_comes_back() {
    let daemon = TestDaemon::start();
    let then = r"say \e[25;90Hcorner\e[1;1H";
    let (session, go) = session(&daemon, r"say \e[1;1Hnear", then).await;
    let first = daemon.tty_of(["attach", &session], SMALL);
    shows(&first, "its own picture", |text| text.contains("near"));

    let second = daemon.tty_of(["attach", &session], LARGE);
    shows(&second, "the picture", |text| text.contains("near"));
    shows(&first, "that it looks", |text| text.contains("[the session is"));
    fs::write(go, "").unwrap();
    shows(&second, "the corner", |text| text.contains("corner"));
    shows(&first, "no corner", |text| text.contains("near") && !text.contains("corner"));
    second.send("\x1c\x04");

    shows(&first, "the notice", |text| text.contains("[you have control]"));
    shows(&first, "no notice", |text| text.contains("near") && !text.contains('['));
}

#[tokio::test]
async fn a_notice_goes_and_what_it_covered_is_there_again() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&[r"say \e[24;1Hlast row\e[1;1H", "forever"]).await;
    let first = daemon.tty(["attach", &session.id]);
    shows(&first, "the last row", |text| text.contains("last row"));

    let second = daemon.tty(["attach", &session.id]);

    shows(&first, "the notice", |text| text.contains("has taken control"));
    shows(&first, "the row again", |text| text.lines().last() == Some("last row"));
    shows(&second, "the last row", |text| text.contains("last row"));
}

#[tokio::test]
async fn a_notice_on_a_terminal_that_was_never_cleared_goes_as_well() {
    let daemon = TestDaemon::start();
    let agent = codeplane_tests::binary("scripted-agent").display().to_string();
    let first = daemon.tty(["run", "--name", "it", "--", &agent, "say one", "say two", "forever"]);
    shows(&first, "what is printed", |text| text.contains("two"));
    let second = daemon.tty(["attach", "it"]);
    shows(&second, "what is printed", |text| text.contains("two"));

    second.send("\x1c\x04");

    shows(&first, "the notice", |text| text.contains("[you have control]"));
    shows(&first, "the session's screen alone", |text| text == "onetwo");
}
