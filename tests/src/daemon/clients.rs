//! What runs against a test's daemon: `cpctl`, terminals, gRPC clients.

use std::{
    ffi::{OsStr, OsString},
    process::Command,
    thread,
};

use codeplane_client::{Client, Endpoint, v1::ReadOutputRequest};
use tokio::runtime::Builder;
use tonic::transport::Channel;

use super::TestDaemon;
use crate::{Finished, PATIENCE, TerminalSize, Tty, binary, processes::TAG, run};

impl TestDaemon {
    /// Runs `cpctl` to its end.
    ///
    /// # Panics
    /// If it has not ended after [`PATIENCE`].
    #[track_caller]
    pub fn cpctl<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Finished {
        self.cpctl_with(args, b"")
    }

    /// Runs `cpctl` to its end with `input` on its standard input.
    ///
    /// # Panics
    /// If it has not ended after [`PATIENCE`].
    #[track_caller]
    pub fn cpctl_with<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Finished {
        run(self.command("cpctl").args(args), input, PATIENCE)
    }

    /// Runs `cpctl` in a terminal of 80 by 24.
    #[must_use]
    #[track_caller]
    pub fn tty<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Tty {
        self.tty_of(args, TerminalSize { cols: 80, rows: 24 })
    }

    /// Runs `cpctl` in a terminal of `size`.
    #[must_use]
    #[track_caller]
    pub fn tty_of<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        size: TerminalSize,
    ) -> Tty {
        let mut argv = vec![binary("cpctl").into_os_string()];
        argv.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        Tty::spawn(&argv, &self.environment(), size)
    }

    /// A client of the daemon.
    ///
    /// # Panics
    /// If it cannot connect.
    pub async fn client(&self) -> Client {
        self.connect().await.expect("the daemon takes connections")
    }

    /// All output of the present run of `session`, from the log.
    ///
    /// # Panics
    /// If it cannot be read, or its beginning is gone.
    pub async fn output(&self, session: &str) -> Vec<u8> {
        let client = self.client().await;
        let mut output = Vec::new();
        let mut from = None;
        loop {
            let request =
                ReadOutputRequest { session: session.to_owned(), from, ..Default::default() };
            let piece = client.read_output(request).await.expect("the session has output");
            assert_eq!(piece.gap, None, "nothing was removed");
            if piece.data.is_empty() {
                return output;
            }
            output.extend_from_slice(&piece.data);
            from = piece.next;
        }
    }

    /// A bare gRPC channel to the daemon, for what no well-behaved client does.
    ///
    /// # Panics
    /// If the daemon takes no connections.
    pub async fn channel(&self) -> Channel {
        let uri = format!("unix:{}", self.socket().display());
        let endpoint = tonic::transport::Endpoint::from_shared(uri).expect("a path is an endpoint");
        endpoint.connect().await.expect("the daemon takes connections")
    }

    /// A program with the environment of this daemon's clients.
    #[must_use]
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(binary(name));
        command.env_clear().envs(self.environment());
        command
    }

    /// Everything a client or the daemon itself finds in its environment.
    #[must_use]
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let own = |name: &str| std::env::var_os(name).unwrap_or_default();
        let mut env: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), own("PATH")),
            ("HOME".into(), self.home().into()),
            ("LANG".into(), "C.UTF-8".into()),
            ("TERM".into(), "xterm-256color".into()),
            ("CODEPLANE_STATE_DIR".into(), self.state_dir().into()),
            ("CODEPLANE_RUNTIME_DIR".into(), self.runtime_dir().into()),
            // A test starts its daemons itself.
            ("CODEPLANE_NO_AUTOSTART".into(), "1".into()),
            (TAG.into(), self.family.tag.clone().into()),
        ];
        let extra = self.options.env.iter();
        env.extend(extra.map(|(name, value)| (name.into(), value.into())));
        env
    }

    /// Asks whoever serves for its process id; from a thread with a runtime of its own, so that
    /// tests with and without a runtime can do it.
    pub(super) fn ask_for_pid(&self) -> Result<i32, String> {
        let ask = || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let pid =
                runtime.block_on(async { Ok(self.connect().await?.server_info().await?.pid) });
            pid.map_err(|error: codeplane_client::Error| std::io::Error::other(error))
        };
        thread::scope(|scope| scope.spawn(ask).join().expect("it only asks"))
            .map_err(|error: std::io::Error| error.to_string())
    }

    async fn connect(&self) -> Result<Client, codeplane_client::Error> {
        Client::connect(&Endpoint::unix(self.socket())).await
    }
}
