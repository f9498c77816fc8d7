//! Ending the daemon's process, and no other.

use std::path::Path;
use std::time::Duration;

use crate::exit::Failure;
use crate::os::{ProcessHandle, listener_pid};

/// How long it may take to end its streams and close its database.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Asks the process that listens on `socket`, which says it is `pid`, to end, and waits for it.
pub(super) fn stop(socket: &Path, pid: i32) -> Result<(), Failure> {
    let failed = || Failure::system(format!("cannot stop the daemon (pid {pid})"));
    // A number may have another process by the time it is used; a handle may not. Who listens is
    // asked after the handle was taken: if it is still this number, the handle is the listener's.
    let handle = ProcessHandle::open(pid).map_err(failed())?;
    let listener = listener_pid(socket).map_err(failed())?;
    if listener != pid {
        return Err(Failure::Daemon(format!(
            "pid {pid} does not listen on {} (pid {listener} does): is it in a container? stop it \
             there",
            socket.display()
        )));
    }
    handle.terminate().map_err(failed())?;
    if handle.wait_for_end(STOP_LIMIT).map_err(failed())? {
        return Ok(());
    }
    Err(Failure::Daemon(format!(
        "the daemon (pid {pid}) has not ended after {STOP_LIMIT:?}: see 'cpctl daemon logs'; \
         kill -9 {pid} loses nothing"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_does_not_listen_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("s");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();

        let stopped = stop(&socket, i32::try_from(other.id()).unwrap());

        assert!(matches!(stopped, Err(Failure::Daemon(_))));
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
