//! What the machine says about paths, asked between analysis and decision.

use std::collections::{BTreeMap, BTreeSet};

use super::path::{composed, normal};
use super::ruleset::RulesAt;

/// What kind of thing is at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileKind {
    /// Nothing.
    #[default]
    Missing,
    /// A regular file with one name.
    Regular,
    /// A regular file with several names: a write would reach the others.
    Linked,
    /// A directory.
    Directory,
    /// A device, socket, pipe or what cannot be asked about.
    Special,
}

impl FileKind {
    /// All of them.
    const ALL: [Self; 5] =
        [Self::Missing, Self::Regular, Self::Linked, Self::Directory, Self::Special];

    /// The word on disk.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Regular => "regular",
            Self::Linked => "linked",
            Self::Directory => "directory",
            Self::Special => "special",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One path, as the kernel sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathFacts {
    /// The path with every link followed, as far as it exists; none: it cannot be known.
    pub resolved: Option<String>,
    /// What is there.
    pub kind: FileKind,
}

/// Who can be asked about paths. Two implementations: the machine's file system, and a table in tests.
pub trait FileFacts {
    /// What is at an absolute path, which may hold `.` and `..`.
    fn path(&self, path: &str) -> PathFacts;
    /// The paths that an absolute glob of the shell expands to now; too many: none.
    fn expand(&self, glob: &str) -> Option<Vec<String>>;
    /// Files below an absolute directory, links not followed, that are `wanted`: the nearest ones,
    /// as far as they can be found in a moment.
    fn below(&self, _directory: &str, _wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
        Vec::new()
    }
}

/// The answers to every question that a request and a set of rules raised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    pub(crate) paths: BTreeMap<String, PathFacts>,
    pub(crate) globs: BTreeMap<String, Option<Vec<String>>>,
}

/// What has to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    pub(crate) paths: Vec<String>,
    pub(crate) globs: Vec<String>,
    /// Directories of which all files are read.
    pub(crate) below: Vec<String>,
}

/// The glob under which it is kept which refused files lie below a directory.
pub(crate) fn everything_below(directory: &str) -> String {
    format!("{}/**", directory.trim_end_matches('/'))
}

impl Questions {
    /// Asks them all, and where whole directories are read, for the files that `rules` refuse.
    #[must_use]
    pub fn answer_for(&self, rules: RulesAt<'_>, facts: &dyn FileFacts) -> Resolution {
        let mut resolution = self.answer(facts);
        let refused = rules.refused_paths();
        if refused.is_empty() {
            return resolution;
        }
        let is_refused = |path: &str| {
            let path = composed(path);
            refused.iter().any(|glob| glob.fits(&path))
        };
        let mut places: BTreeSet<String> = self.below.iter().cloned().collect();
        let resolved = self.below.iter().filter_map(|path| facts.path(path).resolved);
        places.extend(resolved);
        for directory in places {
            let found = facts.below(&normal(&directory), &is_refused);
            if !found.is_empty() {
                resolution.globs.insert(everything_below(&directory), Some(found));
            }
        }
        resolution
    }

    /// Asks them all, but for those about all files of directories.
    #[must_use]
    pub fn answer(&self, facts: &dyn FileFacts) -> Resolution {
        let mut resolution = Resolution::default();
        for path in &self.paths {
            resolution.paths.entry(path.clone()).or_insert_with(|| facts.path(path));
        }
        for glob in &self.globs {
            let found = facts.expand(glob);
            for path in found.iter().flatten() {
                resolution.paths.entry(path.clone()).or_insert_with(|| facts.path(path));
            }
            resolution.globs.insert(glob.clone(), found);
        }
        resolution
    }
}

impl Resolution {
    /// What was answered before, put together again.
    #[must_use]
    pub fn of(
        paths: BTreeMap<String, PathFacts>,
        globs: BTreeMap<String, Option<Vec<String>>>,
    ) -> Self {
        Self { paths, globs }
    }

    /// Knows what another knows, too.
    pub fn extend(&mut self, other: Self) {
        self.paths.extend(other.paths);
        self.globs.extend(other.globs);
    }

    /// Every path that was asked about.
    #[must_use]
    pub const fn paths(&self) -> &BTreeMap<String, PathFacts> {
        &self.paths
    }

    /// Every glob that was asked about, with what it expands to; too many: none.
    #[must_use]
    pub const fn globs(&self) -> &BTreeMap<String, Option<Vec<String>>> {
        &self.globs
    }

    /// The resolved form of a path; what nobody asked about is unknown.
    pub(crate) fn resolved(&self, path: &str) -> Option<&str> {
        self.paths.get(path)?.resolved.as_deref()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.kind(path) != FileKind::Missing
    }

    pub(crate) fn kind(&self, path: &str) -> FileKind {
        self.paths.get(path).map_or(FileKind::Special, |facts| facts.kind)
    }
}
