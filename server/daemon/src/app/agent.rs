//! The agent in a session: how it is started, and what is known of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codeplane_core::{Gate, Incarnation, NewEvent, SessionAgent, SessionId};
use tracing::warn;

use super::create::Create;
use super::hooks::TokenHash;
use super::receipts::AgentFiles;
use super::spec::Spec;
use super::{App, Caller, Error};
use crate::agents::{Agent, Dialog, Launch, LaunchContext};
use crate::session::BundleFile;

/// What a client says that wants no adapter.
const NO_ADAPTER: &str = "none";

/// How much longer than an approval lasts the hook that waits for it may run.
const AFTER_APPROVAL: Duration = Duration::from_secs(30);

/// Names the file with the token in the environment of a session.
const TOKEN_FILE: &str = "CODEPLANE_HOOK_TOKEN_FILE";

/// An agent that is about to be started.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    /// The name of its adapter.
    pub(super) provider: String,
    /// Files that it needs: that of its token, and others in the session's directory.
    pub(super) files: Vec<BundleFile>,
    /// What is known of it.
    pub(super) agent: SessionAgent,
    /// What it reads and writes.
    pub(super) agent_files: AgentFiles,
    /// What the user should know, a line each.
    pub(super) notices: Vec<String>,
}

impl App {
    /// Which adapter a session has: the one asked for, or that of the program.
    fn adapter(create: &Create) -> Result<Option<Agent>, Error> {
        match create.provider.as_deref() {
            None => Ok(Some(Agent::recognise(&create.command).unwrap_or(Agent::Generic))),
            Some(NO_ADAPTER) => Ok(None),
            Some(name) => Agent::named(name).map(Some).ok_or_else(|| {
                let shown = name.escape_debug();
                let known = "claude, codex, generic and none";
                Error::invalid("provider", format!("'{shown}' is no adapter: there are {known}"))
            }),
        }
    }

    /// Changes command and environment so that the agent's hooks report here. Reads the agent's
    /// settings.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an adapter that does not exist, or a command it cannot start.
    pub(super) async fn prepare_agent(
        &self,
        caller: &Caller,
        create: &Create,
        id: SessionId,
        spec: &mut Spec,
    ) -> Result<Prepared, Error> {
        let adapter = Self::adapter(create)?;
        let (token, token_file) =
            self.new_token(id, Incarnation::FIRST).map_err(Error::internal)?;
        // Before the agent's settings are written: they pin it, so that a project's do not replace it.
        spec.set_env(TOKEN_FILE, &token_file.path.to_string_lossy());
        let launch = match adapter {
            None | Some(Agent::Generic) => Launch::default(),
            Some(agent) => self.plan(agent, id, create, spec).await?,
        };
        if !launch.command.is_empty() {
            spec.command.clone_from(&launch.command);
        }
        // Within the session, as the agent's own hooks will run: nowhere else would the gate answer.
        if let (Some(trial), Some(program)) = (&launch.trial, self.hook_program()) {
            spec.command = trial.before(&program.to_string_lossy(), &spec.command);
        }
        launch.env.iter().for_each(|(name, value)| spec.set_env(name, value));
        let agent_files = agent_files(adapter, spec, &launch);
        let files = launch
            .files
            .into_iter()
            .map(|file| BundleFile { path: file.path, content: file.content });
        let gate = match (adapter, launch.ungated) {
            (None, _) => Gate::Ungated { reason: "it was started without an adapter".to_owned() },
            (Some(_), Some(reason)) => Gate::Ungated { reason },
            (Some(Agent::Generic), None) => Gate::None,
            (Some(Agent::Claude | Agent::Codex), None) => Gate::Unproven,
        };
        let mut notices = launch.warnings;
        notices.extend(launch.dialogs.iter().map(|dialog| described(*dialog).to_owned()));
        if let Gate::Ungated { reason } = &gate {
            notices.push(format!("UNGATED: {reason}: its tool calls are not judged"));
        }
        Ok(Prepared {
            provider: adapter.map_or(NO_ADAPTER, Agent::name).to_owned(),
            files: std::iter::once(token_file).chain(files).collect(),
            agent: self.new_agent(caller, create, spec, (gate, token, launch.conversation)),
            agent_files,
            notices,
        })
    }

    fn new_agent(
        &self,
        caller: &Caller,
        create: &Create,
        spec: &Spec,
        (gate, token, conversation): (Gate, TokenHash, Option<String>),
    ) -> SessionAgent {
        SessionAgent {
            owner: caller.principal.clone(),
            home: spec.env("HOME").unwrap_or("/").to_owned(),
            settings: crate::agents::named_settings(&spec.cwd, |name| spec.env(name)),
            workspace: spec.cwd.display().to_string(),
            mode: create.mode,
            gate,
            token: Some((Incarnation::FIRST, token.0)),
            conversation,
            transcript: None,
            activity: None,
            version: 1,
        }
    }

    async fn plan(
        &self,
        agent: Agent,
        id: SessionId,
        create: &Create,
        spec: &Spec,
    ) -> Result<Launch, Error> {
        let Some(hook) = self.hook_program() else {
            let ungated = Some("no cpctl beside the daemon: its hooks cannot report".to_owned());
            return Ok(Launch { ungated, ..Launch::default() });
        };
        let hook = [&self.directories.hook_entry(), &hook];
        let hook = hook.map(|path| path.to_string_lossy().into_owned());
        let (command, mode) = (create.command.clone(), create.mode);
        let longest = self.config.approvals.timeout.0.saturating_add(AFTER_APPROVAL).as_secs();
        let hook_seconds = u32::try_from(longest).unwrap_or(u32::MAX);
        let env: BTreeMap<String, String> = spec.env.iter().cloned().collect();
        let cwd = spec.cwd.clone();
        let home = PathBuf::from(spec.env("HOME").unwrap_or("/"));
        let directory = self.directories.bundle(id).join("agent");
        let planned = self.shutdown.spawn_blocking(move || {
            agent.launch(&LaunchContext {
                command: &command,
                cwd: &cwd,
                home: &home,
                env: &env,
                directory: &directory,
                hook: &hook,
                hook_seconds,
                gate: mode,
                conversation: Some(&id.to_string()),
                read: &|path: &Path| std::fs::read(path).ok(),
            })
        });
        let planned = planned.await.map_err(Error::internal)?;
        planned.map_err(|problem| Error::invalid("command", problem))
    }

    /// `cpctl`, which agents' hooks are: the one beside this program, or this program itself.
    pub(super) fn hook_program(&self) -> Option<PathBuf> {
        if let Some(path) = &self.config.server.hook {
            return Some(path.clone());
        }
        let own = std::env::current_exe().ok()?;
        let beside = own.with_file_name("cpctl");
        beside.is_file().then_some(beside)
    }

    /// Writes what is new about a session's agent, if anything is.
    pub(super) async fn write_agent(
        &self,
        session: SessionId,
        changed: Option<SessionAgent>,
        events: Vec<NewEvent>,
    ) {
        let Some(agent) = changed else { return };
        if let Err(error) = self.store.set_agent(session, agent, events).await {
            warn!(session.id = %session, %error, "what is known of the agent was not written");
        }
    }

    /// Takes up what is known of agents, what waits for people and what they granted. After the sessions
    /// are there, and before anybody can call.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn recover_agents(&self) -> Result<(), Error> {
        let failed = |error| self.store_error(error);
        let mut calls = self.store.judged_calls().await.map_err(failed)?;
        for (id, agent) in self.store.agents().await.map_err(failed)? {
            let Some(live) = self.registry.get(id) else { continue };
            let token = agent.token;
            live.set_agent(agent);
            if let Some(calls) = calls.remove(&id) {
                live.set_calls(calls.count, calls.unjudged);
            }
            if live.state().is_live() {
                self.follow_agent_again(&live).await?;
            }
            match token {
                Some((incarnation, hash)) if live.state().is_live() => {
                    self.tokens.know(TokenHash(hash), id, incarnation);
                    if !self.directories.hook_token(id, incarnation).exists() {
                        self.renew_token(&live).await;
                    }
                }
                Some(_) => self.forget_agent(id).await,
                None => {}
            }
        }
        self.grants.add(self.store.held_grants().await.map_err(failed)?);
        for approval in self.store.pending_approvals().await.map_err(failed)? {
            let session = approval.asked.session;
            self.approvals.opened(&approval.asked);
            match self.registry.get(session).filter(|live| live.state().is_live()) {
                Some(live) => {
                    live.set_pending(self.approvals.count(session));
                    self.watch_expiry(&approval.asked);
                }
                None => self.cancel_approvals(session).await,
            }
        }
        Ok(())
    }

    /// The run of a session is over: its hooks report no more, its calls wait no more.
    pub(super) async fn forget_agent(&self, session: SessionId) {
        let Some(live) = self.registry.get(session) else { return };
        self.revoke_token(session, live.incarnation());
        drop(self.open_calls.close_all(session));
        self.cancel_approvals(session).await;
        live.forget_program_status();
        let changed = live.change_agent(|agent| {
            agent.token = None;
            agent.activity = None;
        });
        self.write_agent(session, changed, Vec::new()).await;
        self.receipts.wake(session);
    }
}

/// What an agent reads and writes, as far as it is known before it starts.
fn agent_files(adapter: Option<Agent>, spec: &Spec, launch: &Launch) -> AgentFiles {
    let Some(agent) = adapter else { return AgentFiles::default() };
    let env: BTreeMap<String, String> = spec.env.iter().cloned().collect();
    let home = PathBuf::from(spec.env("HOME").unwrap_or("/"));
    let transcript = launch
        .conversation
        .as_deref()
        .and_then(|id| agent.transcript_path(&home, &spec.cwd, &env, id));
    AgentFiles {
        settings: launch.watched.iter().map(|path| (path.clone(), 0)).collect(),
        transcripts: transcript.into_iter().map(|path| (path, 0)).collect(),
    }
}

/// What a dialog of an agent's first run is about.
const fn described(dialog: Dialog) -> &'static str {
    match dialog {
        Dialog::Onboarding => "the agent will ask for its first-run settings: attach and answer",
        Dialog::ApiKey => "the agent will ask whether to use the API key: attach and answer",
        Dialog::WorkspaceTrust => {
            "the agent will ask whether to trust the directory, and runs no hook before: attach and answer"
        }
        Dialog::HookTrust => "the agent will ask whether to trust its hooks: attach and answer",
    }
}
