//! Users.

use nix::unistd::{User, geteuid};

/// The user that the daemon runs as.
#[must_use]
pub(crate) fn own_user() -> u32 {
    geteuid().as_raw()
}

/// The number of a user; none if there is no user of this name, or nobody can say.
#[must_use]
pub(crate) fn user_id(name: &str) -> Option<u32> {
    User::from_name(name).ok().flatten().map(|user| user.uid.as_raw())
}
