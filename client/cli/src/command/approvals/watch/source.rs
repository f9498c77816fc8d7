//! What changes at the queue.
//!
//! Events only say that something did: what it is, the daemon is asked again.

use std::time::Duration;

use codeplane_client::{Client, Error, EventWatch, Rejoin, WatchItem, v1};

/// Beginning of the type of every event about an approval.
const EVENTS: &str = "approval.";
/// Waiting time before the daemon is asked again, when it could not answer.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// A change.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// These have come in, have changed or have ended.
    Approvals(Vec<v1::Approval>),
    /// The daemon cannot be asked now, and why.
    Away(String),
}

/// Tells changes, the first time everything that waits.
#[derive(Debug)]
pub(super) struct Source {
    client: Client,
    filter: String,
    rejoin: Rejoin,
    watch: EventWatch,
    /// What waits, as it was last told.
    known: Vec<v1::Approval>,
    sight: Sight,
}

/// Whether what is known is what the daemon knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    Fresh,
    Stale,
    /// Stale, and the daemon did not answer.
    Blind,
}

impl Source {
    /// Watches what `filter` lets pass.
    pub(super) async fn open(
        client: Client,
        filter: String,
        rejoin: Rejoin,
    ) -> Result<Self, Error> {
        // Before the first look, so that nothing can happen in between.
        let watch = watch(&client, &rejoin).await?;
        Ok(Self { client, filter, rejoin, watch, known: Vec::new(), sight: Sight::Stale })
    }

    /// Waits for the next change. Cancel safe: what was not told is told the next time.
    pub(super) async fn next(&mut self) -> Result<Change, Error> {
        loop {
            if self.sight == Sight::Blind {
                tokio::time::sleep(RETRY_DELAY).await;
            }
            let was = self.sight;
            if was != Sight::Fresh {
                match self.look().await {
                    // That it can be seen again is a change too.
                    Ok(changes) if changes.is_empty() && was == Sight::Stale => {}
                    Ok(changes) => return Ok(Change::Approvals(changes)),
                    Err(error) if !error.is_retryable() => return Err(error),
                    Err(error) => {
                        self.sight = Sight::Blind;
                        return Ok(Change::Away(error.to_string()));
                    }
                }
            }
            self.wait().await?;
        }
    }

    /// What waits at the beginning, whatever it is.
    pub(super) async fn begin(&mut self) -> Result<Change, Error> {
        Ok(Change::Approvals(self.look().await?))
    }

    /// Waits for an event that matters.
    async fn wait(&mut self) -> Result<(), Error> {
        match self.watch.next().await {
            Ok(WatchItem::Event(event)) if event.r#type.starts_with(EVENTS) => {
                self.sight = Sight::Stale;
            }
            Ok(WatchItem::Event(_) | WatchItem::Synced { .. } | WatchItem::Bookmark { .. }) => {}
            // Away for longer than history goes back: events are not what is told here.
            Err(Error::OutOfRange { .. }) => {
                self.watch = watch(&self.client, &self.rejoin).await?;
                self.sight = Sight::Stale;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What is otherwise than it was last told, oldest first.
    async fn look(&mut self) -> Result<Vec<v1::Approval>, Error> {
        let mut pending = self.client.all_approvals(&self.filter).await?;
        pending.reverse();
        let mut changes = Vec::new();
        for known in &self.known {
            if !pending.iter().any(|one| one.id == known.id) {
                changes.push(self.ended(known).await?);
            }
        }
        let new = pending.iter().filter(|one| !self.known.contains(one));
        changes.extend(new.cloned());
        self.known = pending;
        self.sight = Sight::Fresh;
        Ok(changes)
    }

    /// How `known` ended.
    async fn ended(&self, known: &v1::Approval) -> Result<v1::Approval, Error> {
        match self.client.get_approval(&known.id).await {
            Err(Error::NotFound { .. }) => {
                let state = v1::ApprovalState::Cancelled.into();
                Ok(v1::Approval { state, message: "it was removed".into(), ..known.clone() })
            }
            other => other,
        }
    }
}

async fn watch(client: &Client, rejoin: &Rejoin) -> Result<EventWatch, Error> {
    client.watch_events(v1::WatchEventsRequest::default(), rejoin.clone()).await
}
