//! The tables of what agents ask.

use super::{Table, number, whole};
use crate::bench::figures::{Decisions, Evaluations, Fairness, Figures, Times};

pub(super) const ROUND_TRIP: Table = Table {
    title: "H1 a hook, from its exec to its end",
    columns: &["p50 ms", "by raw", "p90 ms", "p99 ms", "max ms", "calls a round"],
    cells: |rounds| {
        fn times(figures: &Figures) -> Option<&Times> {
            if let Figures::RoundTrip(times) = figures { Some(times) } else { None }
        }
        let median = |figure: fn(&Times) -> f64| rounds.median(|one| times(one).map(figure));
        vec![
            number(median(|t| t.p50_ms), 2),
            rounds.to_raw(),
            number(median(|t| t.p90_ms), 2),
            number(median(|t| t.p99_ms), 2),
            number(median(|t| t.max_ms), 1),
            whole(rounds.first(|one| times(one).map(|t| t.count as u64))),
        ]
    },
};

pub(super) const EVALUATIONS: Table = Table {
    title: "H2 evaluations in a second of processor time, 1,000 rules",
    columns: &["one command", "three commands, a pipe, a path"],
    cells: |rounds| {
        fn found(figures: &Figures) -> Option<&Evaluations> {
            if let Figures::Evaluations(found) = figures { Some(found) } else { None }
        }
        let median = |figure: fn(&Evaluations) -> f64| rounds.median(|one| found(one).map(figure));
        vec![number(median(|e| e.short_per_s), 0), number(median(|e| e.long_per_s), 0)]
    },
};

pub(super) const DECISIONS: Table = Table {
    title: "H3 durable decisions a second",
    columns: &[
        "a second",
        "p50 ms",
        "p99 ms",
        "max ms",
        "callers",
        "allowed",
        "audit records, verified",
    ],
    cells: |rounds| {
        fn made(figures: &Figures) -> Option<&Decisions> {
            if let Figures::Decisions(made) = figures { Some(made) } else { None }
        }
        let median = |figure: fn(&Decisions) -> f64| rounds.median(|one| made(one).map(figure));
        let first = |figure: fn(&Decisions) -> usize| {
            whole(rounds.first(|one| made(one).map(|d| figure(d) as u64)))
        };
        vec![
            number(median(|d| d.per_s), 0),
            number(median(|d| d.times.p50_ms), 1),
            number(median(|d| d.times.p99_ms), 1),
            number(median(|d| d.times.max_ms), 1),
            first(|d| d.connections),
            first(|d| d.allowed),
            first(|d| d.recorded),
        ]
    },
};

pub(super) const FAIRNESS: Table = Table {
    title: "",
    columns: &[
        "answered",
        "wait p50 ms",
        "max ms",
        "max / p50",
        "mean of an agent: p50 ms",
        "max / p50 of those",
        "from decision to agent: p50 ms",
        "max ms",
    ],
    cells: |rounds| {
        fn fair(figures: &Figures) -> Option<&Fairness> {
            if let Figures::Fairness(fair) = figures { Some(fair) } else { None }
        }
        let median = |figure: fn(&Fairness) -> f64| rounds.median(|one| fair(one).map(figure));
        let told = |figure: fn(&Times) -> f64| {
            number(rounds.median(|one| fair(one)?.told.as_ref().map(figure)), 2)
        };
        let answered = rounds.first(|one| fair(one).map(|f| (f.allowed, f.calls)));
        vec![
            answered.map_or("–".into(), |(allowed, calls)| format!("{allowed} of {calls}")),
            number(median(|f| f.waits.p50_ms), 1),
            number(median(|f| f.waits.max_ms), 1),
            number(median(|f| f.waits.max_ms / f.waits.p50_ms), 2),
            number(median(|f| f.of_agents.p50_ms), 1),
            number(median(|f| f.of_agents.max_ms / f.of_agents.p50_ms), 2),
            told(|t| t.p50_ms),
            told(|t| t.max_ms),
        ]
    },
};
