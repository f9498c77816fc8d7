//! Who is inside a session, and so no operator.

use super::App;
use crate::os::{Ancestry, ancestry, session_mark};

/// Where a process stands that asks as an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// In no session.
    Outside,
    /// Below a shim, or below what was started in a session.
    Inside,
    /// Below an orphan that the daemon was handed.
    Orphan,
    /// It bears the limit that programs of sessions bear.
    Limited,
    /// It is gone or cannot be seen: nobody may rely on it.
    Gone,
}

impl App {
    /// Where a process stands. Read by its number: ask afterwards whether it still is that process.
    #[must_use]
    pub(crate) fn standing(&self, pid: i32) -> Standing {
        match ancestry(pid, |one, parent| self.inside(one, parent)) {
            Ancestry::Found(standing) => standing,
            Ancestry::Unknown => Standing::Gone,
            Ancestry::Foreign if self.shims.is_limited(pid) => Standing::Limited,
            Ancestry::Foreign => Standing::Outside,
        }
    }

    /// Whether a process makes all that descend from it part of a session: it is a shim, or was
    /// started in a session, whatever became of its shim.
    fn inside(&self, pid: i32, parent: i32) -> Option<Standing> {
        let is_of_ours =
            |mark: String| mark.parse().is_ok_and(|id| self.registry.get(id).is_some());
        if self.shims.is_shim(pid) || session_mark(pid).is_some_and(is_of_ours) {
            return Some(Standing::Inside);
        }
        self.shims.is_orphan(pid, parent).then_some(Standing::Orphan)
    }
}

impl Standing {
    /// Why such a process is refused, and what to do; none if it is not.
    #[must_use]
    pub(crate) const fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Outside => None,
            Self::Inside => Some(
                "the caller runs inside a session, and an agent is no operator: detach first, or ask \
                 from outside",
            ),
            Self::Orphan => Some(
                "the caller's parent is gone and the daemon took its place, as with what ran inside a \
                 session: ask from a shell that lives",
            ),
            Self::Limited => Some(
                "the caller has the limit of file locks of a program inside a session (ulimit -Hx): \
                 ask from a new login, whose limit is that of the daemon or higher",
            ),
            Self::Gone => Some("the caller's process is gone"),
        }
    }
}
