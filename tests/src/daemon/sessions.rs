//! Sessions of a test's daemon: how tests make them and what they look at.

use std::{collections::BTreeSet, fs};

use codeplane_client::{
    Client,
    v1::{
        self, CreateSessionRequest, ListEventsRequest, Session, SessionState, WaitForOutput,
        WaitSessionRequest, wait_session_request::Condition,
    },
};
use codeplane_proto::v1::{
    session_service_client::SessionServiceClient, terminal_service_client::TerminalServiceClient,
};
use tonic::transport::Channel;

use super::TestDaemon;
use crate::{Attached, PATIENCE, binary, wait_until_async};

/// A session that runs `scripted-agent` with these commands.
///
/// # Panics
/// If `scripted-agent` is not built.
#[must_use]
pub fn scripted(commands: &[&str]) -> CreateSessionRequest {
    let mut command = vec![binary("scripted-agent").display().to_string()];
    command.extend(commands.iter().map(|&command| command.to_owned()));
    CreateSessionRequest { command, ..CreateSessionRequest::default() }
}

/// Everything of sessions that can be left behind. Two of them are equal if nothing was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Ids of the rows.
    pub rows: BTreeSet<String>,
    /// Names of the bundles.
    pub bundles: BTreeSet<String>,
    /// Names of the shims' sockets.
    pub sockets: BTreeSet<String>,
    /// Process ids of the daemon, shims, and whatever they run.
    pub processes: BTreeSet<i32>,
}

impl TestDaemon {
    /// Creates a session that runs `scripted-agent` with these commands.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn create(&self, commands: &[&str]) -> Session {
        let client = self.client().await;
        client.create_session(scripted(commands)).await.expect("the session is created")
    }

    /// The session as it is now.
    ///
    /// # Panics
    /// If there is none.
    pub async fn session(&self, id: &str) -> Session {
        self.client().await.get_session(id).await.expect("the session exists")
    }

    /// Waits until the process of a session is in `state`.
    ///
    /// # Panics
    /// At the deadline.
    pub async fn reaches(&self, id: &str, state: SessionState) -> Session {
        let client = self.client().await;
        wait_until_async(&format!("state {state:?}"), PATIENCE, async || {
            let session = client.get_session(id).await.map_err(|error| error.to_string())?;
            if session.state() == state { Ok(session) } else { Err(format!("{session:?}")) }
        })
        .await
    }

    /// Waits until a session has printed what `regex` matches; returns the match.
    ///
    /// # Panics
    /// At the deadline, or if it ends without.
    pub async fn printed(&self, id: &str, regex: &str) -> String {
        let condition = Condition::Output(WaitForOutput { regex: regex.to_owned(), from: None });
        let request = WaitSessionRequest {
            session: id.to_owned(),
            condition: Some(condition),
            timeout: PATIENCE.try_into().ok(),
        };
        let waited = self.client().await.wait_session(request).await;
        waited.unwrap_or_else(|error| panic!("waiting for {regex:?}: {error}")).matched
    }

    /// Types `text` into a session, as one item.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn type_text(&self, id: &str, text: impl AsRef<[u8]>) {
        let request = v1::SendInputRequest {
            session: id.to_owned(),
            data: text.as_ref().to_vec().into(),
            ..Default::default()
        };
        self.client().await.send_input(request).await.expect("the input is typed");
    }

    /// All events that `filter` lets pass, oldest first.
    ///
    /// # Panics
    /// If they cannot be read.
    pub async fn events(&self, filter: &str) -> Vec<v1::Event> {
        let client = self.client().await;
        let mut events = Vec::new();
        let mut request = ListEventsRequest {
            page_size: 1000,
            filter: filter.to_owned(),
            ..ListEventsRequest::default()
        };
        loop {
            let page = client.list_events(request.clone()).await.expect("events can be read");
            events.extend(page.events);
            if page.next_page_token.is_empty() {
                return events;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Types of the events of one session, oldest first.
    pub async fn event_types(&self, id: &str) -> Vec<String> {
        let events = self.events(&format!("session={id}")).await;
        events.into_iter().map(|event| event.r#type).collect()
    }

    /// Types of the ending events of one session.
    pub async fn endings(&self, id: &str) -> Vec<String> {
        let mut types = self.event_types(id).await;
        let endings = ["session.exited", "session.lost", "session.failed"];
        types.retain(|one| endings.contains(&one.as_str()));
        types
    }

    /// Everything that sessions have left so far, or are using.
    ///
    /// # Panics
    /// If sessions cannot be listed.
    pub async fn traces(&self) -> Traces {
        let client: Client = self.client().await;
        let rows = client.all_sessions("").await.expect("sessions can be listed");
        let names = |path| -> BTreeSet<String> {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        };
        Traces {
            rows: rows.into_iter().map(|session| session.id).collect(),
            bundles: names(self.state_dir().join("sessions")),
            sockets: names(self.runtime_dir().join("shim")),
            processes: self.processes().iter().map(|process| process.pid).collect(),
        }
    }

    /// Waits until only `traces` are there.
    ///
    /// # Panics
    /// At the deadline, with what else there is.
    pub async fn leaves_only(&self, traces: &Traces) {
        wait_until_async("nothing else to be left", PATIENCE, async || {
            let now = self.traces().await;
            if now == *traces { Ok(()) } else { Err(now) }
        })
        .await;
    }

    /// The bare calls about sessions.
    pub async fn raw_sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.channel().await)
    }

    /// The bare calls about terminals.
    pub async fn raw_terminals(&self) -> TerminalServiceClient<Channel> {
        TerminalServiceClient::new(self.channel().await)
    }

    /// Attaches over a connection of its own.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn attach(&self, init: v1::AttachInit) -> Attached {
        let attached = Attached::open(self.channel().await, init).await;
        attached.expect("the attachment is accepted")
    }
}
