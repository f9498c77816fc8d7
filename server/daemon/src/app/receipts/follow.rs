//! Follows the files of one session's agent until its run is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use codeplane_core::audit::AuditKind;
use codeplane_core::{AgentEvent, EventKind, SessionId};
use codeplane_store::{Followed, FollowedKind};
use tokio::sync::Notify;
use tracing::warn;

use super::super::hooks::{Asked, shortened};
use super::super::{App, Error};
use super::compare::{Problem, Witness};
use super::settings::{Edit, Settings};
use super::transcripts::{Found, Told, Transcripts};
use crate::agents::Agent;
use crate::os::{FileWatch, Target};
use crate::session::Live;

/// How long settings must stay as they are before they are compared: whoever edits them may write in pieces.
const SETTLES: Duration = Duration::from_millis(100);

/// What an agent reads and writes, as far as it is known before it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct AgentFiles {
    /// Settings that change what its hooks do, there or not, and the digest of what they said of hooks when they
    /// were looked at last; 0: never.
    pub(in crate::app) settings: Vec<(PathBuf, u64)>,
    /// Transcripts, and how much of them need not be read.
    pub(in crate::app) transcripts: Vec<(PathBuf, u64)>,
}

impl App {
    /// Compares what the agent of a live session does with what is decided, until its run is over.
    pub(in crate::app) fn follow_agent(&self, live: &Arc<Live>, files: AgentFiles) {
        let agent = match Agent::named(&live.session().spec.provider) {
            Some(agent @ (Agent::Claude | Agent::Codex)) => agent,
            // Such a program writes no transcript that anybody knows, and has no settings.
            Some(Agent::Generic) | None => return,
        };
        drop(self.shutdown.spawn(self.clone().await_first_report(Arc::clone(live))));
        let wake = self.receipts.begin(live.id());
        let work = Work::new(agent, live, files, self.file_watch(Arc::clone(&wake)));
        let follower = Follower { app: self.clone(), live: Arc::clone(live), agent, wake };
        drop(self.shutdown.spawn(follower.run(work)));
    }

    /// Goes on with a session that an earlier daemon followed.
    ///
    /// # Errors
    /// Those of the store.
    pub(in crate::app) async fn follow_agent_again(&self, live: &Arc<Live>) -> Result<(), Error> {
        let known = self.store.followed_files(live.id()).await;
        let mut files = AgentFiles::default();
        for Followed { kind, path, position } in known.map_err(|error| self.store_error(error))? {
            match kind {
                FollowedKind::Settings => files.settings.push((path.into(), position)),
                FollowedKind::Transcript => files.transcripts.push((path.into(), position)),
            }
        }
        self.follow_agent(live, files);
        Ok(())
    }
}

/// What is done on a thread that may block.
struct Work {
    transcripts: Transcripts,
    settings: Settings,
    watch: Option<FileWatch>,
    watched: Vec<Target>,
}

/// What one look has found.
#[derive(Default)]
struct Looked {
    found: Found,
    edits: Vec<Edit>,
    unwatched: Option<String>,
}

impl Work {
    fn new(agent: Agent, live: &Live, files: AgentFiles, watch: Option<FileWatch>) -> Self {
        let began_ms = live.session().spec.created_at.as_micros() / 1000;
        let mut transcripts = Transcripts::new(agent, began_ms);
        files.transcripts.iter().for_each(|(path, position)| {
            transcripts.add_conversation(path, *position);
        });
        // Before the agent can have changed any.
        let settings = Settings::new(agent, files.settings);
        Self { transcripts, settings, watch, watched: Vec::new() }
    }

    fn look(&mut self, told: &[PathBuf]) -> Looked {
        told.iter().for_each(|path| self.transcripts.add_conversation(path, 0));
        let mut targets = self.settings.targets();
        targets.extend(self.transcripts.targets());
        // Watched first, looked at then: nothing is missed in between.
        let watched = self.watch.as_ref().map_or(Ok(()), |watch| watch.set(&targets));
        let is_news = targets != self.watched;
        self.watched = targets;
        Looked {
            found: self.transcripts.read(),
            edits: self.settings.look(),
            unwatched: watched.err().filter(|_| is_news).map(|error| error.to_string()),
        }
    }

    fn followed(&self) -> Vec<Followed> {
        let text = |path: &std::path::Path| path.to_str().map(str::to_owned);
        let transcripts = self.transcripts.positions().filter_map(|(path, position)| {
            Some(Followed { kind: FollowedKind::Transcript, path: text(path)?, position })
        });
        let settings = self.settings.digests().filter_map(|(path, digest)| {
            Some(Followed { kind: FollowedKind::Settings, path: text(path)?, position: digest })
        });
        transcripts.chain(settings).collect()
    }
}

struct Follower {
    app: App,
    live: Arc<Live>,
    agent: Agent,
    wake: Arc<Notify>,
}

impl Follower {
    async fn run(self, mut work: Work) {
        let (app, session) = (&self.app, self.live.id());
        let mut written = Vec::new();
        loop {
            // What the run leaves behind is there when it is over: one more look.
            let is_over = !self.live.state().is_live();
            let told = app.receipts.all_told(session);
            let looking = app.shutdown.spawn_blocking(move || {
                let looked = work.look(&told);
                (work, looked)
            });
            let Ok((back, looked)) = looking.await else { break };
            work = back;
            let has_more = looked.found.has_more;
            self.settle(looked).await;
            self.keep(&work, &mut written).await;
            if has_more {
                continue;
            }
            if is_over || self.pause(&work).await == Pause::Stopping {
                break;
            }
        }
        app.receipts.end(session);
    }

    /// Waits for something to look at.
    async fn pause(&self, work: &Work) -> Pause {
        let unsettled = work.settings.is_unsettled();
        tokio::select! {
            () = self.app.shutdown.begun() => Pause::Stopping,
            () = self.wake.notified() => Pause::Look,
            () = tokio::time::sleep(SETTLES), if unsettled => Pause::Look,
        }
    }

    /// Writes down how far everything was read, if that is new.
    async fn keep(&self, work: &Work, written: &mut Vec<Followed>) {
        let followed = work.followed();
        if followed == *written {
            return;
        }
        let changed = followed.iter().filter(|file| !written.contains(file)).cloned().collect();
        match self.app.store.follow_files(self.live.id(), changed).await {
            Ok(()) => *written = followed,
            Err(error) => {
                let session = self.live.id();
                warn!(session.id = %session, %error, "how far a transcript was read is not written down");
            }
        }
    }

    async fn settle(&self, looked: Looked) {
        let session = self.live.id();
        if let Some(error) = looked.unwatched {
            warn!(session.id = %session, "files of the agent of session {session} cannot be watched: {error}");
        }
        for (path, error) in looked.found.problems {
            let path = path.display();
            warn!(session.id = %session, "transcript {path} of session {session} cannot be read: {error}");
        }
        for told in looked.found.told {
            self.settle_call(told).await;
        }
        for edit in looked.edits {
            self.settle_edit(session, edit).await;
        }
    }

    async fn settle_call(&self, told: Told) {
        let (call, problem) = match told {
            Told::Ran(call) => {
                let ran = Asked { agent: self.agent, tool: &call, cwd: None };
                let compared = self.app.compare(&self.live, ran, Witness::Transcript).await;
                match compared {
                    Ok(problem) => (call, problem),
                    Err(error) => {
                        let session = self.live.id();
                        warn!(session.id = %session, %error, "a call was not compared with its decision: {error}");
                        return;
                    }
                }
            }
            Told::Unseen(call, what) => {
                let problem = format!("unproven tool use: {what}, which no hook is shown");
                (call, Some(Problem::Unjudged(problem)))
            }
        };
        if let Some(problem) = problem {
            self.app.report_breach(&self.live, &call, &problem).await;
        }
    }

    async fn settle_edit(&self, session: SessionId, Edit { path, change }: Edit) {
        let (path, change) = (shortened(&path.display().to_string()), shortened(&change));
        warn!(session.id = %session, "the hooks of session {session} were edited in {path}: {change}");
        let record = self.app.audit_of("daemon", AuditKind::HooksEdited, &self.live);
        let record = record.with("path", path.clone()).with("change", change.clone());
        let event = EventKind::Agent(AgentEvent::HooksEdited { path, change });
        if let Err(error) = self.app.store.append_events(vec![self.app.event(session, event)]).await
        {
            warn!(session.id = %session, %error, "an edit of hooks was not written down");
        }
        self.app.note(record).await;
    }
}

/// Why a pause ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    /// Something may have happened.
    Look,
    /// The daemon ends.
    Stopping,
}
