//! Whether a rule that denies or asks is about a unit: more than is there.

use super::super::facts::everything_below;
use super::super::path::{composed, normal};
use super::super::reach::{Reach, commands, has_args};
use super::super::request::{Shell, Subject, Unit, Wildcards};
use super::super::rule::{Effect, Target};
use super::super::ruleset::{Holds, Ready, ReadyAbout};
use super::super::url;
use super::{Grantable, Ground, Judge};

/// A path as its text and, where that differs, as the kernel has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    lexical: String,
    resolved: Option<String>,
}

impl<'a> Judge<'a> {
    pub(super) fn views(&self, unit: &Unit) -> Vec<View> {
        let plain = unit.mentions.iter().filter(|mention| mention.globs.is_empty());
        let mut views: Vec<View> = plain
            .map(|mention| {
                let lexical = composed(&normal(&mention.path)).into_owned();
                // Most paths are no links: one comparison is enough for them.
                let resolved = self.facts.resolved(&mention.path).map(composed);
                let resolved = resolved.filter(|path| **path != *lexical);
                View { resolved: resolved.map(Into::into), lexical }
            })
            .collect();
        views.dedup();
        views
    }

    pub(super) fn weigh_refusal(
        &self,
        ready: &'a Ready,
        unit: &Unit,
        views: &[View],
        ground: &mut Ground<'a>,
    ) {
        let reaches = |about: &ReadyAbout| self.reach(ready, about, unit, views);
        let reach = ready.abouts.iter().map(reaches).max().unwrap_or(Reach::Not);
        if reach == Reach::Not {
            return;
        }
        let rule = &ready.rule;
        let because = rule.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        let reason = match (rule.effect, self.holds(ready), reach) {
            (_, Holds::No, _) => return,
            (Effect::Deny, Holds::Yes, Reach::Surely) => {
                ground.deny.push(ready);
                ground.reasons.push((Effect::Deny, format!("rule {} denies{because}", rule.id)));
                return;
            }
            (_, Holds::Unknown, _) => {
                format!("rule {} may apply: its conditions are unknown", rule.id)
            }
            (_, Holds::Yes, _) => format!("rule {} asks{because}", rule.id),
        };
        ground.ask.push(ready);
        ground.grantable.push(match rule.effect {
            Effect::Ask if rule.always_ask => {
                Grantable::No(format!("rule {} always asks", rule.id))
            }
            // A pattern may have been granted by one person; this very request was not.
            Effect::Ask if rule.four_eyes => {
                Grantable::ExactOnly(format!("rule {} demands four eyes", rule.id))
            }
            Effect::Ask => Grantable::Yes,
            Effect::Deny | Effect::Allow => Grantable::No(format!("rule {} may deny it", rule.id)),
        });
        ground.reasons.push((Effect::Ask, reason));
    }

    fn reach(&self, ready: &Ready, about: &ReadyAbout, unit: &Unit, views: &[View]) -> Reach {
        let in_shell = unit.from_shell == Shell::Inside && about.names_itself("Bash");
        if !about.names(&unit.tool) && !in_shell {
            return Reach::Not;
        }
        match &about.target {
            Target::Everything if ready.rule.args_any.is_empty() => Reach::Surely,
            Target::Everything => Reach::from(commands(unit).any(|argv| has_args(ready, argv, 1))),
            Target::Command(pattern) => {
                Reach::from(commands(unit).any(|argv| {
                    pattern.reaches(argv) && has_args(ready, argv, pattern.words.len())
                }))
            }
            Target::Path(_) => self.reaches_path(about, unit, views),
            Target::Domain(domain) => {
                let mut hosts = unit.hosts.iter().flat_map(|destination| &destination.hosts);
                Reach::from(hosts.any(|host| url::names(domain, host)))
            }
        }
    }

    fn reaches_path(&self, about: &ReadyAbout, unit: &Unit, views: &[View]) -> Reach {
        let known = |path: &str| about.paths.iter().any(|glob| glob.fits(path));
        let fits = |path: &str| {
            known(&composed(&normal(path)))
                || self.facts.resolved(path).is_some_and(|path| known(&composed(path)))
        };
        if let Subject::File { paths, .. } = &unit.subject {
            return Reach::from(paths.iter().any(|path| fits(path)));
        }
        if views.iter().any(|v| known(&v.lexical) || v.resolved.as_deref().is_some_and(known)) {
            return Reach::Surely;
        }
        let mut globs = unit.mentions.iter().filter(|mention| !mention.globs.is_empty());
        let reaches = globs.any(|mention| {
            let (path, globs) = (&mention.path, &mention.globs);
            let found = self.facts.globs.get(path).and_then(Option::as_ref);
            let by_git = || about.paths.iter().any(|glob| glob.meets_any_name(path, globs));
            match mention.wildcards {
                Wildcards::Shell => {
                    about.paths.iter().any(|glob| glob.meets(path, globs))
                        || found.is_none_or(|paths| paths.iter().any(|path| fits(path)))
                }
                Wildcards::Git => by_git(),
                Wildcards::ShellThenGit => found.is_none_or(Vec::is_empty) && by_git(),
            }
        });
        if reaches || self.reads_below(about, unit) { Reach::Perhaps } else { Reach::Not }
    }

    /// Whether a command reads all files of a directory, and among them one that a rule is about.
    fn reads_below(&self, about: &ReadyAbout, unit: &Unit) -> bool {
        let Subject::Command(command) = &unit.subject else { return false };
        command.below.iter().any(|below| {
            let lexical = below.directory.as_str();
            let mut places = [Some(lexical), self.facts.resolved(lexical)].into_iter().flatten();
            places.any(|place| {
                let found = self.facts.globs.get(&everything_below(place));
                let place = normal(place);
                found.and_then(Option::as_ref).into_iter().flatten().any(|path| {
                    let inner = path.strip_prefix(place.trim_end_matches('/')).unwrap_or(path);
                    below.reads(inner.trim_start_matches('/'))
                        && about.paths.iter().any(|glob| glob.fits(&composed(path)))
                })
            })
        })
    }
}
