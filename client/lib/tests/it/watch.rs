//! A watch misses nothing and repeats nothing.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use codeplane_client::{WatchItem, v1};
use tokio_stream::Stream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use v1::event_service_server::{EventService, EventServiceServer};
use v1::watch_events_response::Item;

use crate::fake::{FakeServer, within};

/// Ten events, three a stream, the last of them twice; then it breaks.
#[derive(Default)]
struct Breaking {
    asked: Arc<Mutex<Vec<Option<i64>>>>,
}

const EVENTS: i64 = 10;

fn event(revision: i64) -> Item {
    Item::Event(v1::Event { revision, ..Default::default() })
}

#[tonic::async_trait]
impl EventService for Breaking {
    type WatchEventsStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchEventsResponse, Status>> + Send>>;

    async fn list_events(
        &self,
        _: Request<v1::ListEventsRequest>,
    ) -> Result<Response<v1::ListEventsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn watch_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let after = request.into_inner().after_revision;
        self.asked.lock().unwrap().push(after);
        // At least once: begins with what was delivered already.
        let first = after.unwrap_or_default().max(1);
        let last = (first + 3).min(EVENTS);
        let synced = Item::Synced(v1::Synced { revision: last });
        let items = (first..=last)
            .map(event)
            .chain((last == EVENTS).then_some(synced))
            .map(|item| Ok(v1::WatchEventsResponse { item: Some(item) }))
            .chain([Err(Status::unknown("connection reset"))]);
        Ok(Response::new(Box::pin(tokio_stream::iter(items.collect::<Vec<_>>()))))
    }
}

#[tokio::test]
async fn each_event_comes_once_and_in_order_however_often_the_stream_breaks() {
    let service = Breaking::default();
    let asked = Arc::clone(&service.asked);
    let server = FakeServer::on(Server::builder().add_service(EventServiceServer::new(service)));
    let request = v1::WatchEventsRequest { after_revision: Some(0), ..Default::default() };
    let mut watch = server.client().await.watch_events(request, Default::default()).await.unwrap();

    let mut revisions = Vec::new();
    let synced = loop {
        match within(watch.next()).await.unwrap() {
            WatchItem::Event(event) => revisions.push(event.revision),
            WatchItem::Synced { revision } => break revision,
            WatchItem::Bookmark { .. } => panic!("none was sent"),
        }
    };

    assert_eq!(revisions, (1..=EVENTS).collect::<Vec<_>>());
    assert_eq!(synced, EVENTS);
    assert_eq!(watch.revision(), Some(EVENTS));
    assert!(asked.lock().unwrap().len() > 1);
}
