//! What the tests of policies share.

use std::fs;

use codeplane_client::v1;
use codeplane_tests::{Finished, TestDaemon};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_types::Text};

/// A policy that allows `echo` and denies one call of it.
pub(super) const TEAM: &str = "\
# of the team
name: team
description: Echo, but not that.
rules:
- id: echo
  effect: allow
  tool: Bash
  command: echo:*
  examples: {match: [echo a], not_match: [ls]}
- id: never
  effect: deny
  tool: Bash
  command: echo no
  reason: because
  examples: {match: [echo no], not_match: [echo yes]}
";

/// Writes a file into the home of the daemon's user. Answers its path.
pub(super) fn file(daemon: &TestDaemon, name: &str, text: &str) -> String {
    let path = daemon.home().join(name);
    fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

/// Applies `text` from standard input.
#[track_caller]
pub(super) fn apply(daemon: &TestDaemon, text: &str) {
    done(daemon.cpctl_with(["policy", "apply", "-f", "-"], text.as_bytes()));
}

/// `cpctl policy` with these arguments.
pub(super) fn policy(daemon: &TestDaemon, args: &[&str]) -> Finished {
    daemon.cpctl(["policy"].iter().chain(args))
}

/// What must have succeeded; nobody looks at what it printed.
#[track_caller]
pub(super) fn done(finished: Finished) {
    drop(finished.success());
}

/// What must have failed with `code`; nobody looks at why.
#[track_caller]
pub(super) fn fails(finished: Finished, code: i32) {
    drop(finished.failure(code));
}

/// What becomes of a command of an agent in a session.
pub(super) async fn decision(
    daemon: &TestDaemon,
    session: &str,
    command: &str,
) -> v1::PolicyEffect {
    simulated(daemon, session, command).await.decision()
}

/// The whole verdict.
pub(super) async fn simulated(
    daemon: &TestDaemon,
    session: &str,
    command: &str,
) -> v1::SimulatePolicyResponse {
    let call = serde_json::json!({"tool": "Bash", "input": {"command": command}});
    let request = v1::SimulatePolicyRequest {
        request: call.to_string(),
        session: session.to_owned(),
        ..Default::default()
    };
    daemon.client().await.simulate_policy(request).await.unwrap()
}

/// The policies that judge a session, as `name@revision`.
pub(super) fn judged_by(session: &v1::Session) -> Vec<String> {
    session.policies.iter().map(|one| format!("{}@{}", one.name, one.revision)).collect()
}

/// Kind and content of every record of the audit log of a daemon that has ended.
pub(super) fn audited(daemon: &TestDaemon) -> Vec<(String, String)> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Text)]
        record: String,
    }
    let database = daemon.state_dir().join("codeplane.db");
    let mut connection = SqliteConnection::establish(&database.to_string_lossy()).unwrap();
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT kind, CAST(record AS TEXT) AS record FROM audit_records ORDER BY seq",
    )
    .load(&mut connection)
    .unwrap();
    rows.into_iter().map(|row| (row.kind, row.record)).collect()
}
