//! Whether a rule allows a unit: exactly, or not at all.

use super::super::escalation;
use super::super::path::normal;
use super::super::request::{Command, Subject, Unit};
use super::super::rule::{Effect, Target};
use super::super::ruleset::{Holds, Ready, ReadyAbout};
use super::super::shell::Word;
use super::super::{glob, url};
use super::{Ground, Judge};

impl<'a> Judge<'a> {
    pub(super) fn weigh_allow(&self, ready: &'a Ready, unit: &Unit, ground: &mut Ground<'a>) {
        let mut named = ready.abouts.iter().filter(|about| about.names(&unit.tool));
        let fits = named.any(|about| self.fits(ready, about, unit, ground));
        if fits && self.holds(ready) == Holds::Yes {
            ground.allow.push(ready);
        }
    }

    fn fits(
        &self,
        ready: &Ready,
        about: &ReadyAbout,
        unit: &Unit,
        ground: &mut Ground<'_>,
    ) -> bool {
        match (&unit.subject, &about.target) {
            (Subject::Command(command), target) => {
                let forms = [&command.words[..], &command.words[command.prefix..]];
                let count = if command.prefix > 0 { 2 } else { 1 };
                forms[..count].iter().any(|words| {
                    match self.fit_words(ready, target, command, words) {
                        Fit::Yes => true,
                        Fit::No => false,
                        Fit::Escalated(why) => {
                            ground.reasons.push((Effect::Ask, format!("escalated: {why}")));
                            false
                        }
                    }
                })
            }
            (_, _) if !ready.rule.args_any.is_empty() => false,
            (_, Target::Everything) => true,
            (Subject::File { paths, .. }, Target::Path(_)) => paths.iter().all(|path| {
                let fits = |path: &str| about.paths.iter().any(|glob| glob.fits(path));
                let is_named = fits(&normal(path))
                    || self.in_real_directory(path).is_some_and(|path| fits(&path));
                is_named && self.facts.resolved(path).is_some_and(fits)
            }),
            (Subject::Web(destination), Target::Domain(domain)) => {
                destination.hosts.first().is_some_and(|host| url::names(domain, host))
            }
            (
                Subject::File { .. }
                | Subject::Web(_)
                | Subject::Whole
                | Subject::ChangeDirectory { .. },
                Target::Command(_) | Target::Path(_) | Target::Domain(_),
            ) => false,
        }
    }

    fn fit_words(&self, ready: &Ready, target: &Target, command: &Command, words: &[Word]) -> Fit {
        let spelled = match target {
            Target::Everything => Some(0),
            Target::Command(pattern) => pattern.allows(words),
            Target::Path(_) | Target::Domain(_) => None,
        };
        let Some(spelled) = spelled else { return Fit::No };
        let args = words.get(spelled.max(1)..).unwrap_or_default();
        let wanted = &ready.rule.args_any;
        let is_wanted =
            |arg: &Word| arg.is_literal() && wanted.iter().any(|glob| glob::fits(glob, &arg.text));
        if !wanted.is_empty() && !args.iter().any(is_wanted) {
            return Fit::No;
        }
        if spelled == words.len() && spelled > 0 {
            return Fit::Yes;
        }
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        if let Some(why) = escalation::escalates(&texts, spelled) {
            return Fit::Escalated(why);
        }
        let from = command.words.len() - words.len() + spelled;
        let mut free = command.directories.iter().filter(|(at, _)| *at >= from);
        if free.any(|(_, path)| !self.is_in_workspace(path)) {
            return Fit::Escalated("an option leads out of the workspace".to_owned());
        }
        Fit::Yes
    }
}

/// Whether words fit what a rule allows.
enum Fit {
    Yes,
    No,
    /// They would, but do more than they seem to: why.
    Escalated(String),
}
