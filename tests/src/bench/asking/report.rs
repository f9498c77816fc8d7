//! `benchprog ask NOTE ID CONNECTIONS COUNT COMMAND [GATE]`: reports calls as `cpctl hook` does, but over
//! connections that are kept, so that the daemon is measured and not the start of processes.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use codeplane_proto::v1::{
    ReportHookRequest, hook_service_client::HookServiceClient, report_hook_response::Item,
};
use tokio::{runtime::Builder, task::LocalSet, time::sleep};
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

use super::{Call, event, is_allow, leave, note_outcome};
use crate::bench::Result;

/// After so long `cpctl hook` reports again, too.
const AGAIN: Duration = Duration::from_millis(20);

/// What is asked, and how.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Connections, each with one call at a time.
    pub connections: usize,
    /// Calls of each connection.
    pub count: usize,
    /// What is to be run.
    pub command: String,
    /// A pipe whose opening by somebody who writes is the signal to begin.
    pub gate: Option<PathBuf>,
}

impl Asking {
    /// The arguments of the program that does it.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments =
            vec![self.connections.to_string(), self.count.to_string(), self.command.clone()];
        arguments.extend(self.gate.iter().map(|gate| gate.display().to_string()));
        arguments
    }

    fn parse(arguments: &[&str]) -> Result<Self> {
        let [connections, count, command, gate @ ..] = arguments else {
            return Err("wrong number of arguments".into());
        };
        Ok(Self {
            connections: connections.parse()?,
            count: count.parse()?,
            command: (*command).to_owned(),
            gate: gate.first().map(PathBuf::from),
        })
    }
}

/// Who reports: the session's token, and where to.
struct Reporter {
    id: String,
    token: String,
    socket: PathBuf,
}

/// Runs the program.
///
/// # Errors
/// Wrong arguments, or a note that cannot be written.
pub fn ask(arguments: &[OsString]) -> Result<()> {
    let [note, rest @ ..] = arguments else { return Err("no note is named".into()) };
    let rest: Option<Vec<&str>> = rest.iter().map(|one| one.to_str()).collect();
    let rest = rest.ok_or("all arguments are text")?;
    let [id, rest @ ..] = rest.as_slice() else { return Err("no session is named".into()) };
    let asking = Asking::parse(rest)?;
    note_outcome(Path::new(note), || {
        let reporter = Rc::new(Reporter::of_this_session(id)?);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, calls(&reporter, &asking, Path::new(note)))
    })
}

impl Reporter {
    fn of_this_session(id: &str) -> Result<Self> {
        let file = env::var_os("CODEPLANE_HOOK_TOKEN_FILE").ok_or("this runs in no session")?;
        let file = PathBuf::from(file);
        let token = fs::read_to_string(&file)?.trim_end().to_owned();
        Ok(Self { id: id.to_owned(), token, socket: file.with_file_name("hook.sock") })
    }

    async fn connect(&self) -> Result<HookServiceClient<Channel>> {
        let endpoint = Endpoint::from_shared(format!("unix:{}", self.socket.display()))?;
        Ok(HookServiceClient::new(endpoint.connect().await?))
    }

    /// Asks once and waits for the answer, a person's too.
    async fn call(
        &self,
        client: &mut HookServiceClient<Channel>,
        number: usize,
        command: &str,
    ) -> Result<Call> {
        let request = ReportHookRequest {
            event_id: Uuid::new_v4().to_string(),
            token: self.token.clone(),
            provider: "claude".into(),
            event: "PreToolUse".into(),
            body: event(&self.id, number, command).into(),
            oversized_bytes: 0,
        };
        let asked_us = jiff::Timestamp::now().as_microsecond();
        let mut items = loop {
            match client.report_hook(request.clone()).await {
                Ok(items) => break items.into_inner(),
                // In the first moments of a session nobody knows yet whose program it is.
                Err(status) if status.code() == Code::Unavailable => sleep(AGAIN).await,
                Err(status) => return Err(status.into()),
            }
        };
        while let Some(item) = items.message().await? {
            if let Some(Item::Answer(answer)) = item.item {
                let answered_us = jiff::Timestamp::now().as_microsecond();
                return Ok(Call { asked_us, answered_us, allowed: is_allow(&answer.stdout) });
            }
        }
        Err("the stream ended without an answer".into())
    }
}

async fn calls(reporter: &Rc<Reporter>, asking: &Asking, note: &Path) -> Result<Vec<Call>> {
    let mut clients = Vec::new();
    for _ in 0..asking.connections {
        clients.push(reporter.connect().await?);
    }
    if let Some(gate) = &asking.gate {
        leave(&note.with_extension("ready"), &())?;
        // Blocks all of this process, which has nothing else to do: until somebody opens its other end.
        drop(fs::File::open(gate)?);
    }
    let mut tasks = Vec::new();
    for (connection, mut client) in clients.into_iter().enumerate() {
        let (reporter, asking) = (Rc::clone(reporter), asking.clone());
        tasks.push(tokio::task::spawn_local(async move {
            let mut calls = Vec::with_capacity(asking.count);
            for number in 0..asking.count {
                let number = connection * asking.count + number;
                calls.push(reporter.call(&mut client, number, &asking.command).await?);
            }
            Ok::<_, crate::bench::Failure>(calls)
        }));
    }
    let mut calls = Vec::new();
    for task in tasks {
        calls.extend(task.await??);
    }
    Ok(calls)
}
