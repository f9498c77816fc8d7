//! Who is at the other end of a local socket.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The process that connected. Its number alone would not do: by now it may be another's.
#[derive(Debug)]
pub(crate) struct PeerProcess {
    /// Its process id.
    pub(crate) pid: i32,
    /// Its user.
    pub(crate) uid: u32,
    hold: Hold,
}

/// What is held of it.
#[derive(Debug)]
enum Hold {
    /// The very process.
    Process(OwnedFd),
    /// Nothing: before Linux 6.5 there is only the number.
    Number,
}

impl PeerProcess {
    /// Asks the kernel; none if the process cannot be seen or has ended.
    pub(crate) fn of(socket: &impl AsFd) -> Option<Self> {
        let credentials = getsockopt(socket, sockopt::PeerCredentials).ok()?;
        let hold = match getsockopt(socket, sockopt::PeerPidfd) {
            Ok(descriptor) => Hold::Process(descriptor),
            // Any other error, EINVAL of some kernels too, means that the process is gone.
            Err(Errno::ENOPROTOOPT) => Hold::Number,
            Err(_) => return None,
        };
        let pid = credentials.pid();
        (pid > 0).then_some(Self { pid, uid: credentials.uid(), hold })
    }

    /// Waits until it has ended; for ever where the kernel gives nothing to hold it by. Cancel safe.
    pub(crate) async fn ended(&self) {
        if let Hold::Process(descriptor) = &self.hold {
            // SAFETY: the descriptor is ours and open for as long as `self`, which is borrowed meanwhile.
            let watched =
                unsafe { AsyncFd::register_with_interest(descriptor.as_fd(), Interest::READABLE) };
            if let Ok(watched) = watched
                && watched.readable().await.is_ok()
            {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Whether it still lives. Asked after something was read by its number: then it was read of
    /// this process.
    pub(crate) fn is_alive(&self) -> bool {
        match &self.hold {
            Hold::Number => true,
            Hold::Process(descriptor) => {
                // Readable once the process has ended.
                let mut ended = [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)];
                poll(&mut ended, PollTimeout::ZERO) == Ok(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_that_has_ended_is_known_to_have_though_its_connection_is_open() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        // The connection is made by a child that ends, and kept open by its parent.
        let script = "import os,socket,sys\n\
            s = socket.socket(socket.AF_UNIX)\n\
            child = os.fork()\n\
            if child == 0: s.connect(sys.argv[1]); os._exit(0)\n\
            sys.stdin.read(1); os.waitpid(child, 0); print('reaped', flush=True); sys.stdin.read()";
        let mut keeper = Command::new("python3")
            .args(["-c", script, &path.to_string_lossy()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (socket, _) = listener.accept().unwrap();
        let before = PeerProcess::of(&socket);

        std::io::Write::write_all(keeper.stdin.as_mut().unwrap(), b"x").unwrap();
        let mut line = String::new();
        let mut said = std::io::BufReader::new(keeper.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();

        assert_eq!(line, "reaped\n");
        assert!(before.is_none_or(|process| !process.is_alive()));
        assert!(PeerProcess::of(&socket).is_none_or(|process| !process.is_alive()));
        drop(keeper.stdin.take());
        keeper.wait().unwrap();
    }

    #[test]
    fn a_process_that_lives_is_alive() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let _client = std::os::unix::net::UnixStream::connect(&path).unwrap();
        let (socket, _) = listener.accept().unwrap();

        let peer = PeerProcess::of(&socket).unwrap();

        assert_eq!(u32::try_from(peer.pid).unwrap(), std::process::id());
        assert!(peer.is_alive());
    }
}
