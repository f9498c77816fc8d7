//! Mutations that are sent twice are done once.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use codeplane_core::RequestId;
use codeplane_store::RecordedRequest;
use tokio::sync::watch;

use super::App;
use super::error::Error;

/// What the request said, in eight bytes: the same id with another content is a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestHash(pub u64);

impl RequestHash {
    /// FNV-1a over the encoded request. It tells mistakes apart, not attacks: whoever may send a
    /// request may as well send it without an id.
    #[must_use]
    pub(crate) fn of(method: &str, encoded: &[u8]) -> Self {
        let bytes = method.bytes().chain([0]).chain(encoded.iter().copied());
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
}

/// One mutation as its client named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mutation {
    /// Its id.
    pub id: RequestId,
    /// What it said.
    pub hash: RequestHash,
}

/// Mutations that are being carried out, so that a repetition waits for the first.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashMap<RequestId, watch::Receiver<()>>>);

impl InFlight {
    /// Carries `work` out, after whatever else is under way with the same id.
    pub(crate) async fn in_turn<T>(
        &self,
        mutation: Option<Mutation>,
        work: impl Future<Output = T>,
    ) -> T {
        let Some(mutation) = mutation else { return work.await };
        let (done, waiting) = watch::channel(());
        loop {
            let earlier = {
                let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                match map.get(&mutation.id) {
                    Some(earlier) => Some(earlier.clone()),
                    None => {
                        map.insert(mutation.id, waiting.clone());
                        None
                    }
                }
            };
            let Some(mut earlier) = earlier else { break };
            // It ends by being dropped: then it is our turn.
            while earlier.changed().await.is_ok() {}
        }
        let _turn = Turn { map: &self.0, id: mutation.id, _done: done };
        work.await
    }
}

impl App {
    /// Carries a mutation out once: a repetition gets what `again` says, from what was answered.
    ///
    /// # Cancel safety
    /// Once begun it is carried out, whether or not anybody waits.
    pub(super) async fn once<T, Work, Again>(
        &self,
        method: &'static str,
        mutation: Option<Mutation>,
        again: Again,
        work: Work,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        Work: Future<Output = Result<T, Error>> + Send + 'static,
        Again: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let app = self.clone();
        let task = async move {
            let turn = async {
                let Some(one) = mutation else { return work.await };
                if app.answered_before(method, one).await?.is_some() {
                    return again();
                }
                let done = work.await?;
                let record = app.recorded(one, method, String::new());
                if let Err(error) = app.store.record_request(record).await {
                    // It is done; only a repetition would be done again.
                    tracing::warn!(%error, method, "a request was not recorded");
                }
                Ok(done)
            };
            app.requests.in_turn(mutation, turn).await
        };
        self.shutdown.spawn(task).await.map_err(Error::internal)?
    }

    /// What was answered to a request before; [`Error::RequestReused`] if it was another request.
    pub(super) async fn answered_before(
        &self,
        method: &str,
        mutation: Mutation,
    ) -> Result<Option<String>, Error> {
        let known = self.store.request(mutation.id).await;
        match known.map_err(|error| self.store_error(error))? {
            None => Ok(None),
            Some(known)
                if known.method == method && known.hash == mutation.hash.0.to_le_bytes() =>
            {
                Ok(Some(String::from_utf8_lossy(&known.answer).into_owned()))
            }
            Some(_) => Err(Error::RequestReused(mutation.id.to_string())),
        }
    }

    /// The record of a request that is being answered.
    pub(super) fn recorded(
        &self,
        mutation: Mutation,
        method: &str,
        answer: String,
    ) -> RecordedRequest {
        RecordedRequest {
            id: mutation.id,
            method: method.to_owned(),
            hash: mutation.hash.0.to_le_bytes().to_vec(),
            answer: answer.into_bytes(),
            recorded_at: self.clock.now(),
        }
    }
}

/// Ends a mutation's turn, however it ends.
struct Turn<'a> {
    map: &'a Mutex<HashMap<RequestId, watch::Receiver<()>>>,
    id: RequestId,
    _done: watch::Sender<()>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.map.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
