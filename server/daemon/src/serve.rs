//! The whole wiring on one screen.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use codeplane_core::{EventKind, NewEvent};
use codeplane_store::{OpenError, Opened, Store, StoreError};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tracing::{error, info, warn};

use crate::app::{
    self, App, Approvals, AuditKeys, Catalogue, Grants, HookTokens, InFlight, KeyError, OpenCalls,
    Parts, Receipts,
};
use crate::clock::Clock;
use crate::config::Config;
use crate::directories::Directories;
use crate::grpc::{self, Doors, Services};
use crate::hook_entry;
use crate::os::{self, Notification};
use crate::session::{Registry, ShimBinary, Shims, Surroundings, Watcher};
use crate::shutdown::Shutdown;

/// How the daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// It was told to stop.
    Stopped,
}

/// Why the daemon cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The database cannot be opened.
    #[error("{}", chain(.0))]
    Open(#[source] OpenError),
    /// The key of the audit log cannot be used.
    #[error("cannot sign the audit log: {0}")]
    AuditKey(#[source] KeyError),
    /// The disk refused a write: what is on it only a new start finds out.
    #[error("the database takes no more writes: {}", chain(.0))]
    Disk(#[source] StoreError),
    /// The socket cannot be made.
    #[error("cannot listen on {}: {source}", path.display())]
    Listen {
        /// Where it was to be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The operating system says no.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The sessions that were there cannot be taken up.
    #[error("cannot take up the sessions: {}", chain(.0))]
    Recover(#[source] app::Error),
}

/// Serves until SIGTERM or SIGINT. Sessions outlive it.
///
/// # Errors
/// [`ServeError`]; no session is harmed by any of them.
pub(crate) async fn serve(config: Config, directories: Directories) -> Result<Served, ServeError> {
    os::seal();
    let own_open_files = os::open_files();
    os::raise_open_files();
    let shutdown = Shutdown::default();
    let state = directories.state.clone();
    let opened = shutdown.spawn_blocking(move || Store::open(&state)).await;
    let Opened { store, host, .. } = opened
        .map_err(|error| failed("open the database")(io::Error::other(error)))?
        .map_err(ServeError::Open)?;
    let audit_keys =
        AuditKeys::prepare(&directories.state, random_seed).map_err(ServeError::AuditKey)?;
    hook_entry::install(&directories.hook_entry()).map_err(failed("write the hook program"))?;
    let watcher = Watcher::start().map_err(failed("start a thread"))?;
    let segment_bytes = config.output.segment_size.0;
    let surroundings = Surroundings::new(shutdown.token(), segment_bytes, watcher);
    let clock = Clock::System;
    let shims = Shims::new(shim_binary(&config)).map_err(failed("adopt orphans"))?;
    let app = App::new(Parts {
        registry: Registry::default(),
        relisten: Notify::new(),
        surroundings: Arc::new(surroundings),
        shims,
        program_open_files: Some(own_open_files),
        started_at: clock.now(),
        draining: AtomicBool::new(false),
        policies: Catalogue::default(),
        requests: InFlight::default(),
        tokens: HookTokens::default(),
        open_calls: OpenCalls::default(),
        receipts: Receipts::default(),
        approvals: Approvals::default(),
        grants: Grants::default(),
        own_env: std::env::vars().collect(),
        store,
        config,
        directories,
        clock,
        shutdown: shutdown.clone(),
        host,
        audit_keys,
    });
    app::reap_children(&app, &shutdown).map_err(failed("receive signals"))?;
    app.recover().await.map_err(ServeError::Recover)?;
    let services = Services::new(&app).map_err(failed("build the services"))?;
    let listeners = bind(&app)?;
    app.prepare_shim();
    announce(&app, &services).await;
    shutdown.spawn(app::sign_checkpoints(app.clone()));
    shutdown.spawn(app::retain(app.clone()));
    shutdown.spawn(app::keep_runtime_directory(app.clone()));
    shutdown.spawn(app::guard_hook_program(app.clone()));
    run(&app, services, listeners).await
}

/// Serves until told to stop or the disk refuses, then ends in order.
async fn run(app: &App, services: Services, bound: Bound) -> Result<Served, ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(failed("receive signals"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed("receive signals"))?;
    let (operators, of_operators) = mpsc::channel(1);
    let (hooks, of_hooks) = mpsc::channel(1);
    drop(operators.send(bound.operators).await);
    drop(hooks.send(bound.hooks).await);
    app.shutdown.spawn(rebind(app.clone(), operators, hooks));
    let doors = Doors { operators: of_operators, hooks: of_hooks };
    let serving = app.shutdown.spawn(services.serve(doors, app.clone()));
    let outcome = tokio::select! {
        _ = terminate.recv() => Ok(Served::Stopped),
        _ = interrupt.recv() => Ok(Served::Stopped),
        error = app.store.failed() => Err(ServeError::Disk(error)),
    };
    match &outcome {
        Ok(Served::Stopped) => info!("the daemon stops; sessions go on"),
        Err(error) => error!("{error}"),
    }
    os::notify(Notification::Stopping);
    let stopping =
        NewEvent { time: app.clock.now(), session: None, kind: EventKind::DaemonStopping };
    if outcome.is_ok()
        && let Err(error) = app.store.append_events(vec![stopping]).await
    {
        warn!(%error, "the stop was not recorded");
    }
    app.shutdown.begin();
    app.registry.wake_all();
    app.shims.dismiss();
    // A connection that never said anything would be waited for without end: hence the limit.
    if !app.shutdown.finished(app.config.server.shutdown_grace.0).await {
        warn!("calls were cut off: they did not end within server.shutdown_grace");
    }
    serving.abort();
    if outcome.is_ok() {
        app.audit_stop().await;
    }
    let store = app.store.clone();
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || store.close()).await
        && outcome.is_ok()
    {
        return Err(ServeError::Disk(error));
    }
    outcome
}

/// The listeners of both sockets.
struct Bound {
    operators: UnixListener,
    hooks: UnixListener,
}

/// Binds both sockets; that of the operators last: who sees it is served.
fn bind(app: &App) -> Result<Bound, ServeError> {
    let listen = |path: PathBuf, bind: fn(&Path) -> io::Result<UnixListener>| {
        bind(&path).map_err(|source| ServeError::Listen { path, source })
    };
    let hooks = listen(app.directories.hook_socket(), grpc::bind_hooks)?;
    let operators = listen(app.directories.socket(), grpc::bind)?;
    Ok(Bound { operators, hooks })
}

/// Binds the sockets again when the runtime directory had to be made again.
async fn rebind(
    app: App,
    operators: mpsc::Sender<UnixListener>,
    hooks: mpsc::Sender<UnixListener>,
) {
    let stop = app.shutdown.clone();
    loop {
        tokio::select! {
            () = stop.begun() => return,
            () = app.relisten.notified() => {}
        }
        match bind(&app) {
            Ok(bound) => {
                drop(operators.send(bound.operators).await);
                drop(hooks.send(bound.hooks).await);
            }
            Err(error) => error!(%error, "the local sockets cannot be bound again: {error}"),
        }
    }
}

/// What a new key of the audit log is made of.
fn random_seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    Ok(seed)
}

async fn announce(app: &App, services: &Services) {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let kind = EventKind::DaemonStarted { version };
    let started = NewEvent { time: app.clock.now(), session: None, kind };
    if let Err(error) = app.store.append_events(vec![started]).await {
        warn!(%error, "the start was not recorded");
    }
    if let Err(error) = app.audit_start().await {
        warn!(%error, "the start was not recorded in the audit log");
    }
    services.set_serving().await;
    os::notify(Notification::Ready);
    let socket = app.directories.socket();
    info!(sessions = app.registry.count(), "serving on {}", socket.display());
}

fn shim_binary(config: &Config) -> ShimBinary {
    match &config.server.shim {
        None => ShimBinary::find(),
        Some(path) => ShimBinary::at(path).unwrap_or_else(|error| {
            warn!(%error, "server.shim {} cannot be used: {error}", path.display());
            ShimBinary::find()
        }),
    }
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> ServeError {
    move |source| ServeError::Io { action, source }
}

/// An error with its causes, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
