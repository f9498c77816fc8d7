//! A look at an existing file before anything of it changes.

use diesel::SqliteConnection;
use diesel::migration::{self, Migration, MigrationSource};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::{Cause, OpenError};
use crate::files::Files;
use crate::sqlite::{self, Access, Fault, fault};

/// Every change of the schema that this program knows.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Changes of the schema in the order of their versions.
pub(crate) struct Changes(Vec<Box<dyn Migration<Sqlite>>>);

impl Changes {
    pub(crate) fn of(source: &impl MigrationSource<Sqlite>) -> migration::Result<Self> {
        let mut changes = source.migrations()?;
        changes.sort_by_key(|change| change.name().version().as_owned());
        Ok(Self(changes))
    }

    /// The newest.
    pub(crate) fn newest(&self) -> String {
        self.versions().pop().unwrap_or_default()
    }

    fn versions(&self) -> Vec<String> {
        self.0.iter().map(|change| change.name().version().to_string()).collect()
    }

    /// Makes all that were not made, or none.
    pub(crate) fn apply(&self, connection: &mut SqliteConnection) -> migration::Result<()> {
        connection.immediate_transaction(|connection| {
            let applied = connection.applied_migrations()?;
            for change in &self.0 {
                if !applied.contains(&change.name().version()) {
                    connection.run_migration(change.as_ref())?;
                }
            }
            Ok(())
        })
    }
}

/// What is to be done with a file that is sound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// It is empty.
    Empty,
    /// It has all we know.
    Current,
    /// It lacks changes; this is the newest it has.
    Older(String),
}

/// Checks that the file is sound, ours and not newer than we are. It stays as it is.
pub(crate) fn inspect(files: &Files, changes: &Changes) -> Result<Schema, OpenError> {
    let fail = |error: diesel::result::Error| open_error(files, &error.to_string());
    let mut connection = sqlite::connect(&files.url, Access::Inspect).map_err(fail)?;
    let applied = known_changes(files, &mut connection, changes)?;
    if let Some(problem) = sqlite::problems(&mut connection).map_err(fail)?.into_iter().next() {
        return Err(OpenError::Damaged { path: files.database.clone(), problem });
    }
    Ok(match applied.last() {
        None => Schema::Empty,
        Some(_) if applied == changes.versions() => Schema::Current,
        Some(newest) => Schema::Older(newest.clone()),
    })
}

/// Checks that a file has exactly the changes that we know.
pub(crate) fn check_version(
    files: &Files,
    connection: &mut SqliteConnection,
    changes: &Changes,
) -> Result<(), OpenError> {
    let applied = known_changes(files, connection, changes)?;
    if applied == changes.versions() {
        return Ok(());
    }
    Err(OpenError::OlderSchema {
        path: files.database.clone(),
        found: applied.into_iter().max().unwrap_or_default(),
        known: changes.newest(),
    })
}

/// The changes that a file has, all of which we know.
fn known_changes(
    files: &Files,
    connection: &mut SqliteConnection,
    changes: &Changes,
) -> Result<Vec<String>, OpenError> {
    let applied = applied(files, connection)?;
    let known = changes.versions();
    if applied.iter().all(|version| known.contains(version)) {
        return Ok(applied);
    }
    Err(OpenError::NewerSchema {
        path: files.database.clone(),
        found: applied.into_iter().max().unwrap_or_default(),
        known: changes.newest(),
    })
}

fn applied(files: &Files, connection: &mut SqliteConnection) -> Result<Vec<String>, OpenError> {
    sqlite::applied_versions(connection)
        .map_err(|error| open_error(files, &error.to_string()))?
        .ok_or_else(|| OpenError::Damaged {
            path: files.database.clone(),
            problem: "it is the database of another program".to_owned(),
        })
}

/// What a failure of the database means to somebody who starts it.
pub(crate) fn open_error(files: &Files, message: &str) -> OpenError {
    let path = files.database.clone();
    match fault(message) {
        Fault::Full => OpenError::DiskFull(path),
        Fault::Damaged => OpenError::Damaged { path, problem: message.to_owned() },
        Fault::Locked => OpenError::Locked(path),
        Fault::Io => OpenError::Io { path, source: std::io::Error::other(message.to_owned()) },
        Fault::Other => OpenError::Query { path, cause: Cause::new(message.to_owned()) },
    }
}
