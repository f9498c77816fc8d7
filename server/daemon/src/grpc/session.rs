//! `SessionService`.

use codeplane_core::{Asks, Filter, GateMode, Role, StateName};
use codeplane_proto::v1;
use codeplane_proto::v1::session_service_server::SessionService;
use codeplane_proto::v1::wait_session_request::Condition as WaitCondition;
use tonic::{Request, Response, Status};

use super::auth::{caller, require};
use super::status::status;
use super::{agent, convert, fields, page};
use crate::app::{
    App, Condition, Create, DeleteRequest, Error, IfRunning, KillRequest, Leftovers,
    SESSION_FILTER_FIELDS, StopRequest, UpdateRequest, View,
};

/// The service.
pub(super) struct Sessions {
    app: App,
}

impl Sessions {
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }

    fn shown(&self, view: View) -> v1::Session {
        shown(&self.app, view)
    }
}

/// A session with what judges it.
fn shown(app: &App, view: View) -> v1::Session {
    let policies = app.policies_of(&view.session.spec);
    let policies = policies.into_iter().map(convert::policy_reference).collect();
    v1::Session { policies, ..convert::session(view) }
}

#[tonic::async_trait]
impl SessionService for Sessions {
    async fn create_session(
        &self,
        request: Request<v1::CreateSessionRequest>,
    ) -> Result<Response<v1::CreateSessionResponse>, Status> {
        let caller = caller(&request)?;
        check_roles(&request)?;
        let mut request = request.into_inner();
        let id = std::mem::take(&mut request.request_id);
        let mutation = fields::mutation("CreateSession", &id, &request).map_err(status)?;
        let create = create(request).map_err(status)?;
        let created = self.app.create(&caller, create, mutation).await.map_err(status)?;
        let session = Some(self.shown(created.view));
        Ok(Response::new(v1::CreateSessionResponse { session, notices: created.notices }))
    }

    async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<Response<v1::GetSessionResponse>, Status> {
        let live = self.app.find(&request.into_inner().session).map_err(status)?;
        let session = Some(self.shown(live.view()));
        Ok(Response::new(v1::GetSessionResponse { session }))
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        list(&self.app, &request.into_inner()).map(Response::new).map_err(status)
    }

    async fn update_session(
        &self,
        request: Request<v1::UpdateSessionRequest>,
    ) -> Result<Response<v1::UpdateSessionResponse>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let id = std::mem::take(&mut request.request_id);
        let mutation = fields::mutation("UpdateSession", &id, &request).map_err(status)?;
        let change = UpdateRequest {
            expected: fields::etag(&request.etag).map_err(status)?,
            name: request.name,
            set_labels: request.set_labels.into_iter().collect(),
            remove_labels: request.remove_labels,
        };
        let updated =
            self.app.update_description(&caller, &request.session, change, mutation).await;
        let session = Some(self.shown(updated.map_err(status)?));
        Ok(Response::new(v1::UpdateSessionResponse { session }))
    }

    async fn stop_session(
        &self,
        request: Request<v1::StopSessionRequest>,
    ) -> Result<Response<v1::StopSessionResponse>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let id = std::mem::take(&mut request.request_id);
        let mutation = fields::mutation("StopSession", &id, &request).map_err(status)?;
        let stop = stop(&request).map_err(status)?;
        let stopped = self.app.stop(&caller, &request.session, stop, mutation).await;
        let session = Some(self.shown(stopped.map_err(status)?));
        Ok(Response::new(v1::StopSessionResponse { session }))
    }

    async fn kill_session(
        &self,
        request: Request<v1::KillSessionRequest>,
    ) -> Result<Response<v1::KillSessionResponse>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let id = std::mem::take(&mut request.request_id);
        let mutation = fields::mutation("KillSession", &id, &request).map_err(status)?;
        let kill = KillRequest { signal: request.signal };
        let killed = self.app.kill(&caller, &request.session, kill, mutation).await;
        let session = Some(self.shown(killed.map_err(status)?));
        Ok(Response::new(v1::KillSessionResponse { session }))
    }

    async fn delete_session(
        &self,
        request: Request<v1::DeleteSessionRequest>,
    ) -> Result<Response<v1::DeleteSessionResponse>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let id = std::mem::take(&mut request.request_id);
        let mutation = fields::mutation("DeleteSession", &id, &request).map_err(status)?;
        let if_running = if request.force { IfRunning::Kill } else { IfRunning::Refuse };
        let expected = fields::etag(&request.etag).map_err(status)?;
        let delete = DeleteRequest { if_running, expected };
        let deleted = self.app.delete(&caller, &request.session, delete, mutation).await;
        deleted.map_err(status)?;
        Ok(Response::new(v1::DeleteSessionResponse {}))
    }

    async fn wait_session(
        &self,
        request: Request<v1::WaitSessionRequest>,
    ) -> Result<Response<v1::WaitSessionResponse>, Status> {
        let request = request.into_inner();
        let limit = request.timeout.map(|limit| fields::duration("timeout", limit));
        let limit = limit.transpose().map_err(status)?;
        let condition = condition(request.condition).map_err(status)?;
        let waited = self.app.wait(&request.session, condition, limit).await.map_err(status)?;
        Ok(Response::new(v1::WaitSessionResponse {
            session: Some(self.shown(waited.view)),
            matched: waited.matched.unwrap_or_default(),
            position: Some(convert::position(waited.position)),
        }))
    }
}

/// Judging differently needs more than creating.
fn check_roles(request: &Request<v1::CreateSessionRequest>) -> Result<(), Status> {
    let wanted = request.get_ref();
    if wanted.dangerous {
        require(request, Role::Admin, "a dangerous session")?;
    }
    if !wanted.allow.is_empty() {
        require(request, Role::Approver, "a session with rules of its own")?;
    }
    if !wanted.policies.is_empty() {
        require(request, Role::Approver, "binding a policy")?;
    }
    Ok(())
}

fn create(request: v1::CreateSessionRequest) -> Result<Create, Error> {
    let pairs = |vars: Vec<v1::EnvVar>| vars.into_iter().map(|var| (var.name, var.value)).collect();
    let size = request.size.unwrap_or_default();
    let given = |text: String| (!text.is_empty()).then_some(text);
    let asks = match (request.unattended, request.dangerous) {
        (false, false) => Asks::Person,
        (true, false) => Asks::Denied,
        (false, true) => Asks::Allowed,
        (true, true) => {
            return Err(Error::invalid("dangerous", "excludes unattended: nothing would be asked"));
        }
    };
    Ok(Create {
        command: request.command,
        cwd: given(request.cwd),
        env: pairs(request.env),
        client_env: pairs(request.client_env),
        size: (size.cols, size.rows),
        name: given(request.name),
        labels: request.labels.into_iter().collect(),
        parent: given(request.parent),
        keep: if request.keep { Leftovers::Kept } else { Leftovers::Killed },
        source: given(request.source),
        term: given(request.term),
        provider: given(request.provider),
        mode: if request.agent_dialog { GateMode::AgentDialog } else { GateMode::Held },
        policies: request.policies,
        allow: request.allow,
        asks,
    })
}

fn list(app: &App, request: &v1::ListSessionsRequest) -> Result<v1::ListSessionsResponse, Error> {
    let size = page::size(request.page_size)?;
    let filter = page::filter(&request.filter, &SESSION_FILTER_FIELDS)?;
    check_states(&filter)?;
    let after = page::cursor(page::SESSIONS, &request.page_token, &filter)?;
    let found = app.list(&filter, size, after);
    Ok(v1::ListSessionsResponse {
        sessions: found.sessions.into_iter().map(|view| shown(app, view)).collect(),
        next_page_token: found
            .next
            .map(|cursor| page::token(page::SESSIONS, cursor, &filter))
            .unwrap_or_default(),
    })
}

/// A state that does not exist would match nothing, which looks like an answer.
fn check_states(filter: &Filter) -> Result<(), Error> {
    let mut states = filter.terms().iter().filter(|term| term.field == "state");
    match states.find(|term| StateName::parse(&term.value).is_none()) {
        None => Ok(()),
        Some(term) => {
            let shown = term.value.escape_debug();
            Err(Error::invalid("filter", format!("'{shown}' is not a state of a session")))
        }
    }
}

fn stop(request: &v1::StopSessionRequest) -> Result<StopRequest, Error> {
    let grace = |field, grace: Option<prost_types::Duration>| {
        grace.map(|grace| fields::duration(field, grace)).transpose()
    };
    Ok(StopRequest {
        hangup_grace: grace("hangup_grace", request.hangup_grace)?,
        terminate_grace: grace("terminate_grace", request.terminate_grace)?,
    })
}

fn condition(condition: Option<WaitCondition>) -> Result<Condition, Error> {
    match condition {
        None => Err(Error::invalid("condition", "must be exit, quiet, output, state or activity")),
        Some(WaitCondition::Exit(_)) => Ok(Condition::Exit),
        Some(WaitCondition::Quiet(quiet)) => {
            Ok(Condition::Quiet(fields::duration("quiet", quiet)?))
        }
        Some(WaitCondition::Output(output)) => Ok(Condition::Output {
            from: output.from.map(|from| fields::position("output.from", from)).transpose()?,
            regex: output.regex,
        }),
        Some(WaitCondition::Activity(number)) => {
            let activity = v1::Activity::try_from(number).ok().and_then(agent::activity_name);
            activity
                .map(Condition::Activity)
                .ok_or_else(|| Error::invalid("activity", "is not an activity"))
        }
        Some(WaitCondition::State(number)) => {
            let state = v1::SessionState::try_from(number).ok().and_then(convert::state_name);
            state.map(Condition::State).ok_or_else(|| Error::invalid("state", "is not a state"))
        }
    }
}
