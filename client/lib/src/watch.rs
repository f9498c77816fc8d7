//! Watching events without missing one.

use tonic::Streaming;

use crate::client::Repeat;
use crate::tail::reopen;
use crate::v1::{self, watch_events_response::Item};
use crate::{Client, Error, Rejoin, Unavailability};

/// What a watch yields.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchItem {
    /// A fact.
    Event(Box<v1::Event>),
    /// History is delivered up to this revision; what follows happens now. Comes once.
    Synced {
        /// Up to this revision.
        revision: i64,
    },
    /// Nothing else happened up to this revision: a later watch may begin after it.
    Bookmark {
        /// Up to this revision.
        revision: i64,
    },
}

/// Events in order, each once, across cut connections and restarted daemons.
///
/// ```no_run
/// # async fn example(client: codeplane_client::Client) -> Result<(), codeplane_client::Error> {
/// use codeplane_client::{WatchItem, v1};
///
/// let mut watch = client.watch_events(v1::WatchEventsRequest::default(), Default::default()).await?;
/// loop {
///     if let WatchItem::Event(event) = watch.next().await? {
///         println!("{} {}", event.revision, event.r#type);
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct EventWatch {
    client: Client,
    request: v1::WatchEventsRequest,
    rejoin: Rejoin,
    /// What is read, or why nothing is.
    items: Result<Streaming<v1::WatchEventsResponse>, Unavailability>,
    synced: bool,
}

impl Client {
    /// Watches events that the request lets pass.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter that is none; [`Error::OutOfRange`] with the oldest revision
    /// if history does not go back that far.
    pub async fn watch_events(
        &self,
        request: v1::WatchEventsRequest,
        rejoin: Rejoin,
    ) -> Result<EventWatch, Error> {
        let items = Ok(self.open_watch(&request).await?);
        Ok(EventWatch { client: self.clone(), request, rejoin, items, synced: false })
    }

    async fn open_watch(
        &self,
        request: &v1::WatchEventsRequest,
    ) -> Result<Streaming<v1::WatchEventsResponse>, Error> {
        self.call(Repeat::Safe, request.clone(), |channel, mut request| async move {
            // The stream itself has no time limit, only its beginning.
            request.metadata_mut().remove("grpc-timeout");
            crate::client::events(channel).watch_events(request).await
        })
        .await
    }
}

impl EventWatch {
    /// The revision after which a later watch would go on, once it is known.
    #[must_use]
    pub const fn revision(&self) -> Option<i64> {
        self.request.after_revision
    }

    /// Waits for the next item. A watch has no end.
    ///
    /// # Errors
    /// What cannot be cured by trying again, such as [`Error::OutOfRange`] after a long absence.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is lost.
    pub async fn next(&mut self) -> Result<WatchItem, Error> {
        loop {
            let items = match &mut self.items {
                Ok(items) => items,
                Err(why) => {
                    let why = *why;
                    self.come_back(why).await?;
                    continue;
                }
            };
            let cause = match items.message().await {
                Ok(Some(message)) => match self.take(message) {
                    Some(item) => return Ok(item),
                    None => continue,
                },
                // Ended in order: whoever is killed leaves a broken stream.
                Ok(None) => Unavailability::Stopped,
                Err(status) => match Error::from(status) {
                    error if error.is_retryable() => error.cause(),
                    error => return Err(error),
                },
            };
            self.items = Err(cause);
        }
    }

    /// What the message means to somebody who has seen everything up to `revision`.
    fn take(&mut self, message: v1::WatchEventsResponse) -> Option<WatchItem> {
        let seen = self.request.after_revision;
        match message.item? {
            Item::Event(event) => {
                if seen.is_some_and(|seen| event.revision <= seen) {
                    return None;
                }
                self.request.after_revision = Some(event.revision);
                Some(WatchItem::Event(Box::new(event)))
            }
            Item::Synced(v1::Synced { revision }) => {
                self.request.after_revision = seen.max(Some(revision));
                let first = !std::mem::replace(&mut self.synced, true);
                first.then_some(WatchItem::Synced { revision })
            }
            Item::Bookmark(v1::Bookmark { revision }) => {
                self.request.after_revision = seen.max(Some(revision));
                Some(WatchItem::Bookmark { revision })
            }
        }
    }

    /// Dropped half-way, it begins again: nothing is read before it is done.
    async fn come_back(&mut self, why: Unavailability) -> Result<(), Error> {
        let request = &self.request;
        let open = async |client: &Client| client.open_watch(request).await;
        let (client, items) = reopen(&self.client, (&self.rejoin, why), open).await?;
        self.client = client;
        self.items = Ok(items);
        Ok(())
    }
}
