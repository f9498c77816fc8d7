//! Checkpoints: from time to time the newest hash is signed.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use codeplane_core::audit::{AuditKind, AuditSeq, Checkpoint, NewAudit, Statement};
use codeplane_store::StoreError;
use tracing::{error, warn};

use super::super::App;
use super::keys::KeyOrigin;
use super::line::Line;
use crate::os;

/// A checkpoint covers at most so many records, unless they come faster than it is written.
const RECORDS: u64 = 1_000;

/// And at most so much time: whoever takes a key or a disk away can rewrite no more than this.
const EVERY: Duration = Duration::from_secs(60);

/// Between two attempts where the disk is full or the table is not what was written.
const PAUSE: Duration = Duration::from_secs(60);

/// Signs as long as the daemon runs. An idle daemon does nothing.
pub(crate) async fn sign_checkpoints(app: App) {
    let stop = app.shutdown.clone();
    let mut heads = app.store.audit_head();
    let mut signed = app.signed_through().await;
    loop {
        tokio::select! {
            () = stop.begun() => return,
            head = heads.wait_for(|head| head.seq > signed) => {
                if head.is_err() {
                    return;
                }
            }
        }
        tokio::select! {
            () = stop.begun() => return,
            () = tokio::time::sleep(EVERY) => {}
            _ = heads.wait_for(|head| head.seq.0 >= signed.0 + RECORDS) => {}
        }
        match app.sign_head().await {
            Ok(through) => signed = through,
            // It is tried again, but not over and over.
            Err(_) => tokio::select! {
                () = stop.begun() => return,
                () = tokio::time::sleep(PAUSE) => {}
            },
        }
    }
}

impl App {
    /// Records the start of the daemon, and the key if it is a new one.
    ///
    /// # Errors
    /// Those of every write.
    pub(crate) async fn audit_start(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let started = NewAudit::by_daemon(now, AuditKind::DaemonStarted)
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("boot", os::boot_id());
        let mut records = vec![started];
        match self.audit_keys.origin {
            KeyOrigin::Existing => {}
            KeyOrigin::Made => {
                let key = self.audit_keys.signing.public().to_string();
                records.push(NewAudit::by_daemon(now, AuditKind::CheckpointKey).with("key", key));
            }
        }
        self.store.note_audit(records).await.map(drop)
    }

    /// Records the end of the daemon and signs everything.
    pub(crate) async fn audit_stop(&self) {
        let stopped = NewAudit::by_daemon(self.clock.now(), AuditKind::DaemonStopped);
        if let Err(error) = self.store.note_audit(vec![stopped]).await {
            warn!(%error, "the stop was not recorded in the audit log");
        }
        // An error was told where it came up; the next daemon signs.
        drop(self.sign_head().await);
    }

    /// Through which record the chain is signed.
    async fn signed_through(&self) -> AuditSeq {
        match self.store.newest_checkpoint().await {
            Ok(newest) => newest.map_or(AuditSeq::NONE, |newest| newest.statement.seq),
            Err(error) => {
                error!(%error, "the checkpoints of the audit log cannot be read: {error}");
                AuditSeq::NONE
            }
        }
    }

    /// Signs the newest record. Answers which it was.
    async fn sign_head(&self) -> Result<AuditSeq, StoreError> {
        let head = *self.store.audit_head().borrow();
        if head.seq == AuditSeq::NONE {
            return Ok(head.seq);
        }
        let (time, boot) = (self.clock.now(), os::boot_id());
        let statement = Statement { seq: head.seq, hash: head.hash, time, boot };
        let checkpoint = self.audit_keys.signing.sign(self.host, statement);
        match self.store.insert_checkpoint(checkpoint.clone()).await {
            Ok(()) => {}
            Err(refused @ StoreError::DamagedRow { .. }) => {
                error!(error = %refused, "somebody else wrote into the audit log: run cpctl audit verify");
                return Err(refused);
            }
            Err(refused) => {
                warn!(error = %refused, "the audit log was not signed; tried again");
                return Err(refused);
            }
        }
        self.ship(&checkpoint).await;
        Ok(head.seq)
    }

    /// Appends a checkpoint to the file that is kept or sent elsewhere.
    async fn ship(&self, checkpoint: &Checkpoint) {
        let Some(path) = self.config.audit.checkpoint_file.clone() else { return };
        let line = Line::checkpoint(self.host, checkpoint).text();
        let shown = path.display().to_string();
        let appended = self.shutdown.spawn_blocking(move || append(&path, &line)).await;
        if let Ok(Err(error)) = appended {
            warn!(%error, "a checkpoint was not appended to audit.checkpoint_file {shown}: {error}");
        }
    }
}

/// Opened each time: whoever ships it may move it away.
fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}
