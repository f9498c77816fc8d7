//! The way from a directory to a running store.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread;

use codeplane_core::{HostId, Revision};
use diesel::SqliteConnection;
use diesel::prelude::*;
use tokio::sync::watch;

use crate::audit::AuditHead;
use crate::backup::replace_with_copy;
use crate::error::{Cause, OpenError, StoreError};
use crate::files::{Files, OpenFiles, Presence};
use crate::health::Health;
use crate::inspect::{self, Changes, MIGRATIONS, Schema, open_error};
use crate::known::KnownRequests;
use crate::readers::Readers;
use crate::reserve::Reserve;
use crate::schema::host;
use crate::sqlite::{self, Access};
use crate::store::{Parts, Store};
use crate::writer::Writer;

/// What can be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Room kept back for facts that must be written on a full disk, in bytes; 0 for none.
    pub reserve_bytes: u64,
    /// Most writes that wait; one more is answered [`StoreError::Busy`].
    pub write_queue: usize,
    /// Most reads that wait; one more is answered [`StoreError::Busy`].
    pub read_queue: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { reserve_bytes: 1024 * 1024, write_queue: 4096, read_queue: 1024 }
    }
}

/// Where the rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// There was no database: this one is new.
    Created,
    /// It was there.
    Existing,
    /// It was there, of an older version, and was brought up to date.
    Migrated {
        /// The newest change it had.
        from: String,
        /// A copy of it as it was.
        copy: PathBuf,
    },
}

/// How the last process that used the rows ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousEnd {
    /// It closed the store, or there was none.
    Closed,
    /// It was cut off: killed, or the machine was. Nothing acknowledged is missing.
    Cut,
}

/// A running store and what was found on the way.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// The id of this state directory, made with the database.
    pub host: HostId,
    /// Where the rows come from.
    pub origin: Origin,
    /// How the last process ended.
    pub previous_end: PreviousEnd,
    /// The newest change of the schema.
    pub schema_version: String,
}

/// The connection that writes, and what is known of its file.
struct Database {
    connection: SqliteConnection,
    host: HostId,
    newest: Revision,
    audit: AuditHead,
    known: KnownRequests,
    origin: Origin,
    schema_version: String,
}

/// See [`Store::open`].
pub(crate) fn open(directory: &Path, options: Options) -> Result<Opened, OpenError> {
    let changes = Changes::of(&MIGRATIONS).map_err(|error| OpenError::Query {
        path: directory.to_path_buf(),
        cause: Cause::new(error),
    })?;
    open_as(directory, options, &changes)
}

/// As a program that knows these changes of the schema.
pub(crate) fn open_as(
    directory: &Path,
    options: Options,
    changes: &Changes,
) -> Result<Opened, OpenError> {
    let files = Files::in_directory(directory)?;
    let mut reserve = Reserve::new(&files, options.reserve_bytes);
    let lock = match files.lock() {
        // Even an empty lock file may be too much on a full disk.
        Err(OpenError::DiskFull(_)) if reserve.release() => files.lock()?,
        other => other?,
    };
    let previous_end = match fs::metadata(&files.wal) {
        Ok(wal) if wal.len() > 0 => PreviousEnd::Cut,
        Ok(_) | Err(_) => PreviousEnd::Closed,
    };
    let database = match start(&files, changes).map_err(|error| judge(&reserve, error)) {
        // A daemon that cannot start could not even stop its sessions.
        Err(OpenError::DiskFull(_)) if reserve.release() => start(&files, changes)?,
        other => other?,
    };
    // Without room for it the store starts as it would go on: with the essential only.
    reserve.restore();
    let (host, origin) = (database.host, database.origin.clone());
    let schema_version = database.schema_version.clone();
    let store = run(files, lock, reserve, database, options)?;
    Ok(Opened { store, host, origin, previous_end, schema_version })
}

fn judge(reserve: &Reserve, error: OpenError) -> OpenError {
    let OpenError::Io { path, source } = error else {
        return error;
    };
    match reserve.judge(StoreError::Io(Cause::new(source.to_string()))) {
        StoreError::DiskFull => OpenError::DiskFull(path),
        _ => OpenError::Io { path, source },
    }
}

/// Checks the file, brings it up to date and reads who we are.
fn start(files: &Files, changes: &Changes) -> Result<Database, OpenError> {
    let schema = match files.presence()? {
        Presence::Present => inspect::inspect(files, changes)?,
        Presence::Absent => {
            files.create_database()?;
            Schema::Empty
        }
    };
    let fail = |error: diesel::result::Error| open_error(files, &error.to_string());
    let mut connection = sqlite::connect(&files.url, Access::Write).map_err(fail)?;
    let mode = sqlite::journal_mode(&mut connection).map_err(fail)?;
    if mode != "wal" {
        return Err(OpenError::NoWriteAheadLog { path: files.database.clone(), mode });
    }
    let origin = match schema {
        Schema::Empty => {
            migrate(files, &mut connection, changes)?;
            Origin::Created
        }
        Schema::Current => Origin::Existing,
        Schema::Older(from) => {
            let copy = copy_aside(files, &mut connection, &from)?;
            migrate(files, &mut connection, changes)?;
            Origin::Migrated { from, copy }
        }
    };
    let host = host_id(&mut connection).map_err(fail)?;
    let newest = crate::event::newest(&mut connection).map_err(fail)?;
    let audit = AuditHead::load(&mut connection, host).map_err(fail)?;
    let known = KnownRequests::load(&mut connection).map_err(fail)?;
    let schema_version = changes.newest();
    Ok(Database { connection, host, newest, audit, known, origin, schema_version })
}

fn migrate(
    files: &Files,
    connection: &mut SqliteConnection,
    changes: &Changes,
) -> Result<(), OpenError> {
    changes.apply(connection).map_err(|error| open_error(files, &error.to_string()))
}

fn copy_aside(
    files: &Files,
    connection: &mut SqliteConnection,
    version: &str,
) -> Result<PathBuf, OpenError> {
    let copy = files.directory.join(format!("codeplane.db.at-{version}"));
    tracing::info!(from = version, copy = %copy.display(), "the database is of an older version: copied");
    match replace_with_copy(connection, &copy) {
        Ok(()) => Ok(copy),
        Err(StoreError::DiskFull) => Err(OpenError::DiskFull(copy)),
        Err(error) => Err(OpenError::Query { path: copy, cause: Cause::new(error) }),
    }
}

/// Who we are; made up once, in the first start.
fn host_id(connection: &mut SqliteConnection) -> QueryResult<HostId> {
    connection.immediate_transaction(|connection| {
        let stored: Option<String> = host::table.select(host::id).first(connection).optional()?;
        if let Some(text) = stored {
            return text
                .parse()
                .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)));
        }
        let id = HostId::random();
        diesel::insert_into(host::table)
            .values((
                host::singleton.eq(1),
                host::id.eq(id.to_string()),
                host::pruned_through.eq(0),
            ))
            .execute(connection)?;
        Ok(id)
    })
}

/// Starts the threads.
fn run(
    files: Files,
    lock: File,
    reserve: Reserve,
    database: Database,
    options: Options,
) -> Result<Store, OpenError> {
    let fast = readers(&files, "store-read", &[Access::Read; 2], options.read_queue)?;
    // Copies and checks read for seconds; they must not hold up the others.
    let slow = readers(&files, "store-slow", &[Access::Copy], 1)?;
    let health = Health::good();
    let (revisions, newest) = watch::channel(database.newest);
    let (heads, audit) = watch::channel(database.audit);
    let known = Arc::new(database.known);
    let writer = Writer {
        connection: database.connection,
        known: Arc::clone(&known),
        host: database.host,
        audit: database.audit,
        files: OpenFiles::of(&files)?,
        reserve,
        health: health.clone(),
        revisions,
        heads,
        lock,
    };
    let (queue, jobs) = sync_channel(options.write_queue);
    let thread = thread::Builder::new()
        .name("store-write".to_owned())
        .spawn(move || writer.run(&jobs))
        .map_err(|source| OpenError::Io { path: files.database.clone(), source })?;
    Ok(Store::new(Parts {
        files,
        queue,
        thread: Mutex::new(Some(thread)),
        known,
        readers: fast,
        slow,
        health,
        newest,
        audit,
        reserve_bytes: options.reserve_bytes,
        schema_version: database.schema_version,
    }))
}

/// A thread for each access.
fn readers(
    files: &Files,
    name: &str,
    accesses: &[Access],
    bound: usize,
) -> Result<Readers, OpenError> {
    let connections = accesses
        .iter()
        .map(|access| sqlite::connect(&files.url, *access))
        .collect::<QueryResult<_>>()
        .map_err(|error| open_error(files, &error.to_string()))?;
    Readers::start(name, connections, bound)
        .map_err(|source| OpenError::Io { path: files.database.clone(), source })
}
