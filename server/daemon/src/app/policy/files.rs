//! The machine's file system, as rules ask about it.

use std::collections::VecDeque;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use codeplane_core::policy::{FileFacts, FileKind, PathFacts};

/// More links than the kernel follows.
const LINKS: usize = 40;
/// More names than a glob may be followed to.
const NAMES: usize = 4096;

/// Looks at real files; changes none.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Files;

impl FileFacts for Files {
    fn path(&self, path: &str) -> PathFacts {
        let resolved = follow(path);
        let kind = resolved.as_deref().map_or(FileKind::Special, kind);
        let resolved = resolved.and_then(|path| path.into_os_string().into_string().ok());
        PathFacts { resolved, kind }
    }

    fn expand(&self, glob: &str) -> Option<Vec<String>> {
        let mut found = vec![String::new()];
        let mut budget = NAMES;
        for part in glob.split('/').filter(|part| !part.is_empty()) {
            let mut next = Vec::new();
            for directory in &found {
                if is_link_to_process(directory) {
                    return None;
                }
                if part.contains(['*', '?', '[']) {
                    next.extend(names(directory, part, &mut budget)?);
                } else {
                    next.push(format!("{directory}/{part}"));
                }
            }
            found = next;
        }
        found.retain(|path| fs::symlink_metadata(path).is_ok());
        Some(found)
    }

    fn below(&self, directory: &str, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut found = Vec::new();
        let mut budget = LOOKED_AT;
        let mut ahead = VecDeque::from([directory.trim_end_matches('/').to_owned()]);
        while let Some(directory) = ahead.pop_front() {
            if is_of_process(Path::new(&directory)) {
                continue;
            }
            let place = if directory.is_empty() { "/" } else { &directory };
            let Ok(entries) = fs::read_dir(place) else { continue };
            for entry in entries.flatten() {
                if budget == 0 || found.len() == TOLD {
                    return found;
                }
                budget -= 1;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = format!("{directory}/{name}");
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    ahead.push_back(path);
                } else if wanted(&path) {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// How many files are told of one directory: one is enough to ask.
const TOLD: usize = 16;
/// More names than this are not looked at: about 10 ms where the kernel knows them.
const LOOKED_AT: usize = 10_000;

/// Names in a directory that a part of a glob fits; none when there are too many.
fn names(directory: &str, glob: &str, budget: &mut usize) -> Option<Vec<String>> {
    let place = if directory.is_empty() { "/" } else { directory };
    let Ok(entries) = fs::read_dir(place) else { return Some(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        *budget = budget.checked_sub(1)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if (!name.starts_with('.') || glob.starts_with('.'))
            && fits(glob.as_bytes(), name.as_bytes())
        {
            found.push(format!("{directory}/{name}"));
        }
    }
    Some(found)
}

/// A class counts as any character, and one whose end shells disagree on as anything: more is found than the shell would
/// find, never less. In time of the lengths' product, whatever stars there are.
fn fits(glob: &[u8], name: &[u8]) -> bool {
    // Before which characters of the name the part of the glob that was read may end.
    let mut ends = vec![false; name.len() + 1];
    ends[0] = true;
    let mut rest = glob;
    while let Some((byte, behind)) = rest.split_first() {
        let class = if *byte == b'[' { class_end(rest) } else { None };
        if class.is_some_and(|end| rest[1..end].iter().any(|byte| matches!(byte, b'[' | b'\\'))) {
            return ends.contains(&true);
        }
        rest = class.map_or(behind, |end| &rest[end..]);
        let mut next = vec![false; name.len() + 1];
        for start in (0..=name.len()).filter(|start| ends[*start]) {
            match byte {
                b'*' => next[start..].fill(true),
                b'?' => next.iter_mut().skip(start + 1).take(1).for_each(|end| *end = true),
                // A character has up to four bytes.
                b'[' if class.is_some() => {
                    next.iter_mut().skip(start + 1).take(4).for_each(|end| *end = true);
                }
                byte if name.get(start) == Some(byte) => next[start + 1] = true,
                _ => {}
            }
            if *byte == b'*' {
                break;
            }
        }
        ends = next;
    }
    ends[name.len()]
}

/// Behind the class that `glob` begins with, if one does.
fn class_end(glob: &[u8]) -> Option<usize> {
    glob.iter().skip(2).position(|byte| *byte == b']').map(|end| end + 3)
}

fn kind(path: &Path) -> FileKind {
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_dir() => FileKind::Directory,
        Ok(facts) if facts.is_file() && facts.nlink() > 1 => FileKind::Linked,
        Ok(facts) if facts.is_file() => FileKind::Regular,
        Ok(_) => FileKind::Special,
        Err(error) if is_missing(&error) => FileKind::Missing,
        Err(_) => FileKind::Special,
    }
}

/// Whether a path is the directory of one process.
fn is_of_process(path: &Path) -> bool {
    let name = path.strip_prefix("/proc").ok().and_then(Path::to_str);
    name.is_some_and(|name| {
        matches!(name, "self" | "thread-self")
            || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

fn is_link_to_process(path: &str) -> bool {
    fs::symlink_metadata(path).is_ok_and(|facts| facts.is_symlink())
        && follow(path).is_some_and(|path| is_of_process(&path))
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
    )
}

/// Goes the way the kernel goes, and on by the text where nothing exists yet.
fn follow(path: &str) -> Option<PathBuf> {
    let mut at = PathBuf::from("/");
    let mut ahead: VecDeque<String> = path.split('/').map(str::to_owned).collect();
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                at.pop();
                continue;
            }
            name => at.push(name),
        }
        if is_of_process(&at) {
            // Links from here on lead elsewhere for the agent than for this process.
            return Some(at);
        }
        match fs::symlink_metadata(&at) {
            Ok(facts) if facts.is_symlink() => {
                links += 1;
                if links > LINKS {
                    return None;
                }
                let target = fs::read_link(&at).ok()?.into_os_string().into_string().ok()?;
                at.pop();
                if target.starts_with('/') {
                    at = PathBuf::from("/");
                }
                for part in target.rsplit('/') {
                    ahead.push_front(part.to_owned());
                }
            }
            Ok(_) => {}
            Err(error) if is_missing(&error) => {}
            Err(_) => return None,
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_wanted_files_below_a_directory_are_found_and_no_link_is_followed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        for name in [".env", "a/b/.env", "a/main.rs"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        symlink(root.path(), root.path().join("a/around")).unwrap();
        let root = root.path().to_str().unwrap();

        let found = Files.below(&format!("{root}/"), &|path| path.ends_with("/.env"));

        assert_eq!(found, [format!("{root}/.env"), format!("{root}/a/b/.env")]);
        assert!(Files.below(&format!("{root}/.env"), &|_| true).is_empty());
    }

    #[test]
    fn a_name_is_found_by_a_shells_glob_in_little_time() {
        let long = format!("{}b", "a".repeat(250));
        for (glob, name, expected) in [
            ("*", "a", true),
            ("a*c?", "abbcd", true),
            ("a?", "a", false),
            ("[ab]x", "bx", true),
            ("[ab]x", "éx", true),
            ("[[:alpha:]]x", "anything", true),
            ("[a\\]b]x", "anything", true),
            ("[a", "[a", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt2", false),
            ("*a*a*a*a*a*a*a*a*a*a*a*c", long.as_str(), false),
        ] {
            assert_eq!(fits(glob.as_bytes(), name.as_bytes()), expected, "{glob} {name}");
        }
    }
}
