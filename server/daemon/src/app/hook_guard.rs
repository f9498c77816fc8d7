//! The program that agents start as their hook lies where every session may write, if it runs as the same user.

use std::time::Duration;

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{AgentEvent, EventKind, Gate, GateEvidence};
use tracing::error;

use super::App;
use super::hooks::Follows;
use crate::hook_entry::{self, Identity};

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Puts the hook program back when somebody has changed it, as long as the daemon runs. What was asked meanwhile was
/// perhaps not judged: it is told of every session that has hooks.
pub(crate) async fn guard_hook_program(app: App) {
    let (stop, path) = (app.shutdown.clone(), app.directories.hook_entry());
    let mut known = Identity::of(&path);
    loop {
        tokio::select! {
            () = stop.begun() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if Identity::of(&path) == known {
            continue;
        }
        error!("the hook program {} was changed: put back", path.display());
        match hook_entry::install(&path) {
            Ok(()) => known = Identity::of(&path),
            // What lies there is not ours: it is tried again.
            Err(error) => error!(%error, "the hook program cannot be put back: {error}"),
        }
        app.tell_of_hook_program().await;
    }
}

impl App {
    async fn tell_of_hook_program(&self) {
        let path = self.directories.hook_entry().display().to_string();
        let change = "the hook program itself was replaced";
        for live in self.registry.all() {
            let agent = live.agent();
            if !live.state().is_live() || matches!(agent.gate, Gate::None | Gate::Ungated { .. }) {
                continue;
            }
            let mut follows = Follows::default();
            self.learn_gate(
                &live,
                &GateEvidence::Unjudged { reason: change.to_owned() },
                &mut follows,
            );
            let event = AgentEvent::HooksEdited { path: path.clone(), change: change.to_owned() };
            follows.events.push(self.event(live.id(), EventKind::Agent(event)));
            let record = self.audit_of(NewAudit::DAEMON, AuditKind::HooksEdited, &live);
            follows.audit.push(record.with("path", path.clone()).with("change", change));
            let Follows { agent, events, audit, .. } = follows;
            self.write_agent(live.id(), agent, events).await;
            for record in audit {
                self.note(record).await;
            }
        }
    }
}
