//! What rules that deny or ask are about: more than is there.

use super::request::{Start, Subject, Unit};
use super::ruleset::Ready;
use super::{command, glob};

/// Whether a rule is about a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    Not,
    /// A glob may lead there.
    Perhaps,
    Surely,
}

impl From<bool> for Reach {
    fn from(fits: bool) -> Self {
        if fits { Self::Surely } else { Self::Not }
    }
}

/// Every command that a unit may run.
pub(super) fn commands(unit: &Unit) -> impl Iterator<Item = &[String]> {
    let candidates = match &unit.subject {
        Subject::Command(command) | Subject::ChangeDirectory { command, .. } => &command.argvs[..],
        Subject::File { .. } | Subject::Web(_) | Subject::Whole => &[],
    };
    candidates.iter().flat_map(|candidate| {
        let starts = match candidate.start {
            Start::First => candidate.argv.len().min(1),
            Start::Anywhere => candidate.argv.len(),
        };
        (0..starts).map(|start| &candidate.argv[start..])
    })
}

/// The last components of all command words of a unit: its own, and those that it may run.
pub(super) fn command_names(unit: &Unit) -> impl Iterator<Item = &str> {
    let own = match &unit.subject {
        Subject::Command(command) => [command.words.first(), command.words.get(command.prefix)],
        Subject::ChangeDirectory { .. }
        | Subject::File { .. }
        | Subject::Web(_)
        | Subject::Whole => [None, None],
    };
    let own = own.into_iter().flatten().map(|word| word.text.as_str());
    let others = commands(unit).filter_map(|argv| argv.first().map(String::as_str));
    own.chain(others).map(command::base_name)
}

/// Whether a rule's `args_any` finds an argument after the words the rule spells.
pub(super) fn has_args(ready: &Ready, argv: &[String], spelled: usize) -> bool {
    let wanted = &ready.rule.args_any;
    let args = argv.get(spelled.max(1)..).unwrap_or_default();
    let all = argv.get(1..).unwrap_or_default();
    let head = argv.first().map_or("", String::as_str);
    wanted.is_empty()
        || wanted.iter().any(|glob| {
            args.iter().any(|arg| glob::fits(glob, arg))
                || (glob.starts_with('-') && command::covers(glob, all, head))
        })
}
