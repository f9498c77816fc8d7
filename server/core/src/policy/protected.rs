//! Paths that decide what agents may do, and that no rule opens to them.

use super::glob::PathGlob;
use super::path::composed;

/// Anywhere.
const ANYWHERE: &[&str] = &[
    "/**/.claude/**",
    "/**/.codex/**",
    "/**/.cursor/**",
    "/**/.mcp.json",
    "/**/.vscode/settings.json",
    "/**/.vscode/tasks.json",
    "/**/.git/hooks/**",
    "/**/.git/config",
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
    ".config/fish/**",
    ".config/codeplane/**",
    ".local/state/codeplane/**",
    ".claude.json",
];

/// The protected paths of one machine.
#[derive(Clone, Debug)]
pub(crate) struct Protected(Vec<PathGlob>);

impl Protected {
    pub(crate) fn of(home: &str) -> Self {
        let at_home =
            AT_HOME.iter().map(|path| PathGlob::new(&composed(&format!("{home}/{path}"))));
        Self(ANYWHERE.iter().map(|path| PathGlob::new(path)).chain(at_home).collect())
    }

    pub(crate) fn holds(&self, path: &str) -> bool {
        let path = composed(path);
        self.0.iter().any(|glob| glob.fits(&path))
    }

    pub(crate) fn meets(&self, path: &str, globs: &[usize]) -> bool {
        self.0.iter().any(|glob| glob.meets(path, globs))
    }
}
