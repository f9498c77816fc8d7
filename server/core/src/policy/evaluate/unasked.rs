//! What asks whatever the rules say.

use super::super::analyse::repository_parts;
use super::super::facts::FileKind;
use super::super::path::{is_inside, leads_through_process, normal};
use super::super::programs;
use super::super::request::{Access, Command, Mention, Subject, Unit, Wildcards};
use super::{Grantable, Judge};

/// Why something asks although no rule does.
pub(super) struct Unasked {
    pub(super) text: String,
    pub(super) grantable: Grantable,
}

impl Unasked {
    fn new(text: String) -> Self {
        Self { grantable: Grantable::ExactOnly(text.clone()), text }
    }

    fn protected(path: &str) -> Self {
        let text = format!("{path} is protected");
        Self { grantable: Grantable::No(text.clone()), text }
    }
}

impl Judge<'_> {
    pub(super) fn unasked(&self, unit: &Unit) -> Vec<Unasked> {
        let mut found: Vec<Unasked> =
            unit.opaque.iter().map(|why| Unasked::new(format!("opaque: {why}"))).collect();
        found.extend(unit.mentions.iter().find_map(|mention| self.of_process(mention)));
        match &unit.subject {
            Subject::File { paths, access } => {
                found.extend(paths.iter().filter_map(|path| self.file(path, *access)));
            }
            Subject::ChangeDirectory { paths, .. } => {
                if !paths.iter().all(|path| self.is_in_workspace(path)) {
                    found.push(Unasked::new("a cd out of the workspace".to_owned()));
                }
            }
            Subject::Command(command) => {
                found.extend(self.protected_argument(unit, command));
                found.extend(self.bare_repository(command));
            }
            Subject::Web(_) | Subject::Whole => {}
        }
        found
    }

    fn file(&self, path: &str, access: Access) -> Option<Unasked> {
        let lexical = normal(path);
        let Some(resolved) = self.facts.resolved(path) else {
            return Some(Unasked::new(format!("{lexical} cannot be resolved")));
        };
        let both = [lexical.as_str(), resolved];
        if access == Access::Write && both.iter().any(|path| self.rules.set.protected.holds(path)) {
            return Some(Unasked::protected(&lexical));
        }
        let system = |path: &&str| ["/proc", "/sys", "/dev"].iter().any(|top| is_inside(path, top));
        let why = match (self.facts.kind(path), access) {
            _ if both.iter().any(system) => "belongs to the system",
            (FileKind::Special, _) => "is no regular file",
            (FileKind::Directory, Access::Read | Access::Write) => "is a directory",
            (FileKind::Linked, Access::Write) => "has other names",
            (FileKind::Directory | FileKind::Linked, Access::Search)
            | (FileKind::Linked, Access::Read)
            | (FileKind::Missing | FileKind::Regular, _) => return None,
        };
        Some(Unasked::new(format!("{lexical} {why}")))
    }

    /// A path by way of a process leads where that process is, which nobody here can know.
    fn of_process(&self, mention: &Mention) -> Option<Unasked> {
        let found = self.facts.globs.get(&mention.path).and_then(Option::as_ref);
        let mut resolved = std::iter::once(&mention.path)
            .chain(found.into_iter().flatten())
            .filter_map(|path| self.facts.resolved(path));
        let is_stream = mention.globs.is_empty()
            && matches!(mention.path.as_str(), "/dev/stdin" | "/dev/stdout" | "/dev/stderr");
        let leads = !is_stream
            && (leads_through_process(&mention.path, &mention.globs)
                || resolved.any(|path| leads_through_process(path, &[])));
        leads.then(|| Unasked::new(format!("{} leads through a process", mention.path)))
    }

    /// git runs programs that the configuration of a repository names, and one without `.git` may be
    /// made of files that no rule protects.
    fn bare_repository(&self, command: &Command) -> Option<Unasked> {
        let is_whole = |at: &&String| repository_parts(at).iter().all(|part| self.is_there(part));
        let found = command.repositories.iter().find(is_whole)?;
        Some(Unasked::new(format!("git takes its configuration from {found}")))
    }

    fn is_there(&self, path: &str) -> bool {
        self.facts.paths().contains_key(path) && self.facts.exists(path)
    }

    fn protected_argument(&self, unit: &Unit, command: &Command) -> Option<Unasked> {
        let mut arguments = unit.mentions.iter().filter(|mention| mention.argument);
        let found = arguments.find(|mention| self.is_protected(mention))?;
        let argv: Vec<&str> =
            command.words[command.prefix..].iter().map(|word| word.text.as_str()).collect();
        (!programs::is_reader(&argv)).then(|| Unasked::protected(&normal(&found.path)))
    }

    fn is_protected(&self, mention: &Mention) -> bool {
        let protected = &self.rules.set.protected;
        if mention.wildcards != Wildcards::Shell {
            return false;
        }
        if !mention.globs.is_empty() {
            let found = self.facts.globs.get(&mention.path).and_then(Option::as_ref);
            return protected.meets(&mention.path, &mention.globs)
                && found.is_none_or(|found| !found.is_empty())
                || found.into_iter().flatten().any(|path| self.is_protected_path(path));
        }
        (self.facts.exists(&mention.path) || !mention.bare)
            && (self.is_protected_path(&mention.path)
                || self.rules.set.protected.surrounds(&normal(&mention.path)))
    }

    fn is_protected_path(&self, path: &str) -> bool {
        let protected = &self.rules.set.protected;
        protected.holds(&normal(path))
            || self.facts.resolved(path).is_some_and(|resolved| protected.holds(resolved))
    }

    /// A path below the call's directory, named from where that really is: it may be told by a link.
    pub(super) fn in_real_directory(&self, path: &str) -> Option<String> {
        let cwd = self.request.known_cwd()?;
        let rest = path.strip_prefix(cwd).filter(|rest| rest.starts_with('/'))?;
        Some(normal(&format!("{}{rest}", self.facts.resolved(cwd)?)))
    }

    pub(super) fn is_in_workspace(&self, path: &str) -> bool {
        let Some(workspace) = self.request.workspace.as_deref() else { return false };
        let Some((resolved, real)) = self.facts.resolved(path).zip(self.facts.resolved(workspace))
        else {
            return false;
        };
        // The workspace may be told by a link to it, and the path by its own name.
        let named = normal(path);
        let is_named_inside = is_inside(&named, &normal(workspace))
            || is_inside(&named, real)
            || self.in_real_directory(path).is_some_and(|path| is_inside(&path, real));
        is_named_inside && is_inside(resolved, real)
    }
}
