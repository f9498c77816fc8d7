//! What other processes of the same user may do to this one.

use nix::sys::prctl;

/// Shows nothing of this process's memory and descriptors to others of the same user, nor to a core
/// file: a program in a session could take the daemon's connections to its shims.
pub(crate) fn seal() {
    if let Err(error) = prctl::set_dumpable(false) {
        tracing::warn!(%error, "this process cannot be sealed");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_sealed_process_shows_nothing() {
        super::seal();

        assert_eq!(nix::sys::prctl::get_dumpable(), Ok(false));
    }
}
