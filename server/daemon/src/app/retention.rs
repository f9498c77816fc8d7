//! Old output, old sessions, old events and old requests go.

use std::sync::Arc;
use std::time::Duration;

use codeplane_core::{EventKind, Offset, OutputPosition, SegmentFacts, Timestamp, excess};
use codeplane_shim::{Segment, remove_segment, segments};
use codeplane_store::Keep;
use tracing::{info, warn};

use super::App;
use super::sessions::IfRunning;
use crate::session::Live;

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

/// A segment of a session.
type Key = (usize, usize);

impl App {
    async fn retain_output(&self) {
        let all = self.registry.all();
        let app = self.clone();
        let work = self.shutdown.spawn_blocking(move || app.remove_old_output(&all));
        let Ok(removed) = work.await else { return };
        for (live, oldest) in removed {
            live.set_oldest(oldest);
            let oldest = OutputPosition { incarnation: live.incarnation(), offset: oldest };
            let event = self.event(live.id(), EventKind::OutputRemoved { oldest });
            if let Err(error) = self.store.append_events(vec![event]).await {
                warn!(session.id = %live.id(), %error, "the removal of output was not recorded");
            }
        }
    }

    /// First each session down to its limit, then all together; answers what each begins with now.
    fn remove_old_output(&self, all: &[Arc<Live>]) -> Vec<(Arc<Live>, Offset)> {
        let limits = &self.config.output;
        let mut lists: Vec<Vec<Segment>> =
            all.iter().map(|live| segments(&live.output_dir()).unwrap_or_default()).collect();
        let mut shortened = vec![false; all.len()];
        for (index, list) in lists.iter_mut().enumerate() {
            let total = list.iter().map(|segment| segment.len_bytes).sum();
            let old: Vec<SegmentFacts<usize>> = removable(list);
            for _ in excess(&old, total, limits.session_limit.0) {
                shortened[index] |= remove_first(&all[index], list);
            }
        }
        let total: u64 = lists.iter().flatten().map(|segment| segment.len_bytes).sum();
        for (session, _) in excess(&by_age(&lists), total, limits.total_limit.0) {
            shortened[session] |= remove_first(&all[session], &mut lists[session]);
        }
        let changed = all.iter().zip(lists).zip(shortened).filter(|(_, shortened)| *shortened);
        changed
            .filter_map(|((live, list), _)| Some((Arc::clone(live), list.first()?.base)))
            .collect()
    }

    async fn retain_rest(&self) {
        let now = self.clock.now();
        let before = Timestamp::from_micros(now.as_micros() - REQUESTS_US);
        if let Err(error) = self.store.forget_requests(before).await {
            warn!(%error, "old requests were not forgotten");
        }
        let keep = u32::try_from(self.config.events.max).unwrap_or(u32::MAX);
        if let Err(error) = self.store.prune_events(Keep::Newest(keep)).await {
            warn!(%error, "old events were not removed");
        }
        let Some(age) = self.config.sessions.ended_age else { return };
        for live in self.registry.all() {
            let old = live.session().ended_at.is_some_and(|ended| {
                i64::try_from(age.0.as_micros()).is_ok_and(|age| now.micros_since(ended) > age)
            });
            if old {
                info!(session.id = %live.id(), "session {} ended long ago: removed", live.id());
                if let Err(error) = self.remove(Arc::clone(&live), IfRunning::Refuse).await {
                    warn!(session.id = %live.id(), %error, "an old session was not removed");
                }
            }
        }
    }
}

/// All but the newest, which the shim writes.
fn removable(list: &[Segment]) -> Vec<SegmentFacts<usize>> {
    let old = list.len().saturating_sub(1);
    let facts = list.iter().take(old).enumerate();
    facts.map(|(key, segment)| SegmentFacts { key, bytes: segment.len_bytes }).collect()
}

/// The removable segments of all sessions, the one written longest ago first.
fn by_age(lists: &[Vec<Segment>]) -> Vec<SegmentFacts<Key>> {
    let mut dated = Vec::new();
    for (session, list) in lists.iter().enumerate() {
        for SegmentFacts { key, bytes } in removable(list) {
            let written = std::fs::metadata(&list[key].path).and_then(|facts| facts.modified());
            dated.push((written.ok(), SegmentFacts { key: (session, key), bytes }));
        }
    }
    dated.sort_by_key(|(written, facts)| (*written, facts.key));
    dated.into_iter().map(|(_, facts)| facts).collect()
}

fn remove_first(live: &Live, list: &mut Vec<Segment>) -> bool {
    let Some(segment) = list.first() else { return false };
    match remove_segment(&live.output_dir(), segment.base) {
        Ok(()) => {
            list.remove(0);
            true
        }
        Err(error) => {
            warn!(path = %segment.path.display(), %error, "old output was not removed");
            false
        }
    }
}
