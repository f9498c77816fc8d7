//! Whether the store still writes.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::StoreError;

/// Shared by the writer, which sets it once, and by everybody who asks.
#[derive(Clone, Debug)]
pub(crate) struct Health(Arc<watch::Sender<Option<StoreError>>>);

impl Health {
    pub(crate) fn good() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Ends all writing. The first failure stays.
    pub(crate) fn fail(&self, error: &StoreError) {
        let is_first = self.0.send_if_modified(|failure| {
            let is_first = failure.is_none();
            if is_first {
                *failure = Some(error.clone());
            }
            is_first
        });
        if is_first {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "the store has failed: no further write is possible"
            );
        }
    }

    /// The failure, if there was one.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.0.borrow().clone().map_or(Ok(()), Err)
    }

    /// Waits for the failure.
    pub(crate) async fn failed(&self) -> StoreError {
        let mut receiver = self.0.subscribe();
        let failure = receiver.wait_for(Option::is_some).await.map(|failure| failure.clone());
        match failure {
            Ok(Some(error)) => error,
            // `self` holds the sender, so that this cannot be; then nothing will ever fail.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}
