//! A shim that lives but does not answer is asked again until it does.
//!
//! It may be stopped, or its socket may have been removed with the runtime directory while no
//! daemon ran. Its program goes on all the same: the session is not lost.

use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use super::App;
use crate::session::{Live, ShimRecord, greet};

/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Asks until the shim answers or is gone.
pub(super) async fn chase(app: App, live: Arc<Live>, record: ShimRecord) {
    let stop = app.shutdown.clone();
    loop {
        // A shim whose socket was removed makes it again when it gets this signal.
        record.ask_to_listen();
        tokio::select! {
            () = stop.begun() => return,
            () = tokio::time::sleep(ASK_EVERY) => {}
        }
        let socket = app.directories.shim_socket(live.id());
        if let Some((link, greeting)) = greet(live.id(), &socket, ASK_EVERY).await {
            info!(session.id = %live.id(), "the shim of session {} answers again", live.id());
            return app.adopt(&live, link, &greeting).await;
        }
        if !record.is_running() {
            app.shims.forget(record.pid);
            return app.settle(&live).await;
        }
    }
}
