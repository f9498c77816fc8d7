//! What a program says of itself (OSC 7501).

use codeplane_core::ActivityName;

/// What a program says it does. Nothing else of what it says is kept: it is a program's word, and may
/// be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramStatus {
    /// It works.
    Working,
    /// It waits for its user: nothing was done, or what was being done was broken off.
    Idle,
    /// It waits for its user, having done what it was told.
    Done,
    /// It asks whether it may do something.
    NeedsPermission,
    /// It asks something else.
    NeedsAnswer,
    /// It says nothing of itself any more.
    Cleared,
}

impl ProgramStatus {
    /// Reads `state=STATE[:app=NAME][:kind=KIND][:msg=BASE64]`, as Claude Code 2.1.329 and Codex
    /// 0.169.0 send it; none if it has no state that is known.
    pub(crate) fn parse(payload: &str) -> Option<Self> {
        let value = |name: &str| {
            payload.split(':').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        match (value("state")?, value("kind")) {
            ("working", _) => Some(Self::Working),
            ("idle", _) => Some(Self::Idle),
            ("done", _) => Some(Self::Done),
            ("blocked", Some("permission")) => Some(Self::NeedsPermission),
            ("blocked", _) => Some(Self::NeedsAnswer),
            ("clear", _) => Some(Self::Cleared),
            (_, _) => None,
        }
    }

    /// What the agent does then.
    #[must_use]
    pub const fn activity(self) -> ActivityName {
        match self {
            Self::Working => ActivityName::Working,
            Self::Idle | Self::Done => ActivityName::Idle,
            Self::NeedsPermission => ActivityName::WaitingForApproval,
            Self::NeedsAnswer => ActivityName::WaitingForInput,
            Self::Cleared => ActivityName::Unknown,
        }
    }

    /// Whether something is asked on the screen.
    #[must_use]
    pub const fn asks(self) -> bool {
        match self {
            Self::NeedsPermission | Self::NeedsAnswer => true,
            Self::Working | Self::Idle | Self::Done | Self::Cleared => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_program_is_read_whatever_stands_around_it() {
        for (payload, status) in [
            ("state=working:app=x", Some(ProgramStatus::Working)),
            ("state=idle", Some(ProgramStatus::Idle)),
            ("app=x:state=done", Some(ProgramStatus::Done)),
            ("state=blocked:kind=permission", Some(ProgramStatus::NeedsPermission)),
            ("state=blocked:app=x:kind=question:msg=eA==", Some(ProgramStatus::NeedsAnswer)),
            ("state=blocked", Some(ProgramStatus::NeedsAnswer)),
            ("state=blocked:kind=", Some(ProgramStatus::NeedsAnswer)),
            ("state=clear", Some(ProgramStatus::Cleared)),
            ("state=dancing", None),
            ("state=", None),
            ("states=idle", None),
            ("kind=permission", None),
            ("?", None),
            ("", None),
        ] {
            assert_eq!(ProgramStatus::parse(payload), status, "{payload}");
        }
    }
}
