//! Structured logs: human on a terminal, JSON otherwise. Never input, output, tokens or environment.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogConfig, LogFormat};

/// Starts logging to stderr. Does nothing if logging was started before.
pub(crate) fn start(config: &LogConfig) {
    let levels = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("codeplane", config.level.filter());
    let human = match config.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = if human {
        lines.with_ansi(io::stderr().is_terminal()).with_target(false).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    };
    // An error means that a test started logging already: its logger serves as well.
    drop(tracing_subscriber::registry().with(lines.with_filter(levels)).try_init());
}
