//! The benchmark: measures Codeplane and its peers, and makes tables of it.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use codeplane_tests::bench::{self, driver, peers, probe, report, workloads};

/// Measures terminal sessions: Codeplane, its peers, and the limits of the machine.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    measure: Option<Measure>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Prints the tables of BENCHMARKS.md from lines of JSON.
    Report {
        /// Files with lines that were measured.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// The measuring client; for the driver only.
    #[command(hide = true)]
    Probe {
        /// What to do.
        task: String,
    },
}

#[derive(Debug, Args)]
struct Measure {
    /// `all`, or some of w1 w2 w2f w3 w3p w4 w5 w6 w6g w7 w7g w7s w8 h1 h2 h3 h4 h4p.
    #[arg(value_delimiter = ',', required = true)]
    workloads: Vec<String>,
    /// `all`, or some of raw rawsock rawtty dtach tmux screen curl node codeplane.
    #[arg(long, value_delimiter = ',', default_value = "all")]
    peers: Vec<String>,
    /// How often each is measured.
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// MiB of bulk output in W1.
    #[arg(long, default_value_t = 256)]
    mb: u64,
    /// Samples or sessions instead of the workload's own number.
    #[arg(short)]
    n: Option<usize>,
    /// File to append the lines to.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "codeplane-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> bench::Result<()> {
    match arguments {
        Arguments { action: Some(Action::Probe { task }), .. } => probe::perform(&task),
        Arguments { action: Some(Action::Report { files }), .. } => {
            Ok(write!(io::stdout(), "{}", report::report(&files)?)?)
        }
        Arguments { measure: Some(measure), .. } => driver::measure(&plan(measure)?),
        Arguments { action: None, measure: None } => Err("nothing to do; see --help".into()),
    }
}

fn plan(measure: Measure) -> bench::Result<driver::Plan> {
    Ok(driver::Plan {
        workloads: named(measure.workloads, &workloads::NAMES)?,
        peers: named(measure.peers, &peers::NAMES)?,
        rounds: measure.rounds,
        megabytes: measure.mb,
        count: measure.n,
        out: measure.out,
    })
}

/// The names that were asked for, in that order; all of them for `all`.
fn named(wanted: Vec<String>, known: &[&str]) -> bench::Result<Vec<String>> {
    if wanted == ["all"] {
        return Ok(known.iter().map(|&name| name.to_owned()).collect());
    }
    match wanted.iter().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(format!("no {unknown:?}; there are {}", known.join(" ")).into()),
        None => Ok(wanted),
    }
}
