//! What to do with a session when the daemon starts: one table, one action a line.

use crate::StateName;

/// What the row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFacts {
    /// There is none.
    Absent,
    /// There is one in this state.
    Present(StateName),
}

/// What the bundle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleFacts {
    /// There is no directory, or nothing readable in it.
    Absent,
    /// It describes its session; no exit status was written.
    Open,
    /// How it ended was written.
    Finished,
}

/// What the shim says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShimFacts {
    /// It answers.
    Answers,
    /// Its process is there but does not answer: stopped, or its socket was removed.
    Silent,
    /// It was started before the machine restarted: it cannot be there.
    OtherBoot,
    /// It does not answer, or there never was one.
    Gone,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Go on with the running session.
    Adopt,
    /// Put the row back from the bundle, then go on with the running session: an agent's work
    /// outranks our bookkeeping.
    Restore,
    /// Put the row back as ended, with the written end, from the bundle.
    RestoreEnded,
    /// Record the written end.
    MarkEnded,
    /// Record that its process is gone and nobody knows how.
    MarkLost(LostCause),
    /// Record that it never ran.
    MarkFailed,
    /// Tell the shim to end: its session is over.
    ShutDown,
    /// Remove a directory that belongs to no session.
    RemoveBundle,
    /// Leave it as it is and ask again until the shim answers or is gone.
    Wait,
    /// All is as it should be.
    Nothing,
}

/// Why a session is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostCause {
    /// Its shim ended without a word: killed.
    ShimGone,
    /// The machine restarted.
    Reboot,
}

/// The table. `row` × `bundle` × `shim` → one action.
///
/// A written exit status outranks everything but a live shim, because the shim writes it before
/// it tells anyone; while the shim answers, it repeats the status itself.
#[must_use]
pub const fn decide(row: RowFacts, bundle: BundleFacts, shim: ShimFacts) -> Action {
    use StateName::{Exited, Failed, Lost, Restarting, Running, Starting, Stopping};
    match (row, shim, bundle) {
        (RowFacts::Present(Starting | Running | Stopping | Restarting), ShimFacts::Answers, _) => {
            Action::Adopt
        }
        (RowFacts::Present(Starting | Running | Stopping | Restarting), ShimFacts::Silent, _) => {
            Action::Wait
        }
        (RowFacts::Present(Exited | Lost | Failed), ShimFacts::Answers, _) => Action::ShutDown,
        (
            RowFacts::Absent,
            ShimFacts::Answers | ShimFacts::Silent,
            BundleFacts::Open | BundleFacts::Finished,
        ) => Action::Restore,
        (RowFacts::Absent, ShimFacts::Silent, BundleFacts::Absent) => Action::Nothing,
        (RowFacts::Absent, ShimFacts::Answers, BundleFacts::Absent) => Action::ShutDown,

        (
            RowFacts::Present(Starting | Running | Stopping | Restarting),
            ShimFacts::OtherBoot | ShimFacts::Gone,
            BundleFacts::Finished,
        ) => Action::MarkEnded,
        (RowFacts::Present(Starting), ShimFacts::Gone, BundleFacts::Open | BundleFacts::Absent) => {
            Action::MarkFailed
        }
        (
            RowFacts::Present(Starting | Running | Stopping | Restarting),
            ShimFacts::OtherBoot,
            BundleFacts::Open | BundleFacts::Absent,
        ) => Action::MarkLost(LostCause::Reboot),
        (
            RowFacts::Present(Running | Stopping | Restarting),
            ShimFacts::Gone,
            BundleFacts::Open | BundleFacts::Absent,
        ) => Action::MarkLost(LostCause::ShimGone),
        (
            RowFacts::Present(Exited | Lost | Failed),
            ShimFacts::Silent | ShimFacts::OtherBoot | ShimFacts::Gone,
            _,
        ) => Action::Nothing,

        (RowFacts::Absent, ShimFacts::OtherBoot | ShimFacts::Gone, BundleFacts::Finished) => {
            Action::RestoreEnded
        }
        (
            RowFacts::Absent,
            ShimFacts::OtherBoot | ShimFacts::Gone,
            BundleFacts::Open | BundleFacts::Absent,
        ) => Action::RemoveBundle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: [StateName; 4] =
        [StateName::Starting, StateName::Running, StateName::Stopping, StateName::Restarting];
    const ENDED: [StateName; 3] = [StateName::Exited, StateName::Lost, StateName::Failed];
    const BUNDLES: [BundleFacts; 3] =
        [BundleFacts::Absent, BundleFacts::Open, BundleFacts::Finished];

    #[test]
    fn a_live_row_with_a_live_shim_is_adopted() {
        for state in LIVE {
            for bundle in BUNDLES {
                assert_eq!(
                    decide(RowFacts::Present(state), bundle, ShimFacts::Answers),
                    Action::Adopt
                );
            }
        }
    }

    #[test]
    fn a_live_row_whose_shim_is_silent_is_not_given_up() {
        for state in LIVE {
            for bundle in BUNDLES {
                assert_eq!(
                    decide(RowFacts::Present(state), bundle, ShimFacts::Silent),
                    Action::Wait
                );
            }
        }
        for bundle in [BundleFacts::Open, BundleFacts::Finished] {
            assert_eq!(decide(RowFacts::Absent, bundle, ShimFacts::Silent), Action::Restore);
        }
    }

    #[test]
    fn a_live_row_without_a_shim_takes_the_written_status() {
        for state in LIVE {
            for shim in [ShimFacts::Gone, ShimFacts::OtherBoot] {
                assert_eq!(
                    decide(RowFacts::Present(state), BundleFacts::Finished, shim),
                    Action::MarkEnded
                );
            }
        }
    }

    #[test]
    fn a_row_that_was_starting_when_the_daemon_was_killed_has_failed() {
        for bundle in [BundleFacts::Absent, BundleFacts::Open] {
            assert_eq!(
                decide(RowFacts::Present(StateName::Starting), bundle, ShimFacts::Gone),
                Action::MarkFailed
            );
        }
    }

    #[test]
    fn a_running_row_whose_shim_was_killed_is_lost() {
        for state in [StateName::Running, StateName::Stopping, StateName::Restarting] {
            for bundle in [BundleFacts::Absent, BundleFacts::Open] {
                assert_eq!(
                    decide(RowFacts::Present(state), bundle, ShimFacts::Gone),
                    Action::MarkLost(LostCause::ShimGone)
                );
            }
        }
    }

    #[test]
    fn a_live_row_of_another_boot_is_lost_to_the_reboot() {
        for state in LIVE {
            for bundle in [BundleFacts::Absent, BundleFacts::Open] {
                assert_eq!(
                    decide(RowFacts::Present(state), bundle, ShimFacts::OtherBoot),
                    Action::MarkLost(LostCause::Reboot)
                );
            }
        }
    }

    #[test]
    fn an_ended_row_with_a_live_shim_ends_the_shim() {
        for state in ENDED {
            for bundle in BUNDLES {
                assert_eq!(
                    decide(RowFacts::Present(state), bundle, ShimFacts::Answers),
                    Action::ShutDown
                );
            }
        }
    }

    #[test]
    fn an_ended_row_without_a_shim_is_left_alone() {
        for state in ENDED {
            for bundle in BUNDLES {
                for shim in [ShimFacts::Gone, ShimFacts::OtherBoot] {
                    assert_eq!(decide(RowFacts::Present(state), bundle, shim), Action::Nothing);
                }
            }
        }
    }

    #[test]
    fn a_session_without_a_row_is_put_back_while_its_shim_lives() {
        for bundle in [BundleFacts::Open, BundleFacts::Finished] {
            assert_eq!(decide(RowFacts::Absent, bundle, ShimFacts::Answers), Action::Restore);
        }
    }

    #[test]
    fn a_finished_session_without_a_row_is_put_back_with_its_status() {
        for shim in [ShimFacts::Gone, ShimFacts::OtherBoot] {
            assert_eq!(decide(RowFacts::Absent, BundleFacts::Finished, shim), Action::RestoreEnded);
        }
    }

    #[test]
    fn a_directory_of_no_session_is_removed() {
        for bundle in [BundleFacts::Absent, BundleFacts::Open] {
            for shim in [ShimFacts::Gone, ShimFacts::OtherBoot] {
                assert_eq!(decide(RowFacts::Absent, bundle, shim), Action::RemoveBundle);
            }
        }
    }

    #[test]
    fn a_shim_that_nobody_knows_is_ended() {
        assert_eq!(
            decide(RowFacts::Absent, BundleFacts::Absent, ShimFacts::Answers),
            Action::ShutDown
        );
    }
}
