//! What is measured: one line of JSON each.

use serde::{Deserialize, Serialize};

/// One measurement of one peer, with the yardsticks of the same round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measurement {
    /// When, RFC 3339.
    pub at: String,
    /// Which workload.
    pub workload: String,
    /// Which peer.
    pub peer: String,
    /// Which round, from 0.
    pub round: u32,
    /// Load average of the last minute, before it began.
    pub load: f64,
    /// What came out.
    pub figures: Figures,
    /// The same for `raw`, measured just before or after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Figures>,
    /// The same for `rawtty`, measured just before or after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rawtty: Option<Figures>,
}

/// Outcome of a workload.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Figures {
    /// W1.
    Bulk(Bulk),
    /// W2 and W2f.
    Echo(Echo),
    /// W3.
    Start(Times),
    /// W3p.
    StartAtOnce(StartAtOnce),
    /// W4.
    Memory(Memory),
    /// W5.
    Idle(Idle),
    /// W6.
    Reattach(Reattach),
    /// W7 and W7s.
    Fan(Fan),
    /// W8.
    Survival(Survival),
    /// H1.
    RoundTrip(Times),
    /// H2.
    Evaluations(Evaluations),
    /// H3.
    Decisions(Decisions),
    /// H4 and H4p.
    Fairness(Fairness),
    /// Nothing came out.
    Failed {
        /// Why.
        why: String,
    },
}

impl Figures {
    /// The number by which peers are compared, where there is one; false of what failed.
    #[must_use]
    pub fn headline(&self) -> Option<f64> {
        match self {
            Self::Bulk(bulk) => Some(bulk.mb_per_s),
            Self::Echo(echo) => Some(echo.times.p50_ms),
            Self::Start(times) | Self::RoundTrip(times) => Some(times.p50_ms),
            Self::StartAtOnce(start) => Some(start.all_ms),
            Self::Fan(fan) => Some(fan.total_mb_per_s),
            Self::Memory(_)
            | Self::Idle(_)
            | Self::Reattach(_)
            | Self::Survival(_)
            | Self::Evaluations(_)
            | Self::Decisions(_)
            | Self::Fairness(_)
            | Self::Failed { .. } => None,
        }
    }
}

/// A set of times.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Times {
    /// How many there are.
    pub count: usize,
    /// The shortest, in milliseconds.
    pub min_ms: f64,
    /// Half are shorter.
    pub p50_ms: f64,
    /// Of ten, nine are shorter.
    #[serde(default)]
    pub p90_ms: f64,
    /// Of a hundred, 99 are shorter.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Times {
    /// The figures of `times_ms`.
    #[must_use]
    pub fn of(mut times_ms: Vec<f64>) -> Self {
        times_ms.sort_by(f64::total_cmp);
        let count = times_ms.len();
        let at = |percent: usize| {
            let index = count.saturating_sub(1) * percent / 100;
            times_ms.get(index).copied().unwrap_or_default()
        };
        Self {
            count,
            min_ms: at(0),
            p50_ms: at(50),
            p90_ms: at(90),
            p99_ms: at(99),
            max_ms: at(100),
        }
    }
}

/// Bulk output through an attached client.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Bulk {
    /// MiB the program wrote.
    pub megabytes: u64,
    /// From the command to the end mark.
    pub seconds: f64,
    /// 10^6 bytes *written by the program* a second.
    pub mb_per_s: f64,
    /// Whether every byte came, compared one by one.
    pub lossless: bool,
    /// Bytes the client received by bytes it should have.
    pub received_ratio: f64,
    /// Where the first wrong byte is, if any.
    pub first_mismatch: Option<u64>,
    /// Processor time of daemon and helpers, in seconds.
    pub daemon_cpu_s: f64,
    /// Processor time of the attach client, in seconds; of the program, for `raw`.
    pub client_cpu_s: f64,
}

/// Echoes of single keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Echo {
    /// From sending to seeing.
    pub times: Times,
    /// Answers that did not come within two seconds.
    pub lost: usize,
}

/// Many sessions at once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StartAtOnce {
    /// How many were asked for.
    pub wanted: usize,
    /// How many came up.
    pub started: usize,
    /// Until the last one was ready.
    pub all_ms: f64,
}

/// Memory of idle sessions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// How many were asked for.
    pub wanted: usize,
    /// How many came up.
    pub sessions: usize,
    /// Daemon and helpers before the first session, in KiB.
    pub before_kb: u64,
    /// Daemon and helpers with all of them, in KiB.
    pub total_kb: u64,
    /// The latter divided by the sessions.
    pub per_session_kb: u64,
    /// How many processes daemon and helpers are.
    pub processes: usize,
}

/// Processor time of idle sessions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Idle {
    /// How many sessions came up.
    pub sessions: usize,
    /// Of daemon and helpers.
    pub cpu_s_per_min: f64,
}

/// Reattaching to a screen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reattach {
    /// MiB printed before the final screen.
    pub megabytes: u64,
    /// Rows of the final screen that were right at last.
    pub right_rows: usize,
    /// The first time, two seconds after the last output, until all rows were right.
    pub first_ms: Option<f64>,
    /// The times after that.
    pub times: Times,
    /// Bytes received in the last one.
    pub bytes: usize,
}

/// Many readers of one session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Fan {
    /// MiB the program wrote.
    pub megabytes: u64,
    /// Readers that were to see the end mark.
    pub readers: usize,
    /// Readers that saw it.
    pub finished: usize,
    /// Until the slowest one saw it.
    pub seconds: f64,
    /// Terminal bytes received by all.
    pub bytes: u64,
    /// Received bytes by those which lossless readers get.
    pub received_ratio: f64,
    /// Received by all, 10^6 bytes a second.
    pub total_mb_per_s: f64,
    /// Whether the program could write everything.
    pub program_finished: bool,
    /// How far the memory of daemon and helpers grew, in KiB.
    pub memory_growth_kb: u64,
}

/// SIGKILL of the daemon.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Survival {
    /// How many processes were killed.
    pub killed: usize,
    /// Whether the program lived a second later.
    pub program_survived: bool,
    /// What the program had counted to when the daemon was killed.
    pub count_at_kill: u64,
    /// And a second later.
    pub count_later: u64,
    /// What the client saw that was attached all the time.
    pub client: Option<Follow>,
    /// What a client saw that attached after the daemon was started again.
    pub after: Option<Follow>,
    /// From starting the daemon again until that client read something new, in seconds.
    pub readable_after_s: Option<f64>,
}

/// What a client saw of a counting program.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Follow {
    /// The lowest number.
    pub lowest: u64,
    /// The highest number.
    pub highest: u64,
    /// How many different numbers.
    pub seen: usize,
    /// Whether the client ended by itself.
    pub closed: bool,
    /// From its start until the first number that was new, in seconds.
    pub first_s: Option<f64>,
    /// How long it lived, in seconds.
    pub seconds: f64,
}

/// Judging alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Evaluations {
    /// How many rules judge.
    pub rules: usize,
    /// Evaluations of one simple command in a second of processor time.
    pub short_per_s: f64,
    /// The same of three commands with a pipe, a list and a path.
    pub long_per_s: f64,
}

/// Decisions that are on disk when they are answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Decisions {
    /// How many callers there are, each with one call at a time.
    pub connections: usize,
    /// How many calls were answered.
    pub decisions: usize,
    /// How many of them were allowed.
    pub allowed: usize,
    /// How many of those a second.
    pub per_s: f64,
    /// Records in the audit log afterwards, which was verified; those of the session are among them.
    pub recorded: usize,
    /// From each call to its answer.
    pub times: Times,
}

/// Many agents that ask at once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Fairness {
    /// How many agents.
    pub agents: usize,
    /// How many calls of all.
    pub calls: usize,
    /// How many of them were allowed.
    pub allowed: usize,
    /// From each call to its answer.
    pub waits: Times,
    /// The mean wait of each agent.
    pub of_agents: Times,
    /// From the decision of a person to the answer that the agent has, where one decides.
    pub told: Option<Times>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_from_the_sorted_times() {
        let times = Times::of((1..=100).rev().map(f64::from).collect());

        assert_eq!(
            (times.min_ms, times.p50_ms, times.p99_ms, times.max_ms),
            (1.0, 50.0, 99.0, 100.0)
        );
    }

    #[test]
    fn no_times_give_no_figures() {
        assert_eq!(Times::of(Vec::new()).count, 0);
    }
}
