//! Old output, old sessions, old events and old requests go.

use std::sync::Arc;
use std::time::Duration;

use codeplane_core::audit::NewAudit;
use codeplane_core::{EventKind, Offset, OutputPosition, Timestamp};
use codeplane_store::Keep;
use tracing::{info, warn};

use super::App;
use super::sessions::IfRunning;
use crate::session::{Limits, Live, remove_before, too_much};

/// How often it looks at everything else.
const REST_EVERY: Duration = Duration::from_secs(600);

/// How long the answer to a mutation is remembered.
const REQUESTS_US: i64 = 24 * 3600 * 1_000_000;

/// Removes what is too old or too much, as long as the daemon runs.
pub(crate) async fn retain(app: App) {
    let stop = app.shutdown.clone();
    loop {
        app.retain_output().await;
        app.retain_rest().await;
        let rest_at = tokio::time::Instant::now() + REST_EVERY;
        loop {
            tokio::select! {
                () = stop.begun() => return,
                // Idle sessions cost nothing: only a new segment can make one too many.
                () = app.surroundings.new_segment() => app.retain_output().await,
                () = tokio::time::sleep_until(rest_at) => break,
            }
        }
    }
}

impl App {
    async fn retain_output(&self) {
        let all = self.registry.all();
        let output = &self.config.output;
        let limits = Limits { session: output.session_limit.0, total: output.total_limit.0 };
        let looked = all.clone();
        let plan = self.shutdown.spawn_blocking(move || too_much(&looked, limits)).await;
        for (index, boundary) in plan.unwrap_or_default() {
            self.remove_before(&all[index], boundary).await;
        }
    }

    /// Removes the segments before `boundary`, once no screen needs them.
    async fn remove_before(&self, live: &Arc<Live>, boundary: Offset) {
        if let Err(error) = self.surroundings.watcher().seal(live, boundary).await {
            warn!(session.id = %live.id(), %error, "output stays: there is no screen to go on from");
            return;
        }
        // Readers that come to the gap are told; those before it find the file open.
        live.set_oldest(boundary);
        let old = Arc::clone(live);
        let removed = self.shutdown.spawn_blocking(move || remove_before(&old, boundary)).await;
        if let Ok(Err(error)) = removed {
            // What is still there is still too much: the next look tries again.
            warn!(session.id = %live.id(), %error, "old output was not removed");
            return;
        }
        let oldest = OutputPosition { incarnation: live.incarnation(), offset: boundary };
        let event = self.event(live.id(), EventKind::OutputRemoved { oldest });
        if let Err(error) = self.store.append_events(vec![event]).await {
            warn!(session.id = %live.id(), %error, "the removal of output was not recorded");
        }
    }

    pub(super) async fn retain_rest(&self) {
        let now = self.clock.now();
        let before = Timestamp::from_micros(now.as_micros() - REQUESTS_US);
        if let Err(error) = self.store.forget_requests(before).await {
            warn!(%error, "old requests were not forgotten");
        }
        let keep = u32::try_from(self.config.events.max).unwrap_or(u32::MAX);
        if let Err(error) = self.store.prune_events(Keep::Newest(keep)).await {
            warn!(%error, "old events were not removed");
        }
        let keep = i64::try_from(self.config.approvals.keep.0.as_micros()).unwrap_or(i64::MAX);
        let before = Timestamp::from_micros(now.as_micros().saturating_sub(keep));
        if let Err(error) = self.store.forget_reports(before).await {
            warn!(%error, "old reports of hooks were not removed");
        }
        self.retain_audit(now).await;
        let Some(age) = self.config.sessions.ended_age else { return };
        for live in self.registry.all() {
            let old = live.session().ended_at.is_some_and(|ended| {
                i64::try_from(age.0.as_micros()).is_ok_and(|age| now.micros_since(ended) > age)
            });
            if old {
                info!(session.id = %live.id(), "session {} ended long ago: removed", live.id());
                let removed = self.remove(NewAudit::DAEMON, Arc::clone(&live), IfRunning::Refuse);
                if let Err(error) = removed.await {
                    warn!(session.id = %live.id(), %error, "an old session was not removed");
                }
            }
        }
    }

    /// Records of the audit log have limits of their own: they outlive their session.
    async fn retain_audit(&self, now: Timestamp) {
        let audit = &self.config.audit;
        let most = Keep::Newest(u32::try_from(audit.max).unwrap_or(u32::MAX));
        let age = audit.age.and_then(|age| i64::try_from(age.0.as_micros()).ok());
        let young = age.map(|age| Keep::Since(Timestamp::from_micros(now.as_micros() - age)));
        for keep in std::iter::once(most).chain(young) {
            if let Err(error) = self.store.prune_audit(keep, now).await {
                warn!(%error, "old records of the audit log were not removed");
            }
        }
    }
}
