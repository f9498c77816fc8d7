//! Whoever starts a process must reap it.

use tokio::signal::unix::{SignalKind, signal};

use crate::shutdown::Shutdown;

/// Reaps whenever a child has ended.
///
/// # Errors
/// If the signal cannot be received.
pub(crate) fn reap_children(app: &super::App, shutdown: &Shutdown) -> std::io::Result<()> {
    let mut ended = signal(SignalKind::child())?;
    let app = app.clone();
    let stop = shutdown.clone();
    shutdown.spawn(async move {
        loop {
            tokio::select! {
                () = stop.begun() => return,
                _ = ended.recv() => {}
            }
            app.shims.reap();
        }
    });
    Ok(())
}
