//! A daemon at which approvals wait, in memory.

use std::pin::Pin;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use codeplane_client::v1;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use v1::approval_service_server::{ApprovalService, ApprovalServiceServer};
use v1::decide_approval_request::Answer;
use v1::event_service_server::{EventService, EventServiceServer};

use crate::fake::{Listening, refusal};

/// What the daemon knows. Changes are events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desk {
    state: Arc<Mutex<State>>,
    changes: Arc<watch::Sender<i64>>,
}

#[derive(Debug, Default)]
struct State {
    approvals: Vec<v1::Approval>,
    grants: Vec<v1::Grant>,
    decisions: Vec<v1::DecideApprovalRequest>,
    filters: Vec<String>,
    refusal: Option<Status>,
}

impl Desk {
    /// Another one waits.
    pub(crate) fn ask(&self, approval: v1::Approval) {
        self.state.lock().unwrap().approvals.insert(0, approval);
        self.changes.send_modify(|revision| *revision += 1);
    }

    /// Somebody else decides, or its time is over.
    pub(crate) fn end(&self, id: &str, state: v1::ApprovalState) {
        self.change(id, |approval| {
            approval.set_state(state);
            approval.decided_by = "somebody else".into();
        });
    }

    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut v1::Approval)) {
        let mut state = self.state.lock().unwrap();
        change(state.approvals.iter_mut().find(|one| one.id.starts_with(id)).unwrap());
        drop(state);
        self.changes.send_modify(|revision| *revision += 1);
    }

    /// Every decision is refused like this from now on.
    pub(crate) fn refuse(&self, code: Code, reason: &str, message: &str) {
        self.state.lock().unwrap().refusal = Some(refusal(code, reason, message));
    }

    pub(crate) fn decisions(&self) -> Vec<v1::DecideApprovalRequest> {
        self.state.lock().unwrap().decisions.clone()
    }

    /// Filters that lists were asked for with.
    pub(crate) fn filters(&self) -> Vec<String> {
        self.state.lock().unwrap().filters.clone()
    }

    fn find(&self, id: &str) -> Result<v1::Approval, Status> {
        let state = self.state.lock().unwrap();
        let found = state.approvals.iter().find(|one| one.id.starts_with(id)).cloned();
        found.ok_or_else(|| refusal(Code::NotFound, "APPROVAL_NOT_FOUND", "no such approval"))
    }
}

#[tonic::async_trait]
impl ApprovalService for Desk {
    async fn get_approval(
        &self,
        request: Request<v1::GetApprovalRequest>,
    ) -> Result<Response<v1::GetApprovalResponse>, Status> {
        let approval = Some(self.find(&request.into_inner().approval)?);
        Ok(Response::new(v1::GetApprovalResponse { approval }))
    }

    async fn list_approvals(
        &self,
        request: Request<v1::ListApprovalsRequest>,
    ) -> Result<Response<v1::ListApprovalsResponse>, Status> {
        let filter = request.into_inner().filter;
        let mut state = self.state.lock().unwrap();
        state.filters.push(filter.clone());
        let pending = |one: &&v1::Approval| one.state() == v1::ApprovalState::Pending;
        let all = |one: &&v1::Approval| !filter.contains("state=pending") || pending(one);
        let approvals = state.approvals.iter().filter(all).cloned().collect();
        let next_page_token = String::new();
        Ok(Response::new(v1::ListApprovalsResponse { approvals, next_page_token }))
    }

    async fn decide_approval(
        &self,
        request: Request<v1::DecideApprovalRequest>,
    ) -> Result<Response<v1::DecideApprovalResponse>, Status> {
        let request = request.into_inner();
        let mut approval = self.find(&request.approval)?;
        let mut state = self.state.lock().unwrap();
        state
            .decisions
            .push(v1::DecideApprovalRequest { request_id: String::new(), ..request.clone() });
        if let Some(refusal) = &state.refusal {
            return Err(refusal.clone());
        }
        let fail = |reason, message| Err(refusal(Code::FailedPrecondition, reason, message));
        if approval.state() != v1::ApprovalState::Pending {
            return fail("APPROVAL_DECIDED", "it is decided already");
        }
        if request.request_hash != approval.request_hash {
            return fail("REQUEST_HASH_MISMATCH", "the request is another one");
        }
        let grants = granted(&approval, request.answer.as_ref());
        approval.set_state(match request.answer {
            Some(Answer::Deny(_)) => v1::ApprovalState::Denied,
            Some(Answer::Allow(_) | Answer::Answers(_)) => v1::ApprovalState::Allowed,
            None => return Err(refusal(Code::InvalidArgument, "INVALID", "no answer")),
        });
        match request.answer {
            Some(Answer::Allow(allow)) if !allow.updated_input.is_empty() => {
                approval.updated_subject = format!("what {} does", allow.updated_input);
                approval.updated_input = allow.updated_input;
            }
            Some(Answer::Answers(answers)) => approval.answers = answers.answers,
            Some(Answer::Allow(_) | Answer::Deny(_)) | None => {}
        }
        state.grants.extend(grants.clone());
        let kept = state.approvals.iter_mut().find(|one| one.id == approval.id).unwrap();
        *kept = approval.clone();
        drop(state);
        self.changes.send_modify(|revision| *revision += 1);
        Ok(Response::new(v1::DecideApprovalResponse { approval: Some(approval), grants }))
    }

    async fn list_grants(
        &self,
        _: Request<v1::ListGrantsRequest>,
    ) -> Result<Response<v1::ListGrantsResponse>, Status> {
        let grants = self.state.lock().unwrap().grants.clone();
        Ok(Response::new(v1::ListGrantsResponse { grants, next_page_token: String::new() }))
    }

    async fn revoke_grant(
        &self,
        request: Request<v1::RevokeGrantRequest>,
    ) -> Result<Response<v1::RevokeGrantResponse>, Status> {
        let id = request.into_inner().grant;
        let mut state = self.state.lock().unwrap();
        let found = state.grants.iter_mut().find(|one| one.id.starts_with(&id));
        let missing = || refusal(Code::NotFound, "GRANT_NOT_FOUND", "no such grant");
        let grant = found.ok_or_else(missing)?;
        grant.revoke_time = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
        Ok(Response::new(v1::RevokeGrantResponse { grant: Some(grant.clone()) }))
    }
}

fn granted(approval: &v1::Approval, answer: Option<&Answer>) -> Vec<v1::Grant> {
    let Some(Answer::Allow(allow)) = answer else { return Vec::new() };
    let grant = (allow.grant_scope() != v1::GrantScope::Unspecified).then(|| v1::Grant {
        id: "12ab34cd-0000-4000-8000-000000000000".into(),
        scope: allow.grant_scope,
        scope_value: "/home/ada/project".into(),
        tool: approval.tool.clone(),
        pattern: allow.grant_patterns.first().cloned().unwrap_or_default(),
        subject: approval.subject.clone(),
        created_by: "uid 1000".into(),
        ..Default::default()
    });
    grant.into_iter().collect()
}

#[tonic::async_trait]
impl EventService for Desk {
    type WatchEventsStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchEventsResponse, Status>> + Send>>;

    async fn list_events(
        &self,
        _: Request<v1::ListEventsRequest>,
    ) -> Result<Response<v1::ListEventsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn watch_events(
        &self,
        request: Request<v1::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        use v1::watch_events_response::Item;
        let event = |revision| {
            let r#type = "approval.changed".to_owned();
            Item::Event(v1::Event { revision, r#type, ..Default::default() })
        };
        let changes = self.changes.subscribe();
        let now = *changes.borrow();
        let missed = request.into_inner().after_revision.filter(|after| *after < now);
        let synced = Item::Synced(v1::Synced { revision: now });
        let items = tokio_stream::iter(missed.map(|_| event(now)).into_iter().chain([synced]))
            .chain(WatchStream::from_changes(changes).map(event));
        let items = items.map(|item| Ok(v1::WatchEventsResponse { item: Some(item) }));
        Ok(Response::new(Box::pin(items)))
    }
}

/// A daemon at this desk, and people who run `cpctl`.
pub(crate) struct Office {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) desk: Desk,
    listening: Option<Listening>,
}

impl Office {
    pub(crate) fn with(approvals: impl IntoIterator<Item = v1::Approval>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let desk = Desk::default();
        for approval in approvals {
            desk.ask(approval);
        }
        let mut office = Self { directory, desk, listening: None };
        office.open();
        office
    }

    /// The daemon is there again.
    pub(crate) fn open(&mut self) {
        let router = Server::builder()
            .add_service(ApprovalServiceServer::new(self.desk.clone()))
            .add_service(EventServiceServer::new(self.desk.clone()));
        self.listening = Some(Listening::on(&self.directory.path().join("cpd.sock"), router));
    }

    /// The daemon is killed.
    pub(crate) fn close(&mut self) {
        self.listening = None;
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpctl"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("TERM", "xterm-256color")
            .env("CODEPLANE_ENDPOINT", self.endpoint());
        command
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("unix:{}", self.directory.path().join("cpd.sock").display())
    }

    /// Runs to its end: the exit code and what was printed, standard error after standard output.
    pub(crate) fn run(&self, args: &[&str]) -> (i32, String) {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        let said = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (status.code().unwrap(), said)
    }
}

/// Asks for `command` by Bash; `digit` begins its id, and its hash is made of it.
pub(crate) fn bash(digit: char, command: &str) -> v1::Approval {
    let now = jiff::Timestamp::now().as_second();
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    v1::Approval {
        id: format!("{}-0000-4000-8000-000000000000", String::from(digit).repeat(8)),
        session_id: "6f1c0000-0000-4000-8000-000000000000".into(),
        session_name: "web".into(),
        incarnation: 1,
        kind: v1::ApprovalKind::ToolCall.into(),
        state: v1::ApprovalState::Pending.into(),
        request_hash: String::from(digit).repeat(64),
        provider: "claude".into(),
        tool: "Bash".into(),
        input: format!("{{\"command\":{command:?}}}"),
        cwd: "/home/ada/project".into(),
        subject: command.into(),
        grant_patterns: vec!["Bash(git push:*)".into()],
        create_time: at(now),
        expire_time: at(now + 3600),
        ..Default::default()
    }
}

/// Asks which of some colours.
pub(crate) fn question(digit: char) -> v1::Approval {
    let option = |label: &str| v1::QuestionOption { label: label.into(), ..Default::default() };
    let question = v1::Question {
        text: "Which colour?".into(),
        options: vec![option("red"), option("blue")],
        ..Default::default()
    };
    let mut approval = bash(digit, "");
    approval.set_kind(v1::ApprovalKind::Question);
    approval.tool = "AskUserQuestion".into();
    approval.questions = vec![question];
    approval
}
