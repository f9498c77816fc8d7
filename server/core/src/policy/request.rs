//! A tool call that somebody wants to make, and what it consists of.

use std::collections::BTreeMap;

use super::facts::Questions;
use super::glob;
use super::json::Value;
use super::shell::Word;
use super::url::Destination;

/// A tool call.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Which agent asks; none: not known.
    pub provider: Option<String>,
    /// For whom; none: not known.
    pub user: Option<String>,
    /// The tool.
    pub tool: String,
    /// Its input, or why that cannot be read.
    pub input: Option<Result<Value, String>>,
    /// Where relative paths start; none: not known.
    pub cwd: Option<String>,
    /// The session's labels; none: not known.
    pub labels: Option<BTreeMap<String, String>>,
    /// The directory the agent works in; none: not known.
    pub workspace: Option<String>,
    /// What `~` stands for.
    pub home: String,
}

/// Stands for a directory that is not known: nothing lies there, and what is denied anywhere is denied there.
pub(crate) const NOWHERE: &str = "/(unknown directory)";

impl Request {
    /// Where relative paths are taken to start, so that what they name can be denied wherever it is.
    pub(crate) fn base(&self) -> &str {
        self.known_cwd().unwrap_or(NOWHERE)
    }

    /// Where relative paths start.
    pub(crate) fn known_cwd(&self) -> Option<&str> {
        self.cwd.as_deref().filter(|cwd| cwd.starts_with('/'))
    }
}

/// A request, taken apart.
#[derive(Clone, Debug)]
pub struct Analysis {
    pub(crate) units: Vec<Unit>,
    /// Why its input is no input of its tool, if so.
    pub(crate) malformed: Option<String>,
    pub(crate) questions: Questions,
}

impl Analysis {
    /// What has to be asked about the file system before this can be judged.
    #[must_use]
    pub const fn questions(&self) -> &Questions {
        &self.questions
    }
}

/// One thing that needs an answer of its own.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    /// Whose rules judge it.
    pub(crate) tool: String,
    /// How it is shown.
    pub(crate) text: String,
    pub(crate) subject: Subject,
    /// Whether a shell line holds it.
    pub(crate) from_shell: Shell,
    /// Why no rule can allow it, if so.
    pub(crate) opaque: Vec<String>,
    /// Paths it names.
    pub(crate) mentions: Vec<Mention>,
    /// Hosts it names.
    pub(crate) hosts: Vec<Destination>,
}

/// Whether a unit is part of a shell line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    Inside,
    Outside,
}

/// What a unit is.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Command(Command),
    /// A file, at each place where it may be.
    File {
        paths: Vec<String>,
        access: Access,
    },
    /// `cd` to one literal directory, at each place where it may be.
    ChangeDirectory {
        paths: Vec<String>,
        command: Command,
    },
    Web(Destination),
    /// A tool as a whole, or a shell line that holds nothing.
    Whole,
}

/// A simple command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    /// The words that a rule may allow: harmless assignments left out.
    pub(crate) words: Vec<Word>,
    /// How many of them are harmless prefixes.
    pub(crate) prefix: usize,
    /// The commands that it may run, for rules that deny.
    pub(crate) argvs: Vec<Candidate>,
    /// Directories that its options choose, as `git -C` does, and which word says so.
    pub(crate) directories: Vec<(usize, String)>,
    /// Directories in which git may look for a repository.
    pub(crate) repositories: Vec<String>,
    /// Directories of which it reads the files below.
    pub(crate) below: Vec<Below>,
}

/// The files below a directory that a command reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Below {
    /// Absolute, dots kept.
    pub(crate) directory: String,
    /// Whether those in it whose name begins with a dot are among them.
    pub(crate) has_hidden: bool,
    /// Globs of the names that it reads; none: any name.
    pub(crate) only: Vec<String>,
    /// Globs of the names, also of directories, that it goes past.
    pub(crate) without: Vec<String>,
}

impl Below {
    /// Whether it reads a file, by its path from the directory.
    pub(crate) fn reads(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        // A glob with a slash is not understood here, and may find anything.
        let finds = |glob: &String| glob.contains(['/', '{', '[']) || glob::fits(glob, name);
        (self.has_hidden || !path.split('/').any(|part| part.starts_with('.')))
            && (self.only.is_empty() || self.only.iter().any(finds))
            && !path.split('/').any(|part| self.without.iter().any(|glob| glob::fits(glob, part)))
    }
}

/// Words that may be run as a command.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) argv: Vec<String>,
    /// Whether the command may begin at any word.
    pub(crate) start: Start,
}

/// Where a command may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    First,
    Anywhere,
}

/// How a file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Search,
    Write,
}

/// A word that is, or holds, a path.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of one word")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mention {
    /// Absolute, dots kept.
    pub(crate) path: String,
    /// Byte positions of the shell's wildcards in it, sorted.
    pub(crate) globs: Vec<usize>,
    /// Whether it is only a word that may be a path.
    pub(crate) bare: bool,
    /// Whether it follows the command word.
    pub(crate) argument: bool,
    /// Who finds files by the wildcards in it.
    pub(crate) wildcards: Wildcards,
}

impl Mention {
    /// Stands for paths that nobody looked for: any.
    pub(crate) fn anywhere() -> Self {
        let (path, globs) = ("/*".to_owned(), vec![1]);
        Self { path, globs, bare: true, argument: true, wildcards: Wildcards::Git }
    }
}

/// Who finds files by wildcards, and so what they find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wildcards {
    /// The shell, now: in one directory each, and no leading dot.
    Shell,
    /// git, in pathspecs: across directories and any name (gitglossary(7)).
    Git,
    /// The shell, and git where the shell finds nothing.
    ShellThenGit,
}
