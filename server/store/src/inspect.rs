//! A look at an existing file before anything of it changes.

use diesel::SqliteConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::error::{Cause, OpenError};
use crate::files::Files;
use crate::sqlite::{self, Access, Fault, fault};

/// Every change of the schema that this program knows.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

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

/// The newest change of the schema that this program knows.
pub(crate) fn known_version() -> String {
    known_versions().pop().unwrap_or_default()
}

fn known_versions() -> Vec<String> {
    let migrations: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().unwrap_or_default();
    let mut versions: Vec<String> =
        migrations.iter().map(|migration| migration.name().version().to_string()).collect();
    versions.sort();
    versions
}

/// Checks that the file is sound, ours and not newer than we are. It stays as it is.
pub(crate) fn inspect(files: &Files) -> Result<Schema, OpenError> {
    let fail = |error: diesel::result::Error| open_error(files, &error.to_string());
    let mut connection = sqlite::connect(&files.url, Access::Inspect).map_err(fail)?;
    let applied = applied(files, &mut connection)?;
    let known = known_versions();
    if applied.iter().any(|version| !known.contains(version)) {
        return Err(OpenError::NewerSchema {
            path: files.database.clone(),
            found: applied.into_iter().max().unwrap_or_default(),
            known: known_version(),
        });
    }
    if let Some(problem) = sqlite::problems(&mut connection).map_err(fail)?.into_iter().next() {
        return Err(OpenError::Damaged { path: files.database.clone(), problem });
    }
    Ok(match applied.last() {
        None => Schema::Empty,
        Some(_) if applied == known => Schema::Current,
        Some(newest) => Schema::Older(newest.clone()),
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
