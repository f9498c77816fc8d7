use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::MigrationHarness;

use super::migrated;
use crate::inspect::MIGRATIONS;

/// A row in every table, with something in every column.
const FILLED: &str = "
    INSERT INTO host VALUES (1, '11111111-1111-4111-8111-111111111111', 3);
    INSERT INTO sessions VALUES ('22222222-2222-4222-8222-222222222222',
        '11111111-1111-4111-8111-111111111111', 'build', '{\"team\":\"a\"}', '[\"sh\"]', '/tmp', 80, 24,
        'generic', 'cli', '33333333-3333-4333-8333-333333333333', 1, 1000, 2, 'restarting', 5000,
        NULL, NULL, NULL, NULL, 2000, 3000, 7, '/tmp', '/tmp', '[]', 'person');
    INSERT INTO sessions VALUES ('33333333-3333-4333-8333-333333333333',
        '11111111-1111-4111-8111-111111111111', NULL, '{}', '[\"sh\"]', '/', 80, 24,
        'generic', 'api', NULL, 0, 1000, 1, 'failed', NULL, NULL, NULL, 'exec', 'no such file',
        2000, 3000, 2, '/', '/', '[]', 'person');
    INSERT INTO sessions VALUES ('44444444-4444-4444-8444-444444444444',
        '11111111-1111-4111-8111-111111111111', NULL, '{}', '[\"sh\"]', '/', 80, 24,
        'generic', 'api', NULL, 0, 1000, 1, 'exited', NULL, NULL, 9, NULL, NULL, 2000, 3000, 2,
        '/', '/', '[]', 'person');
    INSERT INTO events VALUES (4, '11111111-1111-4111-8111-111111111111', 3000,
        '44444444-4444-4444-8444-444444444444', 'session.exited', '{\"incarnation\":1,\"signal\":9}', 1);
    INSERT INTO requests VALUES ('55555555-5555-4555-8555-555555555555', 'CreateSession',
        x'0102', x'', 1000);
    INSERT INTO audit_records VALUES (7, 3000, 'session.ended', '44444444-4444-4444-8444-444444444444',
        'daemon', x'7b7d', zeroblob(32));
    INSERT INTO audit_checkpoints VALUES (7, zeroblob(32), 3000, 'boot', zeroblob(32), zeroblob(64));
    INSERT INTO hook_reports VALUES ('66666666-6666-4666-8666-666666666666',
        '44444444-4444-4444-8444-444444444444', 1, 'claude', 'PreToolUse', x'7b7d', 2, zeroblob(32), 3000,
        '77777777-7777-4777-8777-777777777777');
    INSERT INTO decisions VALUES ('77777777-7777-4777-8777-777777777777',
        '44444444-4444-4444-8444-444444444444', 1, '66666666-6666-4666-8666-666666666666', 'claude', 'Bash',
        '{}', 'toolu_1', '/w', 'sub', zeroblob(32), '{}', '[]', '{}', 3000, 'allowed', 'person',
        '88888888-8888-4888-8888-888888888888', 'uid:1', '', '{}', 4000);
    INSERT INTO approvals VALUES ('88888888-8888-4888-8888-888888888888',
        '77777777-7777-4777-8777-777777777777', '44444444-4444-4444-8444-444444444444', 1, 'tool_call',
        zeroblob(32), 'make', 'uid:1', 1, 'protected', '[]', 'held', 3000, 5000, 'allowed', 'uid:1', 4000, '', '{}',
        '[\"99999999-9999-4999-8999-999999999999\"]', 4100);
    INSERT INTO grants VALUES ('99999999-9999-4999-8999-999999999999', 'workspace', '/w', 'Bash', NULL,
        'Bash(make)', 'make', 'uid:1', 4000, '88888888-8888-4888-8888-888888888888', 9000, 'uid:1', 5000);
    INSERT INTO session_agents VALUES ('22222222-2222-4222-8222-222222222222', 'uid:1', '/h', '/w', 'held',
        'ungated', 'Bash ran', zeroblob(32), 2, 'c1', '/t', 'idle', 'hook', 3000, 4, '[]');
    INSERT INTO violations VALUES ('44444444-4444-4444-8444-444444444444', 'toolu_2', 'Bash', 'it ran', 1, 3000);
    INSERT INTO followed_files VALUES ('22222222-2222-4222-8222-222222222222', 'transcript', '/t', 99);
    UPDATE policy_state SET generation = 3;
    INSERT INTO policies VALUES ('read-only', 2, 1000, NULL);
    INSERT INTO policies VALUES ('gone', 1, 1000, 2000);
    INSERT INTO policy_revisions VALUES ('read-only', 2, '{}', '# {}', 'yaml', zeroblob(32), 'uid:1', 1000,
        'why');
    INSERT INTO policy_bindings VALUES ('read-only', 'workspace', '/a/.git', '/a', 'uid:1', 1000);
";

type Dump = BTreeMap<String, Vec<String>>;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(connection: &mut SqliteConnection, query: &str) -> Vec<String> {
    let rows: Vec<Line> = diesel::sql_query(query).load(connection).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

fn tables(connection: &mut SqliteConnection) -> Vec<String> {
    lines(
        connection,
        "SELECT name AS line FROM sqlite_master WHERE type = 'table' \
         AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name",
    )
}

/// Every row of every table, a text each.
fn dump(connection: &mut SqliteConnection) -> Dump {
    tables(connection)
        .into_iter()
        .map(|table| {
            let columns = lines(
                connection,
                &format!(
                    "SELECT 'quote(' || name || ')' AS line FROM pragma_table_info('{table}')"
                ),
            );
            let query =
                format!("SELECT {} AS line FROM {table} ORDER BY 1", columns.join(" || ', ' || "));
            let rows = lines(connection, &query);
            (table, rows)
        })
        .collect()
}

fn schema(connection: &mut SqliteConnection) -> Vec<String> {
    lines(connection, "SELECT coalesce(sql, name) AS line FROM sqlite_master ORDER BY name")
}

/// Puts back what is missing.
fn refill(connection: &mut SqliteConnection) {
    connection.batch_execute(&FILLED.replace("INSERT INTO", "INSERT OR IGNORE INTO")).unwrap();
}

#[test]
fn every_change_goes_down_and_up_on_a_filled_database() {
    let directory = tempfile::tempdir().unwrap();
    let connection = &mut migrated(directory.path());
    connection.batch_execute(FILLED).unwrap();
    let (rows, whole) = (dump(connection), schema(connection));
    assert!(rows.values().all(|rows| !rows.is_empty()), "a table is not filled: {rows:?}");
    let count = connection.applied_migrations().unwrap().len();

    for back in 1..count {
        for _ in 0..back {
            connection.revert_last_migration(MIGRATIONS).unwrap();
        }
        let older = tables(connection);
        connection.run_pending_migrations(MIGRATIONS).unwrap();

        // What a change made a table for goes with the table; every other row stays.
        let mut kept = dump(connection);
        kept.retain(|table, _| older.contains(table));
        let mut expected = rows.clone();
        expected.retain(|table, _| older.contains(table));
        assert_eq!(kept, expected, "{back} changes down and up again");
        refill(connection);
        assert_eq!(dump(connection), rows);
    }
    connection.revert_all_migrations(MIGRATIONS).unwrap();
    assert_eq!(tables(connection), [""; 0]);
    connection.run_pending_migrations(MIGRATIONS).unwrap();

    assert_eq!(schema(connection), whole);
    connection.batch_execute(FILLED).unwrap();
    assert_eq!(dump(connection), rows);
}

#[test]
fn a_row_with_the_data_of_another_state_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let connection = &mut migrated(directory.path());
    connection.batch_execute(FILLED).unwrap();

    for set in [
        "state = 'running'",
        "state = 'sleeping'",
        "state = 'lost'",
        "exit_code = 1",
        "exit_signal = NULL",
        "failed_step = 'exec'",
        "end_message = 'gone'",
        "restart_at = 1",
        "version = 0",
        "id = 'short'",
    ] {
        let update =
            format!("UPDATE sessions SET {set} WHERE id = '44444444-4444-4444-8444-444444444444'");
        assert!(connection.batch_execute(&update).is_err(), "{set}");
    }
    let second_ending = "INSERT INTO events (host, time, session, type_name, payload, ended_incarnation) \
                         SELECT host, time, session, type_name, payload, ended_incarnation FROM events";
    assert!(connection.batch_execute(second_ending).is_err());
}

#[test]
fn a_revision_of_a_policy_neither_changes_nor_goes() {
    let directory = tempfile::tempdir().unwrap();
    let connection = &mut migrated(directory.path());
    connection.batch_execute(FILLED).unwrap();

    for change in [
        "UPDATE policy_revisions SET note = 'other'",
        "DELETE FROM policy_revisions",
        "UPDATE policy_bindings SET kind = 'everything'",
        "UPDATE policy_bindings SET kind = 'default'",
        "UPDATE policy_bindings SET target = ''",
        "UPDATE sessions SET asks = 'never'",
    ] {
        assert!(connection.batch_execute(change).is_err(), "{change}");
    }
}
