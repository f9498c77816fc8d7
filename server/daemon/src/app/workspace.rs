//! Which workspace a directory belongs to: read from the files of git, without the program.
//!
//! Worktrees share rules and remembered answers, so nobody may join a workspace from outside: a
//! `.git` that points to a repository counts only if that repository points back, as git's own
//! `worktrees/NAME/gitdir` does. Whatever else `.git` is, the directory stands for itself.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most bytes of a file that names a directory: the longest path and a word before it.
const POINTER_BYTES: u64 = 4096 + 64;

/// A directory and the workspace it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Workspace {
    /// The common git directory of its repository; without one, the directory itself.
    pub(crate) identity: String,
    /// The directory, every link followed.
    pub(crate) directory: String,
}

/// The workspace of an absolute path. Reads files; blocks.
///
/// # Errors
/// The path is not there, is no directory, or is not UTF-8 behind its links.
pub(crate) fn workspace_of(path: &Path) -> io::Result<Workspace> {
    let directory = fs::canonicalize(path)?;
    if !directory.is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotADirectory));
    }
    let identity = identity(&directory);
    Ok(Workspace { identity: text(identity)?, directory: text(directory)? })
}

fn text(path: PathBuf) -> io::Result<String> {
    path.into_os_string()
        .into_string()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidFilename, "the path is not UTF-8"))
}

fn identity(directory: &Path) -> PathBuf {
    for top in directory.ancestors() {
        let git = top.join(".git");
        let facts = match fs::symlink_metadata(&git) {
            Ok(facts) => facts,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => break,
        };
        // Git refuses a repository of somebody else, too: anybody can make one in /tmp.
        if !is_ours(&facts) || !fs::metadata(top).is_ok_and(|facts| is_ours(&facts)) {
            break;
        }
        if facts.is_dir() {
            if is_repository(&git) {
                return git;
            }
            continue;
        }
        // A link, or a file that nothing points back to (a submodule, a separate git directory), is
        // the edge of a workspace of its own.
        let common = if facts.is_file() { common_directory(top) } else { None };
        return common.unwrap_or_else(|| top.to_path_buf());
    }
    directory.to_path_buf()
}

fn is_ours(facts: &fs::Metadata) -> bool {
    facts.uid() == nix::unistd::geteuid().as_raw()
}

/// What git takes for a repository.
fn is_repository(git: &Path) -> bool {
    fs::symlink_metadata(git.join("HEAD")).is_ok()
        && git.join("objects").is_dir()
        && git.join("refs").is_dir()
}

/// The common git directory of a linked worktree, if its repository knows the worktree.
fn common_directory(top: &Path) -> Option<PathBuf> {
    let named = pointer(&top.join(".git"))?;
    let git = fs::canonicalize(top.join(named.strip_prefix("gitdir: ")?)).ok()?;
    let worktrees = git.parent()?;
    let common = worktrees.parent()?;
    let is_worktree = worktrees.file_name()? == "worktrees"
        && fs::canonicalize(git.join(pointer(&git.join("commondir"))?)).ok()? == common
        && is_repository(common)
        && fs::metadata(common).is_ok_and(|facts| is_ours(&facts));
    let back = git.join(pointer(&git.join("gitdir"))?);
    let points_back = back.file_name()? == ".git" && fs::canonicalize(back.parent()?).ok()? == top;
    (is_worktree && points_back).then(|| common.to_path_buf())
}

/// What a small regular file says, without the end of its line.
fn pointer(path: &Path) -> Option<String> {
    let facts = fs::symlink_metadata(path).ok()?;
    if !facts.is_file() || facts.len() > POINTER_BYTES {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(POINTER_BYTES).read_to_string(&mut text).ok()?;
    Some(text.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Place {
        root: PathBuf,
        _directory: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let root = fs::canonicalize(directory.path()).unwrap();
            Self { root, _directory: directory }
        }

        fn directory(&self, path: &str) -> PathBuf {
            let path = self.root.join(path);
            fs::create_dir_all(&path).unwrap();
            path
        }

        fn repository(&self, path: &str) -> PathBuf {
            let git = self.directory(path);
            for name in ["objects", "refs"] {
                fs::create_dir(git.join(name)).unwrap();
            }
            fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
            git
        }

        /// A worktree as `git worktree add` leaves it.
        fn worktree(&self, common: &str, path: &str) -> PathBuf {
            let top = self.directory(path);
            let git = self.directory(&format!("{common}/worktrees/w"));
            fs::write(top.join(".git"), format!("gitdir: {}\n", git.display())).unwrap();
            fs::write(git.join("gitdir"), format!("{}/.git\n", top.display())).unwrap();
            fs::write(git.join("commondir"), "../..\n").unwrap();
            git
        }

        fn identity(&self, path: &str) -> PathBuf {
            workspace_of(&self.root.join(path)).unwrap().identity.into()
        }
    }

    #[test]
    fn without_a_repository_a_directory_is_its_own_workspace_whatever_links_lead_to_it() {
        let place = Place::new();
        let real = place.directory("real/deep");
        symlink(place.root.join("real"), place.root.join("link")).unwrap();

        let found = workspace_of(&place.root.join("link/deep")).unwrap();

        assert_eq!(Path::new(&found.directory), real);
        assert_eq!(found.identity, found.directory);
    }

    #[test]
    fn every_directory_of_a_repository_and_all_its_worktrees_are_one_workspace() {
        let place = Place::new();
        let common = place.repository("main/.git");
        place.directory("main/src/deep");
        place.worktree("main/.git", "other");
        place.directory("other/src");

        for path in ["main", "main/src/deep", "other", "other/src"] {
            assert_eq!(place.identity(path), common, "{path}");
        }
    }

    #[test]
    fn a_worktree_of_a_bare_repository_and_one_with_relative_paths_belong_to_it() {
        let place = Place::new();
        let common = place.repository("bare");
        let git = place.worktree("bare", "tree");
        assert_eq!(place.identity("tree"), common);

        fs::write(place.root.join("tree/.git"), "gitdir: ../bare/worktrees/w\n").unwrap();
        fs::write(git.join("gitdir"), "../../../tree/.git\n").unwrap();

        assert_eq!(place.identity("tree"), common);
    }

    #[test]
    fn nobody_joins_a_workspace_whose_repository_does_not_know_them() {
        let place = Place::new();
        let common = place.repository("main/.git");
        let git = place.worktree("main/.git", "other");
        let pointer = format!("gitdir: {}\n", git.display());
        let planted = place.directory("planted");

        // A copy of a worktree's pointer, a pointer to the repository itself, a link to it.
        fs::write(planted.join(".git"), &pointer).unwrap();
        assert_eq!(place.identity("planted"), planted);
        fs::write(planted.join(".git"), format!("gitdir: {}\n", common.display())).unwrap();
        assert_eq!(place.identity("planted"), planted);
        fs::remove_file(planted.join(".git")).unwrap();
        symlink(&common, planted.join(".git")).unwrap();
        assert_eq!(place.identity("planted"), planted);
        fs::remove_file(planted.join(".git")).unwrap();
        symlink(place.root.join("other/.git"), planted.join(".git")).unwrap();
        assert_eq!(place.identity("planted"), planted);
    }

    #[test]
    fn a_repository_does_not_become_another_by_naming_its_common_directory() {
        let place = Place::new();
        let common = place.repository("main/.git");
        let own = place.repository("planted/.git");
        fs::write(own.join("commondir"), format!("{}\n", common.display())).unwrap();

        assert_eq!(place.identity("planted"), own);
    }

    #[test]
    fn a_made_up_git_directory_does_not_lend_another_repository() {
        let place = Place::new();
        let common = place.repository("main/.git");
        let git = place.worktree("own", "planted");
        fs::write(git.join("commondir"), format!("{}\n", common.display())).unwrap();

        assert_eq!(place.identity("planted"), place.root.join("planted"));
    }

    #[test]
    fn what_only_looks_like_a_repository_is_passed_by() {
        let place = Place::new();
        let common = place.repository("main/.git");
        place.directory("main/sub/.git");
        fs::write(place.directory("main/file").join(".git"), "nonsense").unwrap();

        assert_eq!(place.identity("main/sub"), common);
        assert_eq!(place.identity("main/file"), place.root.join("main/file"));
    }

    #[test]
    fn a_path_that_is_no_directory_has_no_workspace() {
        let place = Place::new();
        fs::write(place.root.join("file"), "").unwrap();

        assert!(workspace_of(&place.root.join("file")).is_err());
        assert!(workspace_of(&place.root.join("missing")).is_err());
    }
}
