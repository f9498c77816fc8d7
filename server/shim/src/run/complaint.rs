//! What a shim says about trouble that nobody can be told of otherwise.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::os::wall_clock;

/// The shim's log, once it is known. It is made by the first complaint: most shims have none, and
/// every file costs the start of a session.
static LOG: OnceLock<PathBuf> = OnceLock::new();

/// Writes complaints to the file at `path` from now on, those about defects included.
pub(super) fn complain_in(path: PathBuf) {
    if LOG.set(path).is_ok() {
        std::panic::set_hook(Box::new(|panic| complain(format_args!("defect: {panic}"))));
    }
}

/// Writes a line to the shim's log, which is all a shim can do about most trouble; to standard
/// error before there is one.
pub(crate) fn complain(what: fmt::Arguments<'_>) {
    let line = format!("{} {what}\n", wall_clock().as_micros());
    // Where the log takes nothing there is nobody left to tell.
    match LOG.get() {
        Some(path) => File::options()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut log| log.write_all(line.as_bytes()))
            .ok(),
        None => io::stderr().write_all(line.as_bytes()).ok(),
    };
}
