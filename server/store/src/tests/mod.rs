//! What cannot be seen from outside: the schema, its changes, and transactions that fail.

mod migrations;
mod schema;
mod upgrade;
mod writer;

use std::path::Path;

use diesel::SqliteConnection;
use diesel_migrations::MigrationHarness;

use crate::inspect::MIGRATIONS;
use crate::sqlite::{Access, connect};

/// An empty database with every change.
fn migrated(directory: &Path) -> SqliteConnection {
    let path = directory.join("test.db");
    std::fs::File::create_new(&path).unwrap();
    let mut connection = connect(path.to_str().unwrap(), Access::Write).unwrap();
    connection.run_pending_migrations(MIGRATIONS).unwrap();
    connection
}
