use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;

use super::migrated;
use crate::schema::{
    approvals, audit_checkpoints, audit_records, decisions, events, followed_files, grants,
    hook_reports, host, policies, policy_bindings, policy_revisions, policy_state, requests,
    session_agents, sessions, violations,
};

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(connection: &mut SqliteConnection, query: &str) -> Vec<String> {
    let rows: Vec<Named> = diesel::sql_query(query).load(connection).unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

/// The columns that a SELECT of diesel names, in order.
fn selected(query: &impl QueryFragment<Sqlite>) -> Vec<String> {
    let text = diesel::debug_query::<Sqlite, _>(query).to_string();
    let columns = text.split(" FROM ").next().unwrap();
    columns.split('`').skip(1).step_by(2).skip(1).step_by(2).map(str::to_owned).collect()
}

macro_rules! same_columns {
    ($connection:expr, $table:ident) => {
        let declared = names(
            $connection,
            concat!("SELECT name FROM pragma_table_info('", stringify!($table), "') ORDER BY cid"),
        );
        assert_eq!(selected(&$table::table.select($table::all_columns)), declared);
        // And each can be asked for as the type it is said to have.
        let rows = $table::table.select($table::all_columns).limit(0).execute($connection);
        assert!(rows.is_ok(), "{rows:?}");
    };
}

#[test]
fn the_schema_in_the_code_is_that_of_a_migrated_database() {
    let directory = tempfile::tempdir().unwrap();
    let connection = &mut migrated(directory.path());

    same_columns!(connection, approvals);
    same_columns!(connection, audit_checkpoints);
    same_columns!(connection, audit_records);
    same_columns!(connection, decisions);
    same_columns!(connection, events);
    same_columns!(connection, followed_files);
    same_columns!(connection, grants);
    same_columns!(connection, hook_reports);
    same_columns!(connection, host);
    same_columns!(connection, policies);
    same_columns!(connection, policy_bindings);
    same_columns!(connection, policy_revisions);
    same_columns!(connection, policy_state);
    same_columns!(connection, requests);
    same_columns!(connection, session_agents);
    same_columns!(connection, sessions);
    same_columns!(connection, violations);

    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' \
                  AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name";
    assert_eq!(
        names(connection, tables),
        [
            "approvals",
            "audit_checkpoints",
            "audit_records",
            "decisions",
            "events",
            "followed_files",
            "grants",
            "hook_reports",
            "host",
            "policies",
            "policy_bindings",
            "policy_revisions",
            "policy_state",
            "requests",
            "session_agents",
            "sessions",
            "violations"
        ]
    );
}

#[test]
fn every_table_is_strict_so_that_a_column_holds_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let connection = &mut migrated(directory.path());

    let loose = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 \
                 AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'";
    assert_eq!(names(connection, loose), [""; 0]);
}
