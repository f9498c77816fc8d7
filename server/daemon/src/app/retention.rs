//! Old output, old sessions, old events and old requests go.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use codeplane_core::{EventKind, Offset, OutputPosition, SegmentFacts, Timestamp, excess};
use codeplane_shim::{Segment, remove_segment, segments};
use codeplane_store::Keep;
use tracing::{info, warn};

use super::App;
use super::sessions::IfRunning;
use crate::config::OutputConfig;
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
        let limits = self.config.output;
        let looked = all.clone();
        let plan = self.shutdown.spawn_blocking(move || plan(&looked, &limits)).await;
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
        let dir = live.output_dir();
        let removed = self.shutdown.spawn_blocking(move || remove_up_to(&dir, boundary)).await;
        if let Ok(Err(error)) = removed {
            warn!(session.id = %live.id(), %error, "old output was not removed");
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

/// Up to where the output of which sessions must go: first each session down to its limit, then all
/// together, what was written longest ago first.
fn plan(all: &[Arc<Live>], limits: &OutputConfig) -> Vec<(usize, Offset)> {
    let mut lists: Vec<Vec<Segment>> =
        all.iter().map(|live| segments(&live.output_dir()).unwrap_or_default()).collect();
    let mut gone = vec![0; all.len()];
    for (index, list) in lists.iter().enumerate() {
        let total = list.iter().map(|segment| segment.len_bytes).sum();
        gone[index] = excess(&removable(list), total, limits.session_limit.0).len();
    }
    for (list, gone) in lists.iter_mut().zip(&gone) {
        list.drain(..gone);
    }
    let total: u64 = lists.iter().flatten().map(|segment| segment.len_bytes).sum();
    let mut more = vec![0; all.len()];
    for (session, _) in excess(&by_age(&lists), total, limits.total_limit.0) {
        more[session] += 1;
    }
    (0..all.len())
        .filter(|index| gone[*index] + more[*index] > 0)
        .filter_map(|index| Some((index, lists[index].get(more[index])?.base)))
        .collect()
}

fn remove_up_to(dir: &Path, boundary: Offset) -> std::io::Result<()> {
    let old = segments(dir)?.into_iter().filter(|segment| segment.base < boundary);
    old.map(|segment| segment.base).try_for_each(|base| remove_segment(dir, base))
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
