//! Wait for something to be true of a session.

use std::sync::Arc;
use std::time::Duration;

use codeplane_core::{ActivityName, OutputPosition, StateName};
use regex::{Regex, RegexBuilder};
use tokio::time::{Instant, sleep_until, timeout};

use super::App;
use super::error::Error;
use crate::session::{Live, Search, View};

/// Longest regular expression, in bytes.
const REGEX_BYTES: usize = 4096;

/// Most memory one compiled expression may take, in bytes.
const REGEX_MEMORY: usize = 1 << 20;

/// What to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The end of the present run.
    Exit,
    /// No output for this long.
    Quiet(Duration),
    /// Text.
    Output {
        /// A regular expression.
        regex: String,
        /// Where to begin; none: the start of the incarnation.
        from: Option<OutputPosition>,
    },
    /// A state.
    State(StateName),
    /// What the agent does.
    Activity(ActivityName),
}

/// What was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waited {
    /// The session.
    pub view: View,
    /// The text that matched.
    pub matched: Option<String>,
    /// Where the output was; behind the match.
    pub position: OutputPosition,
}

impl App {
    /// Blocks until a condition holds.
    ///
    /// # Errors
    /// [`Error::TimedOut`], [`Error::WrongState`] if the session ends in another way first,
    /// [`Error::Invalid`], [`Error::Stopping`].
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn wait(
        &self,
        reference: &str,
        condition: Condition,
        limit: Option<Duration>,
    ) -> Result<Waited, Error> {
        let live = self.find(reference)?;
        let wanted = described(&condition);
        let work = self.wait_for(&live, condition);
        let stop = self.shutdown.clone();
        tokio::select! {
            waited = work => waited,
            () = stop.begun() => Err(Error::Stopping),
            () = expired(limit) => {
                let limit = limit.unwrap_or_default().as_secs_f64();
                Err(Error::TimedOut(format!("{limit} s waiting for {wanted}: {}", found(&live))))
            }
        }
    }

    async fn wait_for(&self, live: &Arc<Live>, condition: Condition) -> Result<Waited, Error> {
        match condition {
            Condition::Exit => {
                live.until(|live| (!live.state().is_live()).then_some(())).await;
                Ok(now(live))
            }
            Condition::State(wanted) => {
                let state = live
                    .until(|live| {
                        let state = live.state();
                        (state.name() == wanted || !state.is_live()).then_some(state)
                    })
                    .await;
                if state.name() == wanted { Ok(now(live)) } else { Err(ended(live)) }
            }
            Condition::Activity(wanted) => {
                let found = live
                    .until(|live| {
                        let does =
                            live.agent().activity.map_or(ActivityName::Unknown, |now| now.name);
                        (does == wanted || !live.state().is_live()).then_some(does)
                    })
                    .await;
                if found == wanted { Ok(now(live)) } else { Err(ended(live)) }
            }
            Condition::Quiet(quiet) => quiet_for(live, quiet).await,
            Condition::Output { regex, from } => {
                // An expression may take a tenth of a second to compile: not on the runtime's thread.
                let compiled = self.shutdown.spawn_blocking(move || compile(&regex)).await;
                let regex = compiled.map_err(Error::internal)??;
                let from = match from {
                    None => live.start_position(),
                    Some(position) => super::terminals::checked_position(live, position)?,
                };
                self.text(live, &regex, from).await
            }
        }
    }

    /// Searches the output as it comes.
    async fn text(
        &self,
        live: &Arc<Live>,
        regex: &Regex,
        from: OutputPosition,
    ) -> Result<Waited, Error> {
        let mut search = Search::new(live, from.offset);
        loop {
            let end = live.end();
            let ended_before = !live.state().is_live();
            while search.at() < end {
                let regex = regex.clone();
                // Reading and matching take processor time: not on the runtime's thread.
                let step = self.shutdown.spawn_blocking(move || {
                    let found = search.step(end, &regex);
                    (search, found)
                });
                let (next, found) = step.await.map_err(Error::internal)?;
                search = next;
                if let Some((matched, offset)) = found.map_err(Error::internal)? {
                    let position = OutputPosition { offset, ..from };
                    return Ok(Waited { view: live.view(), matched: Some(matched), position });
                }
            }
            if ended_before {
                return Err(ended(live));
            }
            let at = search.at();
            live.until(|live| (live.end() > at || !live.state().is_live()).then_some(())).await;
        }
    }
}

/// What is waited for, as `cpctl wait --for` names it.
fn described(condition: &Condition) -> String {
    match condition {
        Condition::Exit => "exit".to_owned(),
        Condition::Quiet(time) => format!("quiet={}s", time.as_secs_f64()),
        Condition::Output { regex, .. } => format!("output={}", regex.escape_debug()),
        Condition::State(state) => format!("state={state}"),
        Condition::Activity(activity) => format!("activity={}", activity.as_str()),
    }
}

/// What is to be seen instead: the session by its name, its state, and what its agent does.
fn found(live: &Live) -> String {
    let (name, is) = (live.session().spec.name, live.state_name());
    let called = name.map_or_else(|| live.id().to_string(), |name| name.to_string());
    match live.agent().activity {
        Some(activity) => {
            format!("session {called} is {is}, its agent is {}", activity.name.as_str())
        }
        None => format!("session {called} is {is}, and its agent has told nothing"),
    }
}

fn compile(regex: &str) -> Result<Regex, Error> {
    if regex.is_empty() || regex.len() > REGEX_BYTES {
        let text = format!("must have 1 to {REGEX_BYTES} bytes");
        return Err(Error::invalid("output.regex", text));
    }
    RegexBuilder::new(regex).multi_line(true).size_limit(REGEX_MEMORY).build().map_err(|error| {
        let text = error.to_string();
        // The library draws the place of the mistake over several lines; its last one names it.
        let reason = text.lines().last().unwrap_or("it cannot be compiled").trim();
        Error::invalid("output.regex", reason.trim_start_matches("error: "))
    })
}

async fn quiet_for(live: &Arc<Live>, quiet: Duration) -> Result<Waited, Error> {
    let mut end = live.end();
    let mut since = Instant::now();
    loop {
        let changed = live.until(|live| (live.end() > end).then(|| live.end()));
        match timeout(quiet.saturating_sub(since.elapsed()), changed).await {
            Ok(new) => {
                end = new;
                since = Instant::now();
            }
            Err(_) => return Ok(now(live)),
        }
    }
}

async fn expired(limit: Option<Duration>) {
    match limit.and_then(|limit| Instant::now().checked_add(limit)) {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn now(live: &Live) -> Waited {
    Waited { view: live.view(), matched: None, position: live.end_position() }
}

fn ended(live: &Live) -> Error {
    Error::WrongState {
        session: live.id(),
        is: live.state_name(),
        wanted: "it ended before the condition held",
    }
}
