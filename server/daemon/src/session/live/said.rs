//! What a program says of itself on its terminal.

use codeplane_core::{ActivityName, ActivitySource, GateMode, Offset};
use codeplane_terminal::ProgramStatus;

use super::Live;

/// What was said last, and what of it nobody has looked at.
#[derive(Debug, Default)]
pub(super) struct Said {
    status: Option<ProgramStatus>,
    news: Option<Turn>,
}

/// How the program came to what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// In any way.
    Plain,
    /// It had asked its user something, and does nothing now: the question was not answered with a yes.
    BrokeOff,
}

/// What a program said since somebody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgramNews {
    /// It does this.
    Does(ActivityName),
    /// It is idle, and what it had asked its user was refused or broken off.
    BrokeOff,
}

impl Said {
    fn say(&mut self, status: ProgramStatus) {
        let asked = self.status.is_some_and(ProgramStatus::asks);
        let had_broken_off = self.news == Some(Turn::BrokeOff);
        let broke_off = status == ProgramStatus::Idle && (asked || had_broken_off);
        self.news = Some(if broke_off { Turn::BrokeOff } else { Turn::Plain });
        self.status = Some(status);
    }

    fn take(&mut self) -> Option<ProgramNews> {
        match (self.news.take()?, self.status?) {
            (Turn::BrokeOff, _) => Some(ProgramNews::BrokeOff),
            (Turn::Plain, status) => Some(ProgramNews::Does(status.activity())),
        }
    }

    /// A call of the agent waits from now on: if the program said that it does nothing, that is over.
    fn outdate(&mut self) {
        match self.status {
            Some(ProgramStatus::Idle | ProgramStatus::Done | ProgramStatus::Cleared) => {
                *self = Self::default();
            }
            Some(
                ProgramStatus::Working
                | ProgramStatus::NeedsPermission
                | ProgramStatus::NeedsAnswer,
            )
            | None => {}
        }
    }
}

impl Live {
    /// The program says this of itself.
    pub(in crate::session) fn set_program_status(&self, status: ProgramStatus) {
        self.change(|state| state.said.say(status));
    }

    /// What the program said since this was asked.
    pub(crate) fn take_program_news(&self) -> Option<ProgramNews> {
        self.lock().said.take()
    }

    /// What the program says that it does, if it says anything.
    #[must_use]
    pub(crate) fn program_activity(&self) -> Option<ActivityName> {
        self.lock().said.status.map(ProgramStatus::activity)
    }

    /// A call of the agent waits for a person from now on.
    pub(crate) fn outdate_program_status(&self) {
        self.lock().said.outdate();
    }

    /// The run is over, and with it what its program said.
    pub(crate) fn forget_program_status(&self) {
        self.change(|state| state.said = Said::default());
    }

    /// Whether a dialog that asks for a permission may be on the screen: whoever types then may answer it.
    #[must_use]
    pub(crate) fn may_show_dialog(&self) -> bool {
        let state = self.lock();
        let is_asked = state.calls.pending > 0 && state.agent.mode == GateMode::AgentDialog;
        let is_told = state.agent.activity.is_some_and(|now| {
            let by_agent = match now.source {
                ActivitySource::Hook | ActivitySource::ProgramStatus => true,
                ActivitySource::Daemon => false,
            };
            by_agent && now.name == ActivityName::WaitingForApproval
        });
        is_asked || is_told || state.said.status == Some(ProgramStatus::NeedsPermission)
    }

    /// Whether what ends at `offset` was there before the daemon came.
    pub(in crate::session) fn was_there(&self, offset: Offset) -> bool {
        self.is_older(offset, std::time::Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProgramStatus::{Done, Idle, NeedsAnswer, NeedsPermission, Working};

    fn after(statuses: &[ProgramStatus]) -> (Said, Option<ProgramNews>) {
        let mut said = Said::default();
        statuses.iter().for_each(|status| said.say(*status));
        let news = said.take();
        (said, news)
    }

    #[test]
    fn only_what_was_said_last_is_news_and_only_once() {
        let (mut said, news) = after(&[Working, NeedsAnswer, Working]);
        assert_eq!(news, Some(ProgramNews::Does(ActivityName::Working)));
        assert_eq!(said.take(), None);
        assert_eq!(after(&[]).1, None);
        assert_eq!(after(&[Working, Done]).1, Some(ProgramNews::Does(ActivityName::Idle)));
    }

    #[test]
    fn a_question_that_is_followed_by_nothing_was_broken_off() {
        assert_eq!(after(&[NeedsPermission, Idle]).1, Some(ProgramNews::BrokeOff));
        assert_eq!(after(&[NeedsAnswer, Idle, Idle]).1, Some(ProgramNews::BrokeOff));
        for answered in [&[NeedsPermission, Working, Idle][..], &[NeedsPermission, Done]] {
            let news = after(answered).1;
            assert_eq!(news, Some(ProgramNews::Does(ActivityName::Idle)), "{answered:?}");
        }
        let (mut said, _) = after(&[NeedsPermission]);
        said.say(Idle);
        assert_eq!(said.take(), Some(ProgramNews::BrokeOff));
        said.say(Idle);
        assert_eq!(said.take(), Some(ProgramNews::Does(ActivityName::Idle)));
    }

    #[test]
    fn a_call_that_waits_outdates_that_nothing_is_done() {
        for (status, left) in [(Idle, None), (Done, None), (Working, Some(Working))] {
            let (mut said, _) = after(&[status]);
            said.outdate();
            assert_eq!(said.status, left);
        }
        let (mut said, _) = after(&[NeedsPermission]);
        said.outdate();
        assert_eq!(said.status, Some(NeedsPermission));
    }
}
