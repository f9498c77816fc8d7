//! Paths that decide what agents may do, and that no rule opens to them.

use super::glob::PathGlob;
use super::path::{composed, normal};

/// Anywhere.
const ANYWHERE: &[&str] = &[
    "/**/.claude/**",
    "/**/.codex/**",
    "/**/.cursor/**",
    "/**/.mcp.json",
    "/**/.vscode/settings.json",
    "/**/.vscode/tasks.json",
    // A file of this name, and these in a directory of it, say where git finds its configuration
    // (gitrepository-layout(5)).
    "/**/.git",
    "/**/.git/commondir",
    "/**/.git/worktrees/**",
    "/**/.git/hooks/**",
    "/**/.git/config",
    "/**/.git/config.worktree",
    "/**/.git/modules/**/hooks/**",
    "/**/.git/modules/**/config",
    "/**/.git/modules/**/config.worktree",
    "/**/.git/modules/**/commondir",
    "/etc/**",
];

/// In the home.
const AT_HOME: &[&str] = &[
    ".ssh/**",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".kshrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".logout",
    ".inputrc",
    ".config/fish/**",
    ".config/codeplane/**",
    ".local/state/codeplane/**",
    ".config/zsh/**",
    ".config/nushell/**",
    ".config/environment.d/**",
    ".config/git/**",
    ".config/systemd/**",
    ".config/autostart/**",
    ".bashrc.d/**",
    ".xprofile",
    ".xinitrc",
    ".xsession",
    ".pam_environment",
    ".gitconfig",
    ".claude*",
    ".claude*/**",
    ".codex*",
    ".codex*/**",
    ".cursor*/**",
];

/// Of the machine: the daemon's own places.
const OWN: &[&str] = &["/var/lib/codeplane/**", "/run/codeplane/**", "/run/user/*/codeplane/**"];

/// Directories whose protected files a command may change that is given the whole directory.
const AROUND: &[&str] = &["/**/.git", "/**/.vscode"];

/// The same, in the home; it is one itself.
const AROUND_AT_HOME: &[&str] = &["", "/.config", "/.local", "/.local/state"];

/// The protected paths of one machine.
#[derive(Clone, Debug)]
pub(crate) struct Protected {
    /// Those with a component that begins with a dot: most paths have none.
    hidden: Vec<PathGlob>,
    plain: Vec<PathGlob>,
    around: Vec<PathGlob>,
}

impl Protected {
    pub(crate) fn of(home: &str) -> Self {
        let home = home.trim_end_matches('/');
        let at_home = AT_HOME.iter().map(|path| composed(&format!("{home}/{path}")).into_owned());
        let elsewhere = ANYWHERE.iter().chain(OWN).map(|path| (*path).to_owned());
        let (hidden, plain): (Vec<String>, Vec<String>) =
            elsewhere.chain(at_home).partition(|path| path.contains("/."));
        let globs = |paths: Vec<String>| paths.iter().map(|path| PathGlob::new(path)).collect();
        let around = AROUND.iter().map(|path| (*path).to_owned());
        let at_home = AROUND_AT_HOME.iter().map(|path| composed(&format!("{home}{path}")).into());
        Self {
            hidden: globs(hidden),
            plain: globs(plain),
            around: globs(around.chain(at_home).collect()),
        }
    }

    /// Protects a directory and what is in it.
    pub(crate) fn add(&mut self, directory: &str) {
        let directory = normal(directory);
        self.plain.push(PathGlob::new(&format!("{}/**", composed(&directory))));
    }

    pub(crate) fn holds(&self, path: &str) -> bool {
        let path = composed(path);
        self.plain.iter().any(|glob| glob.fits(&path))
            || (path.contains("/.") && self.hidden.iter().any(|glob| glob.fits(&path)))
    }

    /// Whether a directory holds protected files.
    pub(crate) fn surrounds(&self, path: &str) -> bool {
        self.around.iter().any(|glob| glob.fits(path))
    }

    pub(crate) fn meets(&self, path: &str, globs: &[usize]) -> bool {
        self.plain.iter().chain(&self.hidden).any(|glob| glob.meets(path, globs))
    }
}
