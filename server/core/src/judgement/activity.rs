//! What an agent is doing, and how that is known.

use crate::Timestamp;

/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivityName {
    /// Nobody knows.
    Unknown,
    /// A turn is under way.
    Working,
    /// It takes a prompt.
    Idle,
    /// It asks its user something.
    WaitingForInput,
    /// A tool call waits for a person.
    WaitingForApproval,
    /// Its provider refuses requests for a time.
    RateLimited,
}

impl ActivityName {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unknown,
        Self::Working,
        Self::Idle,
        Self::WaitingForInput,
        Self::WaitingForApproval,
        Self::RateLimited,
    ];

    /// The word on disk and in filters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Working => "working",
            Self::Idle => "idle",
            Self::WaitingForInput => "waiting_for_input",
            Self::WaitingForApproval => "waiting_for_approval",
            Self::RateLimited => "rate_limited",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

/// How an activity is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivitySource {
    /// An agent's hook said so.
    Hook,
    /// The program said so on its terminal, by OSC 7501.
    ProgramStatus,
    /// The daemon itself asks people about a call of the agent, or has done so.
    Daemon,
}

impl ActivitySource {
    /// The word on disk.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::ProgramStatus => "program_status",
            Self::Daemon => "daemon",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Hook, Self::ProgramStatus, Self::Daemon]
            .into_iter()
            .find(|source| source.as_str() == text)
    }
}

/// What an agent is doing, since when, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// What.
    pub name: ActivityName,
    /// How that is known.
    pub source: ActivitySource,
    /// Since when.
    pub since: Timestamp,
}

/// What is known beside what was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// How many of the agent's calls wait for a person.
    pub waiting: usize,
    /// What the program said last of itself on its terminal, if it does.
    pub program: Option<ActivityName>,
}

impl Activity {
    /// What is to be believed once `told` is told; none if that is nothing new.
    ///
    /// The newest wins, as hooks and programs each see what the other does not. But while calls wait for
    /// a person, only the daemon says that they do not; a call that goes on beside a question on the screen
    /// does not answer it; and an agent that is refused by its provider is idle as well.
    #[must_use]
    pub fn after(now: Option<Self>, told: Self, circumstances: Circumstances) -> Option<Self> {
        use ActivityName::{Idle, RateLimited, WaitingForApproval, WaitingForInput, Working};
        if now.is_some_and(|now| now.name == told.name) {
            return None;
        }
        let asks = matches!(circumstances.program, Some(WaitingForApproval | WaitingForInput));
        let is_limited = now.is_some_and(|now| now.name == RateLimited);
        let waits = circumstances.waiting > 0;
        let is_believed = match told.source {
            ActivitySource::Daemon => true,
            ActivitySource::Hook => !(waits || asks && told.name == Working),
            ActivitySource::ProgramStatus => !(waits || is_limited && told.name == Idle),
        };
        is_believed.then_some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ActivityName::{Idle, RateLimited, Unknown, WaitingForApproval, WaitingForInput, Working};
    use ActivitySource::{Daemon, Hook, ProgramStatus};

    const ALONE: Circumstances = Circumstances { waiting: 0, program: None };

    fn activity((name, source): (ActivityName, ActivitySource)) -> Activity {
        Activity { name, source, since: Timestamp::from_micros(0) }
    }

    #[track_caller]
    fn assert_after(
        now: (ActivityName, ActivitySource),
        told: (ActivityName, ActivitySource),
        circumstances: Circumstances,
        believed: ActivityName,
    ) {
        let after = Activity::after(Some(activity(now)), activity(told), circumstances);
        let name = after.map_or(now.0, |after| after.name);
        assert_eq!(name, believed, "{told:?} after {now:?}, {circumstances:?}");
    }

    #[test]
    fn the_newest_wins_whoever_tells_it() {
        for (first, second) in [(Hook, ProgramStatus), (ProgramStatus, Hook), (Hook, Daemon)] {
            for name in [Idle, WaitingForInput, WaitingForApproval, Unknown] {
                assert_after((Working, first), (name, second), ALONE, name);
                assert_after((name, first), (Working, second), ALONE, Working);
            }
        }
        let told = activity((Idle, Hook));
        assert_eq!(Activity::after(None, told, ALONE), Some(told));
        assert_eq!(Activity::after(Some(told), activity((Idle, ProgramStatus)), ALONE), None);
    }

    #[test]
    fn a_call_that_waits_for_a_person_waits_until_the_daemon_says_otherwise() {
        let waits = Circumstances { waiting: 1, ..ALONE };
        for name in [Working, Idle, WaitingForInput, RateLimited, Unknown] {
            for source in [Hook, ProgramStatus] {
                let now = (WaitingForApproval, Daemon);
                assert_after(now, (name, source), waits, WaitingForApproval);
            }
            assert_after((WaitingForApproval, Daemon), (name, Daemon), waits, name);
        }
    }

    #[test]
    fn a_call_beside_a_question_on_the_screen_does_not_answer_it() {
        for asked in [WaitingForApproval, WaitingForInput] {
            let asks = Circumstances { program: Some(asked), ..ALONE };
            assert_after((asked, ProgramStatus), (Working, Hook), asks, asked);
            assert_after((asked, ProgramStatus), (Idle, Hook), asks, Idle);
            assert_after((asked, ProgramStatus), (Working, Daemon), asks, Working);
        }
    }

    #[test]
    fn an_agent_that_its_provider_refuses_stays_so_until_it_works_again() {
        assert_after((RateLimited, Hook), (Idle, ProgramStatus), ALONE, RateLimited);
        assert_after((RateLimited, Hook), (Working, ProgramStatus), ALONE, Working);
        assert_after((RateLimited, Hook), (Idle, Hook), ALONE, Idle);
    }
}
