//! The settings that say which hooks an agent runs: edits of them are noticed, not prevented. Blocks as the file system does.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::agents::Agent;
use crate::os::Target;

/// So much of a file is compared, in bytes.
const MOST_BYTES: u64 = 4 << 20;

/// The settings of one session.
#[derive(Debug)]
pub(super) struct Settings {
    agent: Agent,
    files: Vec<Known>,
}

/// One file; none: it is not there, or cannot be read.
#[derive(Debug)]
struct Known {
    path: PathBuf,
    /// As it was compared last.
    content: Option<Vec<u8>>,
    /// As it was seen last, where that differs: it may be half-written.
    unsettled: Option<Option<Vec<u8>>>,
    /// It was edited since an earlier daemon looked at it, and nobody was told yet.
    edited: bool,
}

/// Digest of what nobody has looked at yet.
pub(super) const UNSEEN: u64 = 0;

/// An edit that changed something about hooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) path: PathBuf,
    /// What, for people.
    pub(super) change: String,
}

impl Settings {
    /// These files as they are now, each with the digest of what it said of hooks when it was looked at last.
    pub(super) fn new(agent: Agent, files: Vec<(PathBuf, u64)>) -> Self {
        let known = |(path, seen): (PathBuf, u64)| {
            let mut file = Known { content: content(&path), unsettled: None, edited: false, path };
            file.edited = seen != UNSEEN && seen != file.digest(agent);
            file
        };
        Self { agent, files: files.into_iter().map(known).collect() }
    }

    /// The files, each with the digest of what it says of hooks.
    pub(super) fn digests(&self) -> impl Iterator<Item = (&Path, u64)> + '_ {
        self.files.iter().map(|file| (file.path.as_path(), file.digest(self.agent)))
    }

    /// What to wait for: a link changes where it leads, too.
    pub(super) fn targets(&self) -> Vec<Target> {
        let linked = |path: &PathBuf| fs::canonicalize(path).ok().filter(|real| real != path);
        let paths = self.files.iter().map(|file| &file.path);
        paths
            .flat_map(|path| [Some(path.clone()), linked(path)])
            .flatten()
            .map(Target::File)
            .collect()
    }

    /// Looks at all files. A file that has changed is looked at again a moment later, and compared when it has come to
    /// rest.
    pub(super) fn look(&mut self) -> Vec<Edit> {
        let agent = self.agent;
        self.files.iter_mut().filter_map(|file| file.look(agent)).collect()
    }

    /// Whether a file must be looked at again a moment later.
    pub(super) fn is_unsettled(&self) -> bool {
        self.files.iter().any(|file| file.unsettled.is_some())
    }
}

impl Known {
    /// Half of 64 bits: the store's numbers have a sign. It tells edits apart, and keeps no secret.
    fn digest(&self, agent: Agent) -> u64 {
        let said = Sha256::digest(agent.hooks_said(&self.path, self.content.as_deref()));
        let first = said.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        (first >> 1).max(UNSEEN + 1)
    }

    fn look(&mut self, agent: Agent) -> Option<Edit> {
        if std::mem::take(&mut self.edited) {
            let what = agent.hooks_touched(&self.path, None, self.content.as_deref());
            let what = what.unwrap_or_else(|| "it says nothing of hooks any more".to_owned());
            let change = format!("edited while no daemon ran: {what}");
            return Some(Edit { path: self.path.clone(), change });
        }
        let now = content(&self.path);
        let before = self.unsettled.take();
        if now == self.content {
            return None;
        }
        if before.as_ref() != Some(&now) {
            self.unsettled = Some(now);
            return None;
        }
        let change = agent.hooks_touched(&self.path, self.content.as_deref(), now.as_deref());
        self.content = now;
        change.map(|change| Edit { path: self.path.clone(), change })
    }
}

fn content(path: &Path) -> Option<Vec<u8>> {
    // A FIFO would wait for its writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    file.metadata().ok()?.is_file().then_some(())?;
    let mut content = Vec::new();
    File::take(file, MOST_BYTES).read_to_end(&mut content).ok()?;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISABLED: &str = "{\"disableAllHooks\": true}";

    fn lab() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("settings.json");
        (directory, path)
    }

    fn changes(settings: &mut Settings) -> Vec<String> {
        settings.look().into_iter().map(|edit| edit.change).collect()
    }

    #[test]
    fn an_edit_of_hooks_is_told_once_it_has_come_to_rest() {
        let (_directory, path) = lab();
        let mut settings = Settings::new(Agent::Claude, vec![(path.clone(), UNSEEN)]);

        fs::write(&path, "{\"disable").unwrap();
        assert!(changes(&mut settings).is_empty());
        assert!(settings.is_unsettled());
        fs::write(&path, DISABLED).unwrap();
        assert!(changes(&mut settings).is_empty());
        assert_eq!(changes(&mut settings), ["'disableAllHooks' is now true"]);
        assert!(!settings.is_unsettled());
        assert!(changes(&mut settings).is_empty());
        fs::remove_file(&path).unwrap();
        assert!(changes(&mut settings).is_empty());
        assert_eq!(changes(&mut settings), ["'disableAllHooks' was removed"]);
    }

    #[test]
    fn an_edit_of_something_else_is_none() {
        let (_directory, path) = lab();
        fs::write(&path, DISABLED).unwrap();
        let mut settings = Settings::new(Agent::Claude, vec![(path.clone(), UNSEEN)]);

        fs::write(&path, "{\"disableAllHooks\": true, \"theme\": \"dark\"}").unwrap();

        assert!(changes(&mut settings).is_empty());
        assert!(settings.is_unsettled());
        assert!(changes(&mut settings).is_empty());
        assert!(!settings.is_unsettled());
    }

    #[test]
    fn an_edit_while_nobody_looked_is_told_once() {
        let (_directory, path) = lab();
        fs::write(&path, "{\"theme\": \"dark\"}").unwrap();
        let seen = |settings: &Settings| settings.digests().next().unwrap().1;
        let again = |seen| Settings::new(Agent::Claude, vec![(path.clone(), seen)]);
        let first = seen(&again(UNSEEN));

        fs::write(&path, "{\"theme\": \"light\"}").unwrap();
        assert!(changes(&mut again(first)).is_empty(), "nothing about hooks");
        fs::write(&path, DISABLED).unwrap();
        let mut settings = again(first);
        let told = ["edited while no daemon ran: 'disableAllHooks' is now true"];
        assert_eq!(changes(&mut settings), told);
        assert!(changes(&mut settings).is_empty());
        let second = seen(&settings);
        fs::remove_file(&path).unwrap();
        let told = ["edited while no daemon ran: it says nothing of hooks any more"];
        assert_eq!(changes(&mut again(second)), told);
    }

    #[test]
    fn a_link_is_waited_for_where_it_leads() {
        let (directory, path) = lab();
        let real = fs::canonicalize(directory.path()).unwrap().join("dotfiles.json");
        fs::write(&real, "{}").unwrap();
        std::os::unix::fs::symlink(&real, &path).unwrap();

        let settings = Settings::new(Agent::Claude, vec![(path.clone(), UNSEEN)]);

        assert_eq!(settings.targets(), [Target::File(path), Target::File(real)]);
    }
}
