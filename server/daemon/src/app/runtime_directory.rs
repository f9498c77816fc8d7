//! The runtime directory may be removed while the daemon runs; it is made again.

use std::time::Duration;

use tracing::{error, warn};

use super::App;

/// How often the daemon looks whether its socket is still there. Clients that find none wait for a
/// second or start a daemon, which the lock refuses.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Makes directories and sockets again when they are gone, as long as the daemon runs.
pub(crate) async fn keep_runtime_directory(app: App) {
    let stop = app.shutdown.clone();
    loop {
        tokio::select! {
            () = stop.begun() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if app.directories.socket().exists() {
            continue;
        }
        warn!("the runtime directory {} is gone: made again", app.directories.runtime.display());
        if let Err(error) = app.directories.prepare_runtime() {
            error!(%error, "the runtime directory cannot be made again: {error}");
            continue;
        }
        app.relisten.notify_one();
        for live in app.registry.all() {
            live.listen_at(&app.directories.shim_socket(live.id())).await;
            if live.state().is_live() {
                app.renew_token(&live).await;
            }
        }
    }
}
