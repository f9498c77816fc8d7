//! A session's hook directory, with a daemon or without, and hooks that run in it.

use std::collections::VecDeque;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use codeplane_client::v1;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use v1::hook_service_server::{HookService, HookServiceServer};
use v1::report_hook_response::Item;

use crate::fake::Listening;

/// What the daemon does with one report.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Say(Item),
    Refuse(Status),
    /// Says nothing more, for ever.
    Hang,
}

/// Answers the first report by the first script, and so on; all others by the last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Daemon {
    scripts: Arc<Mutex<VecDeque<Vec<Step>>>>,
    pub(crate) reports: Arc<Mutex<Vec<v1::ReportHookRequest>>>,
}

#[tonic::async_trait]
impl HookService for Daemon {
    type ReportHookStream =
        Pin<Box<dyn Stream<Item = Result<v1::ReportHookResponse, Status>> + Send>>;

    async fn report_hook(
        &self,
        request: Request<v1::ReportHookRequest>,
    ) -> Result<Response<Self::ReportHookStream>, Status> {
        self.reports.lock().unwrap().push(request.into_inner());
        let mut scripts = self.scripts.lock().unwrap();
        let steps = if scripts.len() > 1 { scripts.pop_front() } else { scripts.front().cloned() };
        let (mut items, mut hangs) = (Vec::new(), false);
        for step in steps.unwrap_or_default() {
            match step {
                Step::Say(item) => items.push(Ok(v1::ReportHookResponse { item: Some(item) })),
                Step::Refuse(status) => items.push(Err(status)),
                Step::Hang => hangs = true,
            }
        }
        let said = tokio_stream::iter(items);
        if hangs {
            return Ok(Response::new(Box::pin(said.chain(tokio_stream::pending()))));
        }
        Ok(Response::new(Box::pin(said)))
    }
}

pub(crate) fn answer(stdout: &str, stderr: &str, exit_code: u32) -> Step {
    let (stdout, stderr) = (stdout.to_owned().into(), stderr.to_owned().into());
    Step::Say(Item::Answer(v1::HookAnswer { stdout, stderr, exit_code }))
}

/// A person has to decide, within an hour.
pub(crate) fn waiting() -> Step {
    waiting_for(3600)
}

/// A person has to decide, until so many seconds from now.
pub(crate) fn waiting_for(seconds: i64) -> Step {
    let now = jiff::Timestamp::now().as_second();
    let expire_time = Some(prost_types::Timestamp { seconds: now + seconds, nanos: 0 });
    Step::Say(Item::Waiting(v1::HookWaiting { approval_id: "a".into(), expire_time }))
}

/// Where a session's hooks find their daemon.
pub(crate) struct Scene {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) daemon: Daemon,
    listening: Option<Listening>,
}

impl Scene {
    /// Nobody listens.
    pub(crate) fn without_daemon() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let scene = Self { directory, daemon: Daemon::default(), listening: None };
        fs::write(scene.token(), format!("{}\n", "0f".repeat(32))).unwrap();
        fs::set_permissions(scene.token(), fs::Permissions::from_mode(0o600)).unwrap();
        scene
    }

    /// A daemon answers by these scripts.
    pub(crate) fn with(scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let mut scene = Self::without_daemon();
        scene.daemon.scripts.lock().unwrap().extend(scripts);
        scene.start();
        scene
    }

    pub(crate) fn start(&mut self) {
        let service =
            HookServiceServer::new(self.daemon.clone()).max_decoding_message_size(32 * 1024 * 1024);
        let socket = self.directory.path().join("hook.sock");
        self.listening = Some(Listening::on(&socket, Server::builder().add_service(service)));
    }

    pub(crate) fn kill(&mut self) {
        self.listening = None;
    }

    pub(crate) fn token(&self) -> PathBuf {
        self.directory.path().join("6f1c0a2b")
    }

    pub(crate) fn reports(&self) -> Vec<v1::ReportHookRequest> {
        self.daemon.reports.lock().unwrap().clone()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpctl"));
        command
            .arg("hook")
            .args(args)
            .env_clear()
            .env("CODEPLANE_HOOK_TOKEN_FILE", self.token())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts a hook and gives it its event.
    pub(crate) fn start_hook(&self, args: &[&str], event: &[u8]) -> Child {
        let mut child = self.command(args).spawn().unwrap();
        // It may have seen enough before it has read everything.
        child.stdin.take().unwrap().write_all(event).ok();
        child
    }

    /// Runs a hook to its end.
    pub(crate) fn hook(&self, args: &[&str], event: &str) -> Said {
        said(self.start_hook(args, event.as_bytes()))
    }
}

/// What the agent got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

pub(crate) fn said(child: Child) -> Said {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { stdout: text(stdout), stderr: text(stderr), code: status.code() }
}

impl Said {
    /// That this was no permission, to an agent that asked for one by `PreToolUse`; why.
    #[track_caller]
    pub(crate) fn denied(&self) -> &str {
        assert_eq!((self.stdout.as_str(), self.code), ("", Some(2)), "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
        self.stderr.strip_prefix("denied: ").unwrap()
    }
}

/// The event that asks whether a tool may be used.
pub(crate) const ASKS: &str = r#"{"hook_event_name":"PreToolUse","tool_name":"Bash"}"#;
