//! Everything that was decided and done is recorded, and nobody can change it unseen.

mod export;
mod key;
mod records;
mod survive;
mod tampering;

use codeplane_tests::{DaemonOptions, TestDaemon};
use serde_json::Value;

/// The whole log, as `cpctl audit ls` prints it.
fn log(daemon: &TestDaemon) -> Vec<Value> {
    let printed = daemon.cpctl(["audit", "ls", "--all", "-o", "json"]).success();
    serde_json::from_str::<Vec<Value>>(&printed).unwrap()
}

/// The kinds of the records about a session.
fn kinds(daemon: &TestDaemon, session: &str) -> Vec<String> {
    let of_session = |record: &&Value| record["session_id"] == session;
    let kind = |record: &Value| record["kind"].as_str().unwrap().to_owned();
    log(daemon).iter().filter(of_session).map(kind).collect()
}

/// What `cpctl audit verify` says, as JSON, and its exit code.
fn verify(daemon: &TestDaemon, more: &[&str]) -> (i32, Value) {
    let finished = daemon.cpctl(["audit", "verify", "-o", "json"].iter().chain(more));
    let value = serde_json::from_str(&finished.stdout).unwrap_or(Value::String(finished.stderr));
    (finished.code, value)
}

fn configured(config: &str) -> TestDaemon {
    let config = Some(config.to_owned());
    TestDaemon::start_with(DaemonOptions { config, ..DaemonOptions::default() })
}
