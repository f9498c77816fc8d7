//! The secrets that tell sessions' hooks apart.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, PoisonError};

use codeplane_core::{Incarnation, SessionId};
use sha2::{Digest, Sha256};
use tracing::warn;

use super::super::App;
use crate::session::{BundleFile, Live};

/// SHA-256 of a token: all that is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of a token as its file has it: 64 hexadecimal digits.
    #[must_use]
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

/// Which run each token belongs to.
#[derive(Debug, Default)]
pub(crate) struct HookTokens(Mutex<HashMap<TokenHash, (SessionId, Incarnation)>>);

impl HookTokens {
    /// Whose token it is.
    #[must_use]
    pub(crate) fn owner(&self, token: &TokenHash) -> Option<(SessionId, Incarnation)> {
        self.lock().get(token).copied()
    }

    /// Knows a token from now on, and no other of that session.
    pub(crate) fn know(&self, token: TokenHash, session: SessionId, incarnation: Incarnation) {
        let mut tokens = self.lock();
        tokens.retain(|_, (owner, _)| *owner != session);
        tokens.insert(token, (session, incarnation));
    }

    /// Knows no token of a session any more.
    pub(crate) fn forget(&self, session: SessionId) {
        self.lock().retain(|_, (owner, _)| *owner != session);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TokenHash, (SessionId, Incarnation)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Makes the token of a run. Answers its hash, to be kept with the session, and its file, which has to
    /// be there before the program: to make a file takes too long for the thread that serves everybody.
    ///
    /// # Errors
    /// If there is no randomness.
    pub(in crate::app) fn new_token(
        &self,
        session: SessionId,
        incarnation: Incarnation,
    ) -> io::Result<(TokenHash, BundleFile)> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
        let token: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = TokenHash::of(&token);
        self.tokens.know(hash, session, incarnation);
        let path = self.directories.hook_token(session, incarnation);
        Ok((hash, BundleFile { path, content: format!("{token}\n").into_bytes() }))
    }

    /// Makes the token of a run and writes its file, in the place of one that may be there. Blocks for the
    /// time of a small file.
    ///
    /// # Errors
    /// If there is no randomness, or the file cannot be written.
    fn issue_token(&self, session: SessionId, incarnation: Incarnation) -> io::Result<TokenHash> {
        let (hash, BundleFile { path, content }) = self.new_token(session, incarnation)?;
        // One of an earlier daemon: its hash is not known any more.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(&content)?;
        Ok(hash)
    }

    /// Whoever has the token of a run that is over may report no more.
    pub(in crate::app) fn revoke_token(&self, session: SessionId, incarnation: Incarnation) {
        self.tokens.forget(session);
        let path = self.directories.hook_token(session, incarnation);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!(%error, "the token {} was not removed", path.display());
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Makes the token of a live session anew, where its file is gone.
    pub(in crate::app) async fn renew_token(&self, live: &Live) {
        let (session, incarnation) = (live.id(), live.incarnation());
        match self.issue_token(session, incarnation) {
            Ok(hash) => {
                let changed = live.change_agent(|agent| agent.token = Some((incarnation, hash.0)));
                self.write_agent(session, changed, Vec::new()).await;
            }
            Err(error) => {
                warn!(session.id = %session, %error, "hooks of session {session} cannot report: {error}");
            }
        }
    }
}
