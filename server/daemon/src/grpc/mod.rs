//! The services: convert, call, convert. Knows the use cases, never rows or live sessions.

mod agent;
mod approval;
mod audit;
mod auth;
mod convert;
mod decision;
mod event;
mod fields;
mod frames;
mod hook;
mod listener;
mod page;
mod policy;
mod policy_convert;
mod screen;
mod server;
mod session;
mod status;
mod terminal;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use codeplane_core::Door;
use codeplane_proto::v1::approval_service_server::ApprovalServiceServer;
use codeplane_proto::v1::audit_service_server::AuditServiceServer;
use codeplane_proto::v1::event_service_server::EventServiceServer;
use codeplane_proto::v1::hook_service_server::HookServiceServer;
use codeplane_proto::v1::policy_service_server::PolicyServiceServer;
use codeplane_proto::v1::server_service_server::ServerServiceServer;
use codeplane_proto::v1::session_service_server::SessionServiceServer;
use codeplane_proto::v1::terminal_service_server::TerminalServiceServer;
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tonic::transport::Server;
use tonic::transport::server::Router;

use crate::app::App;
use crate::config::RoleTable;
use crate::os;
use auth::{Authorise, Stack};
use listener::{Agents, Incoming, Operators};

/// Longest request of the terminal service, in bytes: above the largest `input.max`, so that input
/// over the limit is answered by name and not by the transport.
const TERMINAL_MESSAGE_BYTES: usize = 24 << 20;

/// Longest report of a hook, in bytes: its body and what stands around it.
const HOOK_MESSAGE_BYTES: usize = (16 << 20) + (64 << 10);

/// Streams one hook's connection may have open: it needs one.
const HOOK_STREAMS: u32 = 8;

/// Longest request of the policy service, in bytes: above the largest file, so that one over the limit
/// is answered by name and not by the transport.
const POLICY_MESSAGE_BYTES: usize = 8 << 20;

/// Streams one connection may have open.
const STREAMS: u32 = 256;

/// A dead peer on a local socket is seen at once; this is for one that is stopped with its
/// connection open while the network in between is a proxy.
const KEEPALIVE: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Features a client may ask for by name.
const FEATURES: [&str; 7] = [
    "attach.resume",
    "attach.snapshot",
    "audit",
    "events.watch",
    "input.exactly-once",
    "screen",
    "wait",
];

/// Everything that is served on the local sockets.
pub(crate) struct Services {
    router: Router<Stack>,
    hooks: Router<Stack>,
    health: tonic_health::server::HealthReporter,
}

impl Services {
    /// The services over an application.
    ///
    /// # Errors
    /// If the descriptors are damaged.
    pub(crate) fn new(app: &App) -> io::Result<Self> {
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(codeplane_proto::FILE_DESCRIPTOR_SET)
            .build_v1()
            .map_err(io::Error::other)?;
        let (health, health_service) = tonic_health::server::health_reporter();
        let terminal = TerminalServiceServer::new(terminal::Terminals::new(app.clone()))
            .max_decoding_message_size(TERMINAL_MESSAGE_BYTES);
        let policies = PolicyServiceServer::new(policy::Policies::new(app.clone()))
            .max_decoding_message_size(POLICY_MESSAGE_BYTES);
        let router = Server::builder()
            .max_concurrent_streams(STREAMS)
            .http2_max_local_error_reset_streams(Some(1024))
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .layer(Authorise::at(Door::Operators))
            .add_service(health_service)
            .add_service(reflection)
            .add_service(SessionServiceServer::new(session::Sessions::new(app.clone())))
            .add_service(terminal)
            .add_service(policies)
            .add_service(EventServiceServer::new(event::Events::new(app.clone())))
            .add_service(ApprovalServiceServer::new(approval::ApprovalsService::new(app.clone())))
            .add_service(AuditServiceServer::new(audit::Audit::new(app.clone())))
            .add_service(ServerServiceServer::new(server::ServerInfo::new(app.clone())));
        let hooks = HookServiceServer::new(hook::Hooks::new(app.clone()))
            .max_decoding_message_size(HOOK_MESSAGE_BYTES);
        let hooks = Server::builder()
            .max_concurrent_streams(HOOK_STREAMS)
            .http2_max_local_error_reset_streams(Some(1024))
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .layer(Authorise::at(Door::Hooks))
            .add_service(hooks);
        Ok(Self { router, hooks, health })
    }

    /// Says that the daemon serves: only after every live shim was adopted.
    pub(crate) async fn set_serving(&self) {
        self.health.set_service_status("", tonic_health::ServingStatus::Serving).await;
    }

    /// Serves both sockets until the daemon ends.
    ///
    /// # Errors
    /// Those of the transport.
    pub(crate) async fn serve(self, doors: Doors, app: App) -> io::Result<()> {
        let sessions = app.clone();
        let standing = Arc::new(move |pid| sessions.standing(pid));
        let roles = RoleTable::new(&app.config.roles, os::own_user(), os::user_id);
        let operators = Incoming::new(doors.operators, Operators::outside(standing, roles));
        let agents = Incoming::new(doors.hooks, Agents);
        let (stop, stop_hooks) = (app.shutdown.clone(), app.shutdown.clone());
        let serving =
            self.router.serve_with_incoming_shutdown(operators, async move { stop.begun().await });
        let answering = self
            .hooks
            .serve_with_incoming_shutdown(agents, async move { stop_hooks.begun().await });
        tokio::try_join!(serving, answering).map(drop).map_err(io::Error::other)
    }
}

/// The listeners of each socket, a new one whenever it had to be bound again.
#[derive(Debug)]
pub(crate) struct Doors {
    /// Of the API.
    pub operators: mpsc::Receiver<UnixListener>,
    /// Of the hooks.
    pub hooks: mpsc::Receiver<UnixListener>,
}

/// Binds the socket of the API: only our own user may connect.
///
/// # Errors
/// Those of the file system.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    listener::bind(path, 0o600)
}

/// Binds the socket of the hooks: whoever runs in a session may connect, whatever its user.
///
/// # Errors
/// Those of the file system.
pub(crate) fn bind_hooks(path: &Path) -> io::Result<UnixListener> {
    listener::bind(path, 0o666)
}
