//! From units, rules and facts to a verdict.

use super::escalation;
use super::facts::{FileKind, Resolution};
use super::path::{is_inside, normal};
use super::programs;
use super::reach::{Reach, commands, has_args};
use super::request::{Access, Analysis, Command, Mention, Request, Shell, Subject, Unit};
use super::rule::{Effect, Target};
use super::ruleset::{Holds, Ready, ReadyAbout, RuleSet};
use super::{glob, url};

/// The answer to a request, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The strictest answer of all units.
    pub decision: Effect,
    /// Each unit's answer.
    pub units: Vec<UnitVerdict>,
    /// The rules that decided, sorted.
    pub rules: Vec<String>,
    /// Why, in words; each once.
    pub reasons: Vec<String>,
}

/// The answer to one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitVerdict {
    /// The tool whose rules judged it.
    pub tool: String,
    /// What it is.
    pub text: String,
    /// The answer.
    pub decision: Effect,
    /// The rules behind it.
    pub rules: Vec<String>,
    /// Why, in words.
    pub reasons: Vec<String>,
}

/// Judges a request that was taken apart, with what is known of the files it names.
#[must_use]
pub fn evaluate(
    rules: &RuleSet,
    request: &Request,
    analysis: &Analysis,
    facts: &Resolution,
) -> Verdict {
    if let Some(why) = &analysis.malformed {
        return Verdict {
            decision: Effect::Deny,
            units: Vec::new(),
            rules: Vec::new(),
            reasons: vec![format!("MALFORMED: {why}")],
        };
    }
    let judge = Judge { rules, request, facts };
    let units: Vec<UnitVerdict> = analysis.units.iter().map(|unit| judge.unit(unit)).collect();
    let decision = units.iter().map(|unit| unit.decision).max().unwrap_or(Effect::Ask);
    let deciding = units.iter().filter(|unit| unit.decision == decision);
    let mut names: Vec<String> = deciding.clone().flat_map(|unit| unit.rules.clone()).collect();
    names.sort();
    names.dedup();
    let mut reasons: Vec<String> = deciding.flat_map(|unit| unit.reasons.clone()).collect();
    let mut seen = std::collections::BTreeSet::new();
    reasons.retain(|reason| seen.insert(reason.clone()));
    Verdict { decision, units, rules: names, reasons }
}

struct Judge<'a> {
    rules: &'a RuleSet,
    request: &'a Request,
    facts: &'a Resolution,
}

/// A path as its text and as the kernel has it.
#[derive(Debug, PartialEq, Eq)]
struct View<'a> {
    lexical: String,
    resolved: Option<&'a str>,
}

/// What speaks for an answer.
#[derive(Default)]
struct Ground {
    deny: Vec<String>,
    ask: Vec<String>,
    allow: Vec<String>,
    reasons: Vec<String>,
}

impl Judge<'_> {
    fn unit(&self, unit: &Unit) -> UnitVerdict {
        let mut ground = Ground::default();
        let views = self.views(unit);
        let mut asks: Vec<String> =
            unit.opaque.iter().map(|why| format!("opaque: {why}")).collect();
        asks.extend(self.always(unit));
        for ready in &self.rules.rules {
            if ready.rule.expires_ms.is_some_and(|at| at <= self.rules.now_ms) {
                continue;
            }
            match ready.rule.effect {
                Effect::Allow if asks.is_empty() => self.weigh_allow(ready, unit, &mut ground),
                Effect::Allow => {}
                Effect::Deny | Effect::Ask => self.weigh_refusal(ready, unit, &views, &mut ground),
            }
        }
        let free = matches!(unit.subject, Subject::ChangeDirectory { .. }) && asks.is_empty();
        let (decision, rules) = if !ground.deny.is_empty() {
            (Effect::Deny, ground.deny)
        } else if !ground.ask.is_empty() {
            (Effect::Ask, ground.ask)
        } else if !ground.allow.is_empty() {
            ground.reasons.clear();
            (Effect::Allow, ground.allow)
        } else if free {
            (Effect::Allow, Vec::new())
        } else {
            asks.push(format!("default: no rule allows '{}'", unit.text));
            (self.rules.default, Vec::new())
        };
        let mut reasons = ground.reasons;
        reasons.extend(asks);
        let (tool, text) = (unit.tool.clone(), unit.text.clone());
        UnitVerdict { tool, text, decision, rules, reasons }
    }

    fn views<'a>(&'a self, unit: &Unit) -> Vec<View<'a>> {
        let plain = unit.mentions.iter().filter(|mention| mention.globs.is_empty());
        let mut views: Vec<View<'a>> = plain
            .map(|mention| {
                let lexical = normal(&mention.path);
                // Most paths are no links: one comparison is enough for them.
                let resolved = self.facts.resolved(&mention.path).filter(|path| *path != lexical);
                View { lexical, resolved }
            })
            .collect();
        views.dedup();
        views
    }

    fn holds(&self, ready: &Ready) -> Holds {
        let cwd = self.request.cwd.as_deref().and_then(|cwd| self.facts.resolved(cwd));
        ready.holds(self.request, cwd)
    }

    fn weigh_refusal(&self, ready: &Ready, unit: &Unit, views: &[View<'_>], ground: &mut Ground) {
        let reach = self.reach(ready, unit, views);
        if reach == Reach::Not {
            return;
        }
        let rule = &ready.rule;
        let holds = self.holds(ready);
        let because = rule.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        match (rule.effect, holds, reach) {
            (_, Holds::No, _) => {}
            (Effect::Deny, Holds::Yes, Reach::Surely) => {
                ground.deny.push(rule.id.clone());
                ground.reasons.push(format!("rule {} denies{because}", rule.id));
            }
            (_, Holds::Unknown, _) => {
                ground.ask.push(rule.id.clone());
                ground
                    .reasons
                    .push(format!("rule {} may apply: its conditions are unknown", rule.id));
            }
            (_, Holds::Yes, _) => {
                ground.ask.push(rule.id.clone());
                ground.reasons.push(format!("rule {} asks{because}", rule.id));
            }
        }
    }

    fn weigh_allow(&self, ready: &Ready, unit: &Unit, ground: &mut Ground) {
        let named = ready.abouts.iter().filter(|about| about.names(&unit.tool));
        let fits = named.into_iter().any(|about| self.fits(ready, about, unit, ground));
        if fits && self.holds(ready) == Holds::Yes {
            ground.allow.push(ready.rule.id.clone());
        }
    }

    fn fits(&self, ready: &Ready, about: &ReadyAbout, unit: &Unit, ground: &mut Ground) -> bool {
        match (&unit.subject, &about.target) {
            (Subject::Command(command), target) => {
                self.allows_command(ready, target, command, ground)
            }
            (_, _) if !ready.rule.args_any.is_empty() => false,
            (_, Target::Everything) => true,
            (Subject::File { paths, .. }, Target::Path(_)) => paths.iter().all(|path| {
                let fits = |path: &str| about.paths.iter().any(|glob| glob.fits(path));
                fits(&normal(path)) && self.facts.resolved(path).is_some_and(fits)
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

    fn allows_command(
        &self,
        ready: &Ready,
        target: &Target,
        command: &Command,
        ground: &mut Ground,
    ) -> bool {
        let mut forms = vec![&command.words[..]];
        if command.prefix > 0 {
            forms.push(&command.words[command.prefix..]);
        }
        for words in forms {
            let spelled = match target {
                Target::Everything => Some(0),
                Target::Command(pattern) => pattern.allows(words),
                Target::Path(_) | Target::Domain(_) => None,
            };
            let Some(spelled) = spelled else { continue };
            let args = words.get(spelled.max(1)..).unwrap_or_default();
            let wanted = &ready.rule.args_any;
            let has_args = wanted.is_empty()
                || args.iter().any(|arg| {
                    arg.is_literal() && wanted.iter().any(|glob| glob::fits(glob, &arg.text))
                });
            if !has_args {
                continue;
            }
            let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            let is_exact = spelled == words.len() && spelled > 0;
            let escalated = if is_exact { None } else { escalation::escalates(&texts, spelled) };
            let escalated = escalated.or_else(|| {
                let strays = !command.git_directories.iter().all(|path| self.is_in_workspace(path));
                (!is_exact && strays).then(|| "git -C leads out of the workspace".to_owned())
            });
            match escalated {
                None => return true,
                Some(why) => ground.reasons.push(format!("escalated: {why}")),
            }
        }
        false
    }

    /// What asks whatever the rules say.
    fn always(&self, unit: &Unit) -> Vec<String> {
        match &unit.subject {
            Subject::File { paths, access } => {
                paths.iter().filter_map(|path| self.file_always(path, *access)).collect()
            }
            Subject::ChangeDirectory { paths, .. } => {
                let strays = !paths.iter().all(|path| self.is_in_workspace(path));
                strays.then(|| "a cd out of the workspace".to_owned()).into_iter().collect()
            }
            Subject::Command(command) => self.protected_arguments(unit, command),
            Subject::Web(_) | Subject::Whole => Vec::new(),
        }
    }

    fn file_always(&self, path: &str, access: Access) -> Option<String> {
        let lexical = normal(path);
        let resolved = self.facts.resolved(path);
        let Some(resolved) = resolved else { return Some(format!("{lexical} cannot be resolved")) };
        let both = [lexical.as_str(), resolved];
        if access == Access::Write && both.iter().any(|path| self.rules.protected.holds(path)) {
            return Some(format!("{lexical} is protected"));
        }
        if both.iter().any(|path| ["/proc", "/sys", "/dev"].iter().any(|top| is_inside(path, top)))
        {
            return Some(format!("{lexical} belongs to the system"));
        }
        match (self.facts.kind(path), access) {
            (FileKind::Special, _) => Some(format!("{lexical} is no regular file")),
            (FileKind::Directory, Access::Read | Access::Write) => {
                Some(format!("{lexical} is a directory"))
            }
            (FileKind::Linked, Access::Write) => Some(format!("{lexical} has other names")),
            (FileKind::Directory | FileKind::Linked, Access::Search)
            | (FileKind::Linked, Access::Read)
            | (FileKind::Missing | FileKind::Regular, _) => None,
        }
    }

    fn protected_arguments(&self, unit: &Unit, command: &Command) -> Vec<String> {
        let argv: Vec<&str> =
            command.words[command.prefix..].iter().map(|word| word.text.as_str()).collect();
        if programs::is_reader(&argv) {
            return Vec::new();
        }
        let arguments = unit.mentions.iter().filter(|mention| mention.argument);
        let found = arguments.filter(|mention| self.is_protected(mention)).take(1);
        found.map(|mention| format!("{} is protected", normal(&mention.path))).collect()
    }

    fn is_protected(&self, mention: &Mention) -> bool {
        let protected = &self.rules.protected;
        if !mention.globs.is_empty() {
            let found = self.facts.globs.get(&mention.path).and_then(Option::as_ref);
            return protected.meets(&mention.path, &mention.globs)
                && found.is_none_or(|found| !found.is_empty())
                || found.into_iter().flatten().any(|path| self.is_protected_path(path));
        }
        let exists = self.facts.kind(&mention.path) != FileKind::Missing;
        (exists || !mention.bare) && self.is_protected_path(&mention.path)
    }

    fn is_protected_path(&self, path: &str) -> bool {
        let protected = &self.rules.protected;
        protected.holds(&normal(path))
            || self.facts.resolved(path).is_some_and(|resolved| protected.holds(resolved))
    }

    fn is_in_workspace(&self, path: &str) -> bool {
        let Some(workspace) = self.request.workspace.as_deref() else { return false };
        let resolved = self.facts.resolved(path).zip(self.facts.resolved(workspace));
        is_inside(&normal(path), &normal(workspace))
            && resolved.is_some_and(|(path, workspace)| is_inside(path, workspace))
    }

    /// Whether a rule that denies or asks is about a unit.
    fn reach(&self, ready: &Ready, unit: &Unit, views: &[View<'_>]) -> Reach {
        let reaches = |about: &ReadyAbout| self.reach_about(ready, about, unit, views);
        ready.abouts.iter().map(reaches).max().unwrap_or(Reach::Not)
    }

    fn reach_about(
        &self,
        ready: &Ready,
        about: &ReadyAbout,
        unit: &Unit,
        views: &[View<'_>],
    ) -> Reach {
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
                let hosts = unit.hosts.iter().flat_map(|destination| &destination.hosts);
                Reach::from(hosts.into_iter().any(|host| url::names(domain, host)))
            }
        }
    }

    fn reaches_path(&self, about: &ReadyAbout, unit: &Unit, views: &[View<'_>]) -> Reach {
        let fits = |path: &str| {
            let known = |path: &str| about.paths.iter().any(|glob| glob.fits(path));
            known(&normal(path)) || self.facts.resolved(path).is_some_and(known)
        };
        if let Subject::File { paths, .. } = &unit.subject {
            return Reach::from(paths.iter().any(|path| fits(path)));
        }
        let known = |path: &str| about.paths.iter().any(|glob| glob.fits(path));
        if views.iter().any(|view| known(&view.lexical) || view.resolved.is_some_and(known)) {
            return Reach::Surely;
        }
        let mut reach = Reach::Not;
        for mention in unit.mentions.iter().filter(|mention| !mention.globs.is_empty()) {
            let pattern = about.paths.iter().any(|glob| glob.meets(&mention.path, &mention.globs));
            let found = self.facts.globs.get(&mention.path);
            let now = found.is_none_or(|found| {
                found.as_ref().is_none_or(|paths| paths.iter().any(|path| fits(path)))
            });
            if pattern || now {
                reach = Reach::Perhaps;
            }
        }
        reach
    }
}
