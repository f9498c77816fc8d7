//! The shims this daemon started are its children: whoever starts a process must reap it.

use std::collections::HashSet;
use std::process::Child;
use std::sync::{Mutex, PoisonError};

use tokio::signal::unix::{SignalKind, signal};

use crate::shutdown::Shutdown;

/// Shims that are children of this process, and every shim's process id.
#[derive(Debug, Default)]
pub(crate) struct Shims {
    children: Mutex<Vec<Child>>,
    /// Of all shims, adopted ones included: their descendants are no operators.
    pids: Mutex<HashSet<i32>>,
}

impl Shims {
    /// Takes charge of a child.
    pub(crate) fn add(&self, child: Child) {
        self.know(child.id());
        self.children.lock().unwrap_or_else(PoisonError::into_inner).push(child);
    }

    /// Remembers a shim that another daemon started.
    pub(crate) fn know(&self, pid: u32) {
        if let Ok(pid) = i32::try_from(pid) {
            self.pids.lock().unwrap_or_else(PoisonError::into_inner).insert(pid);
        }
    }

    /// Forgets a shim that has ended.
    pub(crate) fn forget(&self, pid: u32) {
        if let Ok(pid) = i32::try_from(pid) {
            self.pids.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid);
        }
    }

    /// Whether this is the process id of a shim.
    #[must_use]
    pub(crate) fn is_shim(&self, pid: i32) -> bool {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner).contains(&pid)
    }

    /// Reaps those that have ended.
    fn reap(&self) {
        let mut ended = Vec::new();
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain_mut(|child| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(_)) | Err(_) => {
                ended.push(child.id());
                false
            }
        });
        drop(children);
        for pid in ended {
            self.forget(pid);
        }
    }
}

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
