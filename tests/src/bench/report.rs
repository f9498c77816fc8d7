//! The tables of BENCHMARKS.md, from lines of JSON.

mod tables;

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use super::{
    Result,
    figures::{Figures, Measurement},
    peers, workloads,
};

/// Markdown with a table for each workload that was measured.
///
/// # Errors
/// If a file cannot be read or has another line than a measurement.
pub fn report(files: &[PathBuf]) -> Result<String> {
    let mut measurements = Vec::new();
    for file in files {
        measurements.extend(read(file)?);
    }
    Ok(render(&measurements))
}

fn read(file: &Path) -> Result<Vec<Measurement>> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty()).enumerate();
    lines
        .map(|(index, line)| {
            let at = |error| format!("{}:{}: {error}", file.display(), index + 1).into();
            serde_json::from_str(line).map_err(at)
        })
        .collect()
}

fn render(measurements: &[Measurement]) -> String {
    let mut text = machine();
    for workload in workloads::NAMES {
        let of_workload: Vec<&Measurement> =
            measurements.iter().filter(|one| one.workload == workload).collect();
        if of_workload.is_empty() {
            continue;
        }
        let table = tables::of(workload);
        let head = table.columns.join(" | ");
        let rule = "---|".repeat(table.columns.len() + 2);
        text += &format!("\n### {}\n\n| peer | {head} | rounds |\n|{rule}\n", table.title);
        for peer in peers::NAMES {
            let rounds: Vec<&Measurement> =
                of_workload.iter().filter(|one| one.peer == peer).copied().collect();
            if !rounds.is_empty() {
                // Writing to a string does not fail.
                writeln!(text, "{}", line(peer, &rounds, table.cells)).ok();
            }
        }
    }
    text
}

/// One peer's line: its cells, or why there are none.
fn line(peer: &str, rounds: &[&Measurement], cells: fn(&Rounds<'_>) -> Vec<String>) -> String {
    let good: Vec<&Measurement> = rounds
        .iter()
        .filter(|one| !matches!(one.figures, Figures::Failed { .. }))
        .copied()
        .collect();
    let why = rounds.iter().find_map(|one| match &one.figures {
        Figures::Failed { why } => Some(why.replace('|', "\\|")),
        _ => None,
    });
    let shown = if good.is_empty() {
        vec![format!("failed: {}", why.clone().unwrap_or_default())]
    } else {
        cells(&Rounds(&good))
    };
    let count = if good.len() == rounds.len() {
        good.len().to_string()
    } else {
        format!("{} of {}", good.len(), rounds.len())
    };
    format!("| {peer} | {} | {count} |", shown.join(" | "))
}

/// The rounds of one peer in one workload that gave figures.
pub(crate) struct Rounds<'a>(&'a [&'a Measurement]);

impl Rounds<'_> {
    /// Median of what `figure` finds in each round.
    pub(crate) fn median(&self, figure: impl Fn(&Figures) -> Option<f64>) -> Option<f64> {
        median(self.0.iter().filter_map(|one| figure(&one.figures)).collect())
    }

    /// Median over the rounds of the headline by that of `raw` in the same round.
    pub(crate) fn to_raw(&self) -> String {
        self.ratio(|one| one.raw.as_ref())
    }

    /// Median over the rounds of the headline by that of `rawtty` in the same round.
    pub(crate) fn to_rawtty(&self) -> String {
        self.ratio(|one| one.rawtty.as_ref())
    }

    /// What `figure` finds in the first round.
    pub(crate) fn first<T>(&self, figure: impl Fn(&Figures) -> Option<T>) -> Option<T> {
        figure(&self.0.first()?.figures)
    }

    /// Whether `is_so` in every round.
    pub(crate) fn all(&self, is_so: impl Fn(&Figures) -> bool) -> bool {
        self.0.iter().all(|one| is_so(&one.figures))
    }

    fn ratio(&self, yardstick: impl Fn(&Measurement) -> Option<&Figures>) -> String {
        let ratios = self.0.iter().filter_map(|one| {
            let reference = yardstick(one)?.headline()?;
            Some(one.figures.headline()? / reference)
        });
        median(ratios.collect()).map_or("–".into(), |ratio| format!("{ratio:.2}"))
    }
}

/// The middle of `values`, or of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        return values.get(middle).copied();
    }
    Some(f64::midpoint(*values.get(middle.checked_sub(1)?)?, *values.get(middle)?))
}

/// What the figures were measured on: this machine.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name);
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let memory = read("/proc/meminfo");
    let memory_kb = memory.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok()
    });
    let memory_gib = memory_kb.unwrap_or_default() as f64 / f64::from(1 << 20);
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.trim();
    let system = read("/etc/os-release");
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let system = system.unwrap_or("Linux").trim_matches('"');
    format!("{cores} cores ({model}), {memory_gib:.0} GiB, {system}, Linux {kernel}.\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figures::{Echo, Times};

    fn echo(p50_ms: f64) -> Figures {
        Figures::Echo(Echo { times: Times { p50_ms, ..Times::default() }, lost: 0 })
    }

    fn measurement(round: u32, peer_ms: f64, raw_ms: f64, rawtty_ms: f64) -> Measurement {
        Measurement {
            at: String::new(),
            workload: "w2".into(),
            peer: "dtach".into(),
            round,
            load: 0.0,
            figures: echo(peer_ms),
            raw: Some(echo(raw_ms)),
            rawtty: Some(echo(rawtty_ms)),
        }
    }

    #[test]
    fn ratios_are_medians_of_each_round_s_own_ratio() {
        let rounds = [
            measurement(0, 2.0, 1.0, 2.0),
            measurement(1, 9.0, 3.0, 3.0),
            measurement(2, 8.0, 1.0, 4.0),
        ];

        let text = render(&rounds);

        assert!(text.contains("| dtach | 8.000 | 3.00 | 2.00 |"), "{text}");
    }

    #[test]
    fn a_peer_that_failed_says_why() {
        let mut failed = measurement(0, 1.0, 1.0, 1.0);
        failed.figures = Figures::Failed { why: "no pong".into() };

        assert!(render(&[failed]).contains("failed: no pong | 0 of 1 |"));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
