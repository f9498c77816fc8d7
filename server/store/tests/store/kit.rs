//! What every test needs: a store in a directory of its own, and values to fill it with.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codeplane_core::{
    EndReason, EventKind, ExitStatus, HostId, Incarnation, Labels, Mandate, NewEvent, NewSession,
    RequestId, Session, SessionId, SessionName, TerminalSize, Timestamp,
};
use codeplane_store::{Opened, RecordedRequest, SessionChange, Store};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use tempfile::TempDir;

/// A store that is closed with its test.
pub(crate) struct Lab {
    pub(crate) directory: TempDir,
    pub(crate) store: Store,
    pub(crate) host: HostId,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let Opened { store, host, .. } = Store::open(directory.path()).unwrap();
        Self { directory, store, host }
    }

    pub(crate) fn database(&self) -> PathBuf {
        database_in(self.directory.path())
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(self) -> Self {
        self.store.close().unwrap();
        let directory = self.directory;
        let Opened { store, host, .. } = Store::open(directory.path()).unwrap();
        Self { directory, store, host }
    }

    /// A running session without a name.
    pub(crate) fn session(&self) -> Session {
        session(self.host)
    }

    /// A session that is in the store.
    pub(crate) async fn inserted(&self) -> Session {
        let session = self.session();
        self.insert(&session).await;
        session
    }

    pub(crate) async fn insert(&self, session: &Session) {
        self.store.insert_session(session.clone(), created(session), None).await.unwrap();
    }
}

pub(crate) fn database_in(directory: &Path) -> PathBuf {
    directory.join("codeplane.db")
}

pub(crate) const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) fn session(host: HostId) -> Session {
    Session::starting(NewSession {
        id: SessionId::random(),
        host,
        name: None,
        labels: labels(&[]),
        command: vec!["bash".to_owned(), "-l".to_owned()],
        cwd: "/tmp".to_owned(),
        size: TerminalSize::DEFAULT,
        provider: "generic".to_owned(),
        source: "api".to_owned(),
        parent: None,
        keep: false,
        mandate: Mandate::default(),
        created_at: at(1_000),
    })
}

pub(crate) fn name(text: &str) -> SessionName {
    SessionName::new(text).unwrap()
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))).unwrap()
}

pub(crate) fn created(session: &Session) -> NewEvent {
    event(session.id(), EventKind::SessionCreated)
}

pub(crate) fn event(session: SessionId, kind: EventKind) -> NewEvent {
    NewEvent { time: at(2_000), session: Some(session), kind }
}

pub(crate) fn exited(code: i32) -> SessionChange {
    SessionChange::Ended {
        incarnation: Incarnation::FIRST,
        reason: EndReason::Exited(ExitStatus::Code(code)),
        at: at(3_000),
    }
}

pub(crate) fn request(method: &str, hash: &[u8]) -> RecordedRequest {
    RecordedRequest {
        id: RequestId::random(),
        method: method.to_owned(),
        hash: hash.to_vec(),
        answer: b"answer".to_vec(),
        recorded_at: at(1_000),
    }
}

/// Waits, but not for ever.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it takes too long")
}

/// Does to a database what this program never would.
pub(crate) fn sql(database: &Path, text: &str) {
    let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    connection.batch_execute(text).unwrap();
}

/// All of a directory's files but the lock, with their content.
pub(crate) fn files_in(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "lock"))
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}
