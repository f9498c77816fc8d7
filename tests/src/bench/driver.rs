//! The order of measurements: rounds, in each of which every peer is measured beside `raw` and
//! `rawtty`.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use super::{
    Result,
    figures::{Figures, Measurement},
    peers::{self, Portion},
    unit::UnitFiles,
    workloads::{self, Effort},
};

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Names of workloads.
    pub workloads: Vec<String>,
    /// Names of peers.
    pub peers: Vec<String>,
    /// How often.
    pub rounds: u32,
    /// MiB of W1.
    pub megabytes: u64,
    /// Samples or sessions, where the workload's own number is not wanted.
    pub count: Option<usize>,
    /// Where to append the lines.
    pub out: Option<PathBuf>,
}

/// Measures everything in the plan and prints a line of JSON for each measurement.
///
/// # Errors
/// If the scratch directory or the output cannot be written. A peer that fails is a line too.
pub fn measure(plan: &Plan) -> Result<()> {
    // Sockets lie below it: a short path.
    let scratch = tempfile::Builder::new().prefix("cpb").tempdir_in("/tmp")?;
    let notes = scratch.path().join("notes");
    fs::create_dir(&notes)?;
    let unit = UnitFiles::create(&scratch.path().join("unit"))?;
    let effort = Effort { megabytes: plan.megabytes, count: plan.count, notes, unit };
    let bench = Bench { plan, effort, scratch: scratch.path().to_path_buf() };
    for workload in &plan.workloads {
        for round in 0..plan.rounds {
            for peer in &plan.peers {
                if let Some(measurement) = bench.measure(workload, peer, round)? {
                    bench.publish(&measurement)?;
                }
            }
        }
    }
    Ok(())
}

struct Bench<'a> {
    plan: &'a Plan,
    effort: Effort,
    scratch: PathBuf,
}

impl Bench<'_> {
    fn measure(&self, workload: &str, name: &str, round: u32) -> Result<Option<Measurement>> {
        if !peers::takes_part(name, workload) {
            return Ok(None);
        }
        let Some(peer) = peers::peer(name, &self.scratch)? else {
            if round == 0 {
                writeln!(io::stderr(), "{workload}: {name} is not installed, skipped")?;
            }
            return Ok(None);
        };
        let nature = peer.nature();
        drop(peer);
        if nature.skips.contains(&workload) {
            return Ok(None);
        }
        let load = load()?;
        let at = jiff::Timestamp::now().to_string();
        // The yardsticks change sides from round to round, so that no peer always comes last.
        let yardsticks = |wanted: &[&str]| -> Result<Vec<Option<Figures>>> {
            let measure =
                |yardstick: &&str| self.yardstick(workload, name, yardstick, nature.takes);
            wanted.iter().map(measure).collect()
        };
        let (raw, figures, rawtty);
        if round.is_multiple_of(2) {
            raw = yardsticks(&["raw"])?.pop().flatten();
            figures = self.once(workload, name, &self.effort)?;
            rawtty = yardsticks(&["rawtty"])?.pop().flatten();
        } else {
            rawtty = yardsticks(&["rawtty"])?.pop().flatten();
            figures = self.once(workload, name, &self.effort)?;
            raw = yardsticks(&["raw"])?.pop().flatten();
        }
        let (workload, peer) = (workload.to_owned(), name.to_owned());
        Ok(Some(Measurement { at, workload, peer, round, load, figures, raw, rawtty }))
    }

    /// The same work for a yardstick, where that makes sense.
    fn yardstick(
        &self,
        workload: &str,
        peer: &str,
        yardstick: &str,
        portion: Portion,
    ) -> Result<Option<Figures>> {
        let compared = match yardstick {
            "raw" => ["w1", "w2", "w2f", "w3", "w3p", "h1"].as_slice(),
            _ => ["w1", "w2", "w2f", "w7", "w7g"].as_slice(),
        };
        if peer == yardstick || !compared.contains(&workload) || peer == "raw" {
            return Ok(None);
        }
        let workload = if workload == "w7g" { "w7" } else { workload };
        // As much output as the peer gets: a longer run is a faster one.
        let megabytes = self.effort.megabytes_for(portion);
        let effort = Effort { megabytes, ..self.effort.clone() };
        self.once(workload, yardstick, &effort).map(Some)
    }

    fn once(&self, workload: &str, name: &str, effort: &Effort) -> Result<Figures> {
        let mut peer = peers::peer(name, &self.scratch)?.ok_or("it was there a moment ago")?;
        let figures = workloads::perform(workload, peer.as_mut(), effort);
        Ok(figures.unwrap_or_else(|error| {
            let log = fs::read_to_string(peer.home().path("log")).unwrap_or_default();
            let last = log.lines().last().map(|line| format!(" ({line})")).unwrap_or_default();
            Figures::Failed { why: format!("{error}{last}") }
        }))
    }

    fn publish(&self, measurement: &Measurement) -> Result<()> {
        let line = serde_json::to_string(measurement)?;
        writeln!(io::stdout(), "{line}")?;
        if let Some(out) = &self.plan.out {
            let mut file = fs::File::options().create(true).append(true).open(out)?;
            writeln!(file, "{line}")?;
        }
        Ok(())
    }
}

fn load() -> Result<f64> {
    let line = fs::read_to_string("/proc/loadavg")?;
    Ok(line.split(' ').next().ok_or("the load has a number")?.parse()?)
}
