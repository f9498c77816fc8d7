//! Reading and watching facts.

use std::collections::VecDeque;
use std::time::Duration;

use codeplane_core::{Event, EventKind, Filter, Revision};
use codeplane_store::{EventFilter, EventOrder};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::App;
use super::error::Error;

/// What events can be filtered on.
pub(crate) const EVENT_FILTER_FIELDS: [&str; 2] = ["session", "type"];

/// How many events are read at a time.
const BATCH: usize = 256;

/// Some events, and where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventList {
    /// Oldest first.
    pub events: Vec<Event>,
    /// To be given to the next call; none at the end.
    pub next: Option<Revision>,
}

/// What a watch delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WatchItem {
    /// A fact.
    Event(Box<Event>),
    /// History is delivered up to here.
    Synced(Revision),
    /// Nothing happened up to here.
    Bookmark(Revision),
}

/// A watch over events: at least once, in order, without gaps.
///
/// It has no queue: it reads rows behind its place whenever the store says that there are new ones,
/// so that a slow client slows only itself.
#[derive(Debug)]
pub(crate) struct Watch {
    app: App,
    filter: EventFilter,
    place: Revision,
    read: VecDeque<Event>,
    /// "Look again"; the value says up to where a batch that is not full has come.
    newest: watch::Receiver<Revision>,
    synced: Synced,
    bookmark_every: Duration,
    bookmark_at: Instant,
    /// How often the daemon had been drained when it began.
    drains: u64,
}

/// Whether history was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Synced {
    NotYet,
    Told,
}

impl App {
    /// Reads history.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter that cannot be.
    pub(crate) async fn list_events(
        &self,
        filter: &Filter,
        size: usize,
        after: Option<Revision>,
    ) -> Result<EventList, Error> {
        let filter = self.event_filter(filter)?;
        let page = self.store.list_events(filter, EventOrder::OldestFirst, size, after).await;
        let page = page.map_err(|error| self.store_error(error))?;
        Ok(EventList { events: page.events, next: page.next })
    }

    /// Watches from behind `after`; none: from now on.
    ///
    /// # Errors
    /// [`Error::EventsGone`] if history does not go back that far, [`Error::Invalid`].
    pub(crate) async fn watch(
        &self,
        filter: &Filter,
        after: Option<Revision>,
        bookmark_every: Duration,
    ) -> Result<Watch, Error> {
        let filter = self.event_filter(filter)?;
        let newest = self.store.revisions();
        let place = after.unwrap_or_else(|| *newest.borrow());
        let mut watch = Watch {
            app: self.clone(),
            filter,
            place,
            read: VecDeque::new(),
            newest,
            synced: Synced::NotYet,
            bookmark_every,
            bookmark_at: Instant::now() + bookmark_every,
            drains: self.surroundings.drains(),
        };
        // A start that is too old is an error of the call and not of the stream.
        watch.look().await?;
        Ok(watch)
    }

    fn event_filter(&self, filter: &Filter) -> Result<EventFilter, Error> {
        let mut wanted = EventFilter::default();
        for term in filter.terms() {
            match term.field.as_str() {
                // A session that was deleted still has events: any whole id will do.
                "session" => {
                    let id = match term.value.parse() {
                        Ok(id) => id,
                        Err(_) => self.find(&term.value)?.id(),
                    };
                    wanted.session = Some(id);
                }
                _ if EventKind::TYPE_NAMES.contains(&term.value.as_str()) => {
                    wanted.types.push(term.value.clone());
                }
                _ => {
                    let names = EventKind::TYPE_NAMES.join(", ");
                    let shown = term.value.escape_debug();
                    return Err(Error::invalid(
                        "filter",
                        format!("type '{shown}' is none of {names}"),
                    ));
                }
            }
        }
        Ok(wanted)
    }
}

impl Watch {
    /// The next item; none when the daemon ends or is drained.
    ///
    /// # Errors
    /// [`Error::EventsGone`] if retention has overtaken a client that does not read.
    ///
    /// # Cancel safety
    /// Safe: nothing is taken that is not returned.
    pub(crate) async fn next(&mut self) -> Result<Option<WatchItem>, Error> {
        loop {
            if self.app.surroundings.drains() != self.drains {
                return Ok(None);
            }
            if let Some(event) = self.read.pop_front() {
                self.place = event.revision;
                return Ok(Some(WatchItem::Event(Box::new(event))));
            }
            let before = *self.newest.borrow_and_update();
            self.look().await?;
            if !self.read.is_empty() {
                continue;
            }
            self.place = self.place.max(before);
            if self.synced == Synced::NotYet {
                self.synced = Synced::Told;
                return Ok(Some(WatchItem::Synced(self.place)));
            }
            let stop = self.app.shutdown.clone();
            tokio::select! {
                () = stop.begun() => return Ok(None),
                changed = self.newest.changed() => {
                    if changed.is_err() {
                        return Ok(None);
                    }
                }
                () = sleep_until(self.bookmark_at) => {
                    self.bookmark_at = Instant::now() + self.bookmark_every;
                    return Ok(Some(WatchItem::Bookmark(self.place)));
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), Error> {
        let read = self.app.store.events_after(self.place, self.filter.clone(), BATCH).await;
        self.read = read.map_err(|error| self.app.store_error(error))?.into();
        Ok(())
    }
}
