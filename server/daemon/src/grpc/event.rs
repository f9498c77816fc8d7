//! `EventService`.

use std::pin::Pin;
use std::time::Duration;

use codeplane_core::Revision;
use codeplane_proto::v1;
use codeplane_proto::v1::event_service_server::EventService;
use codeplane_proto::v1::watch_events_response::Item;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::status::status;
use super::{convert, fields, page};
use crate::app::{App, EVENT_FILTER_FIELDS, Watch, WatchItem};

/// How often a bookmark is sent if nobody says.
const BOOKMARKS: Duration = Duration::from_secs(30);
/// Bookmarks more often than this serve nobody.
const BOOKMARKS_MIN: Duration = Duration::from_secs(1);

/// The service.
pub(super) struct Events {
    app: App,
}

impl Events {
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl EventService for Events {
    async fn list_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Result<Response<v1::ListEventsResponse>, Status> {
        let request = request.into_inner();
        let size = page::size(request.page_size).map_err(status)?;
        let filter = page::filter(&request.filter, &EVENT_FILTER_FIELDS).map_err(status)?;
        let token = page::event_cursor(&request.page_token, &filter).map_err(status)?;
        let after =
            token.or((request.after_revision > 0).then_some(Revision(request.after_revision)));
        let list = self.app.list_events(&filter, size, after).await.map_err(status)?;
        let next = list.next.map(|revision| page::event_token(revision, &filter));
        Ok(Response::new(v1::ListEventsResponse {
            events: list.events.into_iter().map(convert::event).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    type WatchEventsStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchEventsResponse, Status>> + Send>>;

    async fn watch_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let request = request.into_inner();
        let filter = page::filter(&request.filter, &EVENT_FILTER_FIELDS).map_err(status)?;
        let every = match request.bookmark_interval {
            None => BOOKMARKS,
            Some(every) => fields::duration("bookmark_interval", every).map_err(status)?,
        };
        let after = request.after_revision.map(Revision);
        let watch = self.app.watch(&filter, after, every.max(BOOKMARKS_MIN)).await;
        Ok(Response::new(Box::pin(items(watch.map_err(status)?))))
    }
}

/// A watch as a stream: it ends with its first error.
fn items(watch: Watch) -> impl Stream<Item = Result<v1::WatchEventsResponse, Status>> {
    let step = |watch: Option<Watch>| async move {
        let mut watch = watch?;
        match watch.next().await {
            Ok(Some(item)) => Some((Ok(message(item)), Some(watch))),
            Ok(None) => None,
            Err(error) => Some((Err(status(error)), None)),
        }
    };
    futures_util::stream::unfold(Some(watch), step)
}

fn message(item: WatchItem) -> v1::WatchEventsResponse {
    let item = match item {
        WatchItem::Event(event) => Item::Event(convert::event(*event)),
        WatchItem::Synced(revision) => Item::Synced(v1::Synced { revision: revision.0 }),
        WatchItem::Bookmark(revision) => Item::Bookmark(v1::Bookmark { revision: revision.0 }),
    };
    v1::WatchEventsResponse { item: Some(item) }
}
