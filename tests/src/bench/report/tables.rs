//! Which columns each workload's table has.

mod hooks;

use super::Rounds;
use crate::bench::figures::{
    Bulk, Echo, Fan, Figures, Idle, Memory, Reattach, StartAtOnce, Survival, Times,
};

/// A table of one workload.
pub(super) struct Table {
    /// Its heading.
    pub(super) title: &'static str,
    /// Its columns, without the peer and the number of rounds.
    pub(super) columns: &'static [&'static str],
    /// A peer's cells.
    pub(super) cells: fn(&Rounds<'_>) -> Vec<String>,
}

/// The table of `workload`.
pub(super) fn of(workload: &str) -> Table {
    match workload {
        "w1" => BULK,
        "w2" => Table { title: "W2 key echo, idle", ..ECHO },
        "w2f" => Table { title: "W2f key echo while another session floods", ..ECHO },
        "w3" => START,
        "w3p" => START_AT_ONCE,
        "w4" => MEMORY,
        "w5" => IDLE,
        "w6" => Table { title: "W6 reattach after 10 MiB of output", ..REATTACH },
        "w6g" => Table { title: "W6 reattach after 1 GiB of output", ..REATTACH },
        "w7" => Table { title: "W7 eight attached readers", ..FAN },
        "w7g" => Table { title: "W7 eight plain gRPC readers", ..FAN },
        "w7s" => Table { title: "W7s eight attached readers, one stopped", ..FAN },
        "h1" => hooks::ROUND_TRIP,
        "h2" => hooks::EVALUATIONS,
        "h3" => hooks::DECISIONS,
        "h4" => Table { title: "H4 100 agents ask at once, rules answer", ..hooks::FAIRNESS },
        "h4p" => Table {
            title: "H4p 100 agents ask at once, a person decides one after the other",
            ..hooks::FAIRNESS
        },
        _ => SURVIVAL,
    }
}

const BULK: Table = Table {
    title: "W1 bulk output through an attached client",
    columns: &[
        "MB/s",
        "of raw",
        "of rawtty",
        "lossless",
        "MiB",
        "daemon CPU s/GiB",
        "daemon + client CPU s/GiB",
    ],
    cells: |rounds| {
        fn bulk(figures: &Figures) -> Option<&Bulk> {
            if let Figures::Bulk(bulk) = figures { Some(bulk) } else { None }
        }
        let per_gib = |cpu: fn(&Bulk) -> f64| {
            number(rounds.median(|one| bulk(one).map(|b| cpu(b) * 1024.0 / b.megabytes as f64)), 1)
        };
        let received = rounds.median(|one| bulk(one).map(|b| b.received_ratio * 100.0));
        let is_lossless = rounds.all(|one| bulk(one).is_some_and(|b| b.lossless));
        vec![
            number(rounds.median(|one| bulk(one).map(|b| b.mb_per_s)), 1),
            rounds.to_raw(),
            rounds.to_rawtty(),
            if is_lossless {
                "yes".into()
            } else {
                format!("NO, {} % of the bytes", number(received, 1))
            },
            whole(rounds.first(|one| bulk(one).map(|b| b.megabytes))),
            per_gib(|b| b.daemon_cpu_s),
            per_gib(|b| b.daemon_cpu_s + b.client_cpu_s),
        ]
    },
};

const ECHO: Table = Table {
    title: "",
    columns: &["p50 ms", "by raw", "by rawtty", "p99 ms", "max ms", "lost"],
    cells: |rounds| {
        fn echo(figures: &Figures) -> Option<&Echo> {
            if let Figures::Echo(echo) = figures { Some(echo) } else { None }
        }
        let median = |figure: fn(&Echo) -> f64| rounds.median(|one| echo(one).map(figure));
        vec![
            number(median(|e| e.times.p50_ms), 3),
            rounds.to_raw(),
            rounds.to_rawtty(),
            number(median(|e| e.times.p99_ms), 2),
            number(median(|e| e.times.max_ms), 1),
            number(median(|e| e.lost as f64), 0),
        ]
    },
};

const START: Table = Table {
    title: "W3 start of a session, until its first output",
    columns: &["p50 ms", "by raw", "p99 ms", "max ms"],
    cells: |rounds| {
        fn times(figures: &Figures) -> Option<&Times> {
            if let Figures::Start(times) = figures { Some(times) } else { None }
        }
        let median = |figure: fn(&Times) -> f64| rounds.median(|one| times(one).map(figure));
        vec![
            number(median(|t| t.p50_ms), 2),
            rounds.to_raw(),
            number(median(|t| t.p99_ms), 1),
            number(median(|t| t.max_ms), 1),
        ]
    },
};

const START_AT_ONCE: Table = Table {
    title: "W3p start of many sessions at once",
    columns: &["all ready ms", "by raw", "started"],
    cells: |rounds| {
        fn start(figures: &Figures) -> Option<&StartAtOnce> {
            if let Figures::StartAtOnce(start) = figures { Some(start) } else { None }
        }
        let started = rounds.first(|one| start(one).map(|s| (s.started, s.wanted)));
        vec![
            number(rounds.median(|one| start(one).map(|s| s.all_ms)), 0),
            rounds.to_raw(),
            started.map_or("–".into(), |(started, wanted)| format!("{started} of {wanted}")),
        ]
    },
};

const MEMORY: Table = Table {
    title: "W4 memory (PSS) of daemon and helpers with idle sessions",
    columns: &["KB per session", "sessions", "in total MB", "before MB", "processes"],
    cells: |rounds| {
        fn memory(figures: &Figures) -> Option<&Memory> {
            if let Figures::Memory(memory) = figures { Some(memory) } else { None }
        }
        let median =
            |figure: fn(&Memory) -> u64| rounds.median(|one| memory(one).map(|m| figure(m) as f64));
        vec![
            number(median(|m| m.per_session_kb), 0),
            number(median(|m| m.sessions as u64), 0),
            number(median(|m| m.total_kb).map(|kb| kb / 1024.0), 1),
            number(median(|m| m.before_kb).map(|kb| kb / 1024.0), 1),
            number(median(|m| m.processes as u64), 0),
        ]
    },
};

const IDLE: Table = Table {
    title: "W5 processor time of idle sessions",
    columns: &["CPU s/min", "sessions"],
    cells: |rounds| {
        fn idle(figures: &Figures) -> Option<&Idle> {
            if let Figures::Idle(idle) = figures { Some(idle) } else { None }
        }
        vec![
            number(rounds.median(|one| idle(one).map(|i| i.cpu_s_per_min)), 2),
            whole(rounds.first(|one| idle(one).map(|i| i.sessions as u64))),
        ]
    },
};

const REATTACH: Table = Table {
    title: "",
    columns: &["first ms", "p50 of the others ms", "max ms", "bytes"],
    cells: |rounds| {
        fn reattach(figures: &Figures) -> Option<&Reattach> {
            if let Figures::Reattach(reattach) = figures { Some(reattach) } else { None }
        }
        let median = |figure: fn(&Reattach) -> f64| rounds.median(|one| reattach(one).map(figure));
        vec![
            number(rounds.median(|one| reattach(one)?.first_ms), 1),
            number(median(|r| r.times.p50_ms), 1),
            number(median(|r| r.times.max_ms), 1),
            number(median(|r| r.bytes as f64), 0),
        ]
    },
};

const FAN: Table = Table {
    title: "",
    columns: &[
        "received by all MB/s",
        "of rawtty",
        "of the bytes %",
        "saw the end",
        "program finished",
        "memory growth MB",
    ],
    cells: |rounds| {
        fn fan(figures: &Figures) -> Option<&Fan> {
            if let Figures::Fan(fan) = figures { Some(fan) } else { None }
        }
        let median = |figure: fn(&Fan) -> f64| rounds.median(|one| fan(one).map(figure));
        let readers = rounds.first(|one| fan(one).map(|f| f.readers));
        let has_finished = rounds.all(|one| fan(one).is_some_and(|f| f.program_finished));
        vec![
            number(median(|f| f.total_mb_per_s), 1),
            rounds.to_rawtty(),
            number(median(|f| f.received_ratio * 100.0), 1),
            format!(
                "{} of {}",
                number(median(|f| f.finished as f64), 0),
                readers.unwrap_or_default()
            ),
            if has_finished { "yes" } else { "NO" }.into(),
            number(median(|f| f.memory_growth_kb as f64 / 1024.0), 1),
        ]
    },
};

const SURVIVAL: Table = Table {
    title: "W8 the daemon is killed by SIGKILL",
    columns: &[
        "program survives",
        "counted to at the kill, a second later",
        "seen by the client that stays",
        "missing",
        "read on after restart s",
    ],
    cells: |rounds| {
        fn survival(figures: &Figures) -> Option<&Survival> {
            if let Figures::Survival(survival) = figures { Some(survival) } else { None }
        }
        let survives = rounds.all(|one| survival(one).is_some_and(|s| s.program_survived));
        let counts = rounds.first(|one| survival(one).map(|s| (s.count_at_kill, s.count_later)));
        let client = rounds.first(|one| survival(one)?.client.clone());
        let missing = client
            .as_ref()
            .map(|client| (client.highest + 1 - client.lowest.max(1)) - client.seen as u64);
        vec![
            if survives { "yes" } else { "NO" }.into(),
            counts.map_or("–".into(), |(at_kill, later)| format!("{at_kill}, {later}")),
            client.map_or("–".into(), |c| format!("{} to {}", c.lowest, c.highest)),
            whole(missing),
            number(rounds.median(|one| survival(one)?.readable_after_s), 3),
        ]
    },
};

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".into(), |value| format!("{value:.digits$}"))
}

fn whole(value: Option<u64>) -> String {
    value.map_or("–".into(), |value| value.to_string())
}
