//! Which daemon a command talks to.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use codeplane_client::{
    Client, ConnectOptions, Directories, Endpoint, Error, OnUnavailable, Overrides, Rejoin, Remedy,
    Unavailability,
};

use crate::autostart::{Autostart, start};
use crate::exit::Failure;
use crate::output;

/// Flags of every command that talks to a daemon.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct DaemonFlags {
    /// The daemon's state; default `$XDG_STATE_HOME/codeplane`
    #[arg(long, value_name = "DIR", global = true, env = "CODEPLANE_STATE_DIR")]
    #[arg(hide_env = true, help_heading = "Which daemon")]
    pub(crate) state_dir: Option<PathBuf>,
    /// The daemon's sockets; default `$XDG_RUNTIME_DIR/codeplane`
    #[arg(long, value_name = "DIR", global = true, env = "CODEPLANE_RUNTIME_DIR")]
    #[arg(hide_env = true, help_heading = "Which daemon")]
    pub(crate) runtime_dir: Option<PathBuf>,
    /// Another daemon: unix:PATH of its socket
    #[arg(long, value_name = "ENDPOINT", global = true, env = "CODEPLANE_ENDPOINT")]
    #[arg(hide_env = true, help_heading = "Which daemon")]
    pub(crate) endpoint: Option<String>,
    /// Start no daemon when none answers; also: `CODEPLANE_NO_AUTOSTART=1`
    #[arg(long, global = true, help_heading = "Which daemon")]
    pub(crate) no_autostart: bool,
}

/// What the flags and the environment amount to.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) directories: Directories,
    pub(crate) endpoint: Endpoint,
    pub(crate) autostart: Autostart,
}

impl Context {
    /// Reads flags and environment; touches nothing.
    pub(crate) fn new(flags: &DaemonFlags) -> Result<Self, Failure> {
        let overrides = Overrides {
            state: flags.state_dir.clone().map(absolute).transpose()?,
            runtime: flags.runtime_dir.clone().map(absolute).transpose()?,
        };
        let directories = Directories::resolve(overrides, |name| std::env::var_os(name))?;
        let named = flags.endpoint.as_deref().filter(|text| !text.is_empty());
        let endpoint = match named {
            Some(text) => text.parse()?,
            None => Endpoint::unix(directories.operator_socket()),
        };
        let autostart = if named.is_some() {
            Autostart::ForeignDaemon
        } else if std::env::var_os("CODEPLANE_SESSION").is_some() {
            Autostart::InsideSession
        } else if flags.no_autostart || is_set("CODEPLANE_NO_AUTOSTART") {
            Autostart::Forbidden
        } else {
            Autostart::Allowed
        };
        Ok(Self { directories, endpoint, autostart })
    }

    /// Connects; starts a daemon if none answers and that is allowed, now and whenever a call that
    /// may be repeated finds none.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        let on_unavailable = self.starter();
        let options = ConnectOptions { on_unavailable, ..ConnectOptions::default() };
        match Client::connect_with(&self.endpoint, options.clone()).await {
            Err(Error::NoDaemon { .. }) if self.autostart == Autostart::Allowed => {
                start(&self.directories).await?;
                Ok(Client::connect_with(&self.endpoint, options).await?)
            }
            Err(error @ Error::NoDaemon { .. }) => Err(self.autostart.refusal(error)),
            other => Ok(other?),
        }
    }

    /// Connects if a daemon is there.
    pub(crate) async fn connect_only(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.endpoint).await?)
    }

    /// How an attachment, a tail or a watch comes back.
    pub(crate) fn rejoin(&self) -> Rejoin {
        Rejoin { on_unavailable: self.starter(), ..Rejoin::default() }
    }

    /// How a tail or a watch comes back that would wait in silence: it says so, once.
    pub(crate) fn rejoin_telling(&self) -> Rejoin {
        let starter = self.starter();
        let told = Arc::new(AtomicBool::new(false));
        let on_unavailable: OnUnavailable = Arc::new(move |why| {
            if why == Unavailability::Stopped && !told.swap(true, Ordering::Relaxed) {
                output::note("cpctl: the daemon was stopped; waiting: see 'cpctl daemon start'");
            }
            match &starter {
                Some(start) => start(why),
                None => Box::pin(async { Ok(Remedy::Wait) }),
            }
        });
        Rejoin { on_unavailable: Some(on_unavailable), ..Rejoin::default() }
    }

    /// What starts a daemon when none answers, if that is allowed.
    fn starter(&self) -> Option<OnUnavailable> {
        if self.autostart != Autostart::Allowed {
            return None;
        }
        let directories = Arc::new(self.directories.clone());
        Some(Arc::new(move |why| {
            let directories = Arc::clone(&directories);
            Box::pin(async move {
                match why {
                    // Somebody wanted it to stop: they decide when it comes back.
                    Unavailability::Stopped => Ok(Remedy::Wait),
                    Unavailability::Vanished => match start(&directories).await {
                        Ok(_) => Ok(Remedy::Started),
                        Err(Failure::Call(error)) => Err(error),
                        Err(failure) => Err(Error::Unavailable {
                            reason: "CANNOT_START".to_owned(),
                            retry_after: None,
                            message: failure.to_string(),
                        }),
                    },
                }
            })
        }))
    }
}

fn absolute(path: PathBuf) -> Result<PathBuf, Failure> {
    let shown = path.display().to_string();
    std::path::absolute(path).map_err(Failure::system(format!("cannot resolve '{shown}'")))
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
}
