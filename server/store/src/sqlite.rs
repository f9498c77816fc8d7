//! The dialect: everything that is `SQLite` and not SQL. Another database has another such file.

use std::path::Path;

use diesel::connection::{CacheSize, SimpleConnection};
use diesel::prelude::*;
use diesel::result::{ConnectionError, QueryResult};
use diesel::sql_types::{BigInt, Text};

/// So many pages (4 KiB each) of the WAL are written back into the file. Half a MiB: if the disk gets
/// full, the reserve has room for what is not yet written back.
const CHECKPOINT_PAGES: i64 = 128;
/// So many, and readers must have kept it from starting anew: wait for them.
const RESTART_PAGES: i64 = 16_384;

diesel::define_sql_function! {
    /// The value at a path of a JSON text.
    fn json_extract(json: Text, path: Text) -> Nullable<Text>;
}

/// The path of one key of a JSON object. `key` must not contain quotes or backslashes.
pub(crate) fn json_path(key: &str) -> String {
    format!("$.\"{key}\"")
}

/// What a connection is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    /// Writes. There is one.
    Write,
    /// Reads.
    Read,
    /// Reads this file and writes copies of it.
    Copy,
    /// Looks at a file that may not be ours: not one byte of it changes.
    Inspect,
}

/// Opens a connection to an existing file.
pub(crate) fn connect(
    path: &str,
    access: Access,
) -> Result<SqliteConnection, diesel::result::Error> {
    let mode = match access {
        Access::Write | Access::Read | Access::Copy => "rw",
        Access::Inspect => "ro",
    };
    let url = format!("file:{}?mode={mode}", escape(path));
    let mut connection = SqliteConnection::establish(&url).map_err(as_query_error)?;
    // The temporary files of sorts belong in memory: there may be no room, or no descriptor.
    connection.batch_execute(
        "PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024;",
    )?;
    match access {
        // No automatic checkpoint: SQLite ignores its errors, and an error of a write is our end.
        Access::Write => connection.batch_execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 16777216;",
        )?,
        Access::Read => connection.batch_execute("PRAGMA query_only = ON;")?,
        // `query_only` would forbid the copy as well.
        Access::Copy | Access::Inspect => {}
    }
    match access {
        Access::Write => {}
        // The text of a query follows its filter: a cache would grow with what clients think of.
        Access::Read | Access::Copy | Access::Inspect => {
            connection.set_prepared_statement_cache_size(CacheSize::Disabled);
        }
    }
    Ok(connection)
}

/// Whether commits go to a write-ahead log, as [`connect`] asked; not every file system can.
pub(crate) fn journal_mode(connection: &mut SqliteConnection) -> QueryResult<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        journal_mode: String,
    }
    Ok(diesel::sql_query("PRAGMA journal_mode").get_result::<Row>(connection)?.journal_mode)
}

/// A path may contain what a URI gives a meaning to.
fn escape(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

fn as_query_error(error: ConnectionError) -> diesel::result::Error {
    match error {
        ConnectionError::CouldntSetupConfiguration(error) => error,
        other => diesel::result::Error::DatabaseError(
            diesel::result::DatabaseErrorKind::UnableToSendCommand,
            Box::new(other.to_string()),
        ),
    }
}

/// Begins a transaction that holds the write lock from the start.
pub(crate) fn begin(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute("BEGIN IMMEDIATE")
}

/// Makes the transaction durable.
pub(crate) fn commit(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute("COMMIT")
}

/// Ends the transaction without a trace. After some errors `SQLite` has done it already.
pub(crate) fn roll_back(connection: &mut SqliteConnection) {
    if let Err(error) = connection.batch_execute("ROLLBACK") {
        tracing::debug!(%error, "nothing to roll back");
    }
}

/// Begins one job of the transaction.
pub(crate) fn begin_job(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute("SAVEPOINT job")
}

/// Keeps what the job did.
pub(crate) fn keep_job(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute("RELEASE job")
}

/// Undoes what the job did, and nothing else. Fails if the whole transaction is gone.
pub(crate) fn undo_job(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute("ROLLBACK TO job; RELEASE job")
}

/// What can be wrong beneath a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No room.
    Full,
    /// The disk refused.
    Io,
    /// The file is not what it was.
    Damaged,
    /// Another process writes.
    Locked,
    /// Nothing of these: a mistake of ours.
    Other,
}

/// Reads the fault from the message: diesel keeps the text of `SQLite`'s code and not its number.
pub(crate) fn fault(message: &str) -> Fault {
    const FAULTS: [(&str, Fault); 7] = [
        ("database or disk is full", Fault::Full),
        ("disk I/O error", Fault::Io),
        ("attempt to write a readonly database", Fault::Io),
        ("database disk image is malformed", Fault::Damaged),
        ("file is not a database", Fault::Damaged),
        ("malformed database schema", Fault::Damaged),
        ("database is locked", Fault::Locked),
    ];
    FAULTS
        .into_iter()
        .find(|(text, _)| message.contains(text))
        .map_or(Fault::Other, |(_, fault)| fault)
}

#[derive(QueryableByName)]
struct WalRow {
    #[diesel(sql_type = BigInt)]
    busy: i64,
    #[diesel(sql_type = BigInt)]
    log: i64,
    #[diesel(sql_type = BigInt)]
    checkpointed: i64,
}

fn checkpoint(connection: &mut SqliteConnection, mode: &str) -> QueryResult<WalRow> {
    diesel::sql_query(format!("PRAGMA wal_checkpoint({mode})")).get_result(connection)
}

/// Writes the WAL back into the file when there is enough of it.
pub(crate) fn checkpoint_if_due(connection: &mut SqliteConnection) -> QueryResult<()> {
    let wal = checkpoint(connection, "NOOP")?;
    if wal.log - wal.checkpointed >= CHECKPOINT_PAGES {
        checkpoint(connection, "PASSIVE")?;
    } else if wal.log >= RESTART_PAGES {
        // Readers overlap without a pause, so that the WAL never starts anew. A short wait for a
        // moment without them; while a backup reads, the next commit tries again.
        connection.batch_execute("PRAGMA busy_timeout = 50")?;
        let restarted = checkpoint(connection, "RESTART");
        connection.batch_execute("PRAGMA busy_timeout = 5000")?;
        restarted?;
    }
    Ok(())
}

/// Writes back what can be, without waiting for anyone. A WAL that was written back is used again
/// from its start, so that it does not grow.
pub(crate) fn checkpoint_now(connection: &mut SqliteConnection) -> QueryResult<()> {
    checkpoint(connection, "PASSIVE").map(drop)
}

/// Writes the whole WAL back and empties it. False while somebody reads.
pub(crate) fn checkpoint_and_empty(connection: &mut SqliteConnection) -> QueryResult<bool> {
    Ok(checkpoint(connection, "TRUNCATE")?.busy == 0)
}

/// Looks for damage. Empty if there is none; at most 100 problems.
pub(crate) fn problems(connection: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        quick_check: String,
    }
    let rows = diesel::sql_query("PRAGMA quick_check(100)").load::<Row>(connection)?;
    Ok(rows.into_iter().map(|row| row.quick_check).filter(|text| text != "ok").collect())
}

/// Writes a consistent copy of the database into `path`, which must not exist or be empty. Others
/// go on reading and writing.
pub(crate) fn copy_into(connection: &mut SqliteConnection, path: &Path) -> QueryResult<()> {
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(path.to_string_lossy())
        .execute(connection)
        .map(drop)
}

/// The versions of the migrations a file has had; none for a new file, and nothing at all for a
/// database that is not ours.
pub(crate) fn applied_versions(
    connection: &mut SqliteConnection,
) -> QueryResult<Option<Vec<String>>> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        tables: i64,
        #[diesel(sql_type = BigInt)]
        ours: i64,
    }
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let count: Count = diesel::sql_query(
        "SELECT count(*) AS tables, \
         count(*) FILTER (WHERE name = '__diesel_schema_migrations') AS ours FROM sqlite_master",
    )
    .get_result(connection)?;
    if count.ours == 0 {
        return Ok((count.tables == 0).then(Vec::new));
    }
    let rows: Vec<Row> =
        diesel::sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version")
            .load(connection)?;
    Ok(Some(rows.into_iter().map(|row| row.version).collect()))
}
