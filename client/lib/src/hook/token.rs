//! The token of a session's incarnation, which its daemon wrote for it.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::trust::is_ours;

/// 256 random bits in hexadecimal.
const DIGITS: usize = 64;
/// Permissions of group and others.
const OF_OTHERS: u32 = 0o077;

/// 64 hexadecimal digits.
pub(super) struct HookToken(String);

/// Says nothing of what it is.
impl fmt::Debug for HookToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookToken")
    }
}

impl HookToken {
    /// Reads it, or says what is wrong with the file.
    ///
    /// What others can write is no token of ours: it would let them choose whom the agent talks to.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        if !path.is_absolute() {
            return Err("is not named by its whole path".to_owned());
        }
        let file = open(path).map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => "is a symbolic link".to_owned(),
            _ => format!("cannot be opened ({})", words(&error)),
        })?;
        let facts = file.metadata().map_err(|error| words(&error))?;
        check(&facts)?;
        let mut content = String::new();
        // One byte more than a token has shows a longer file.
        let read = file.take(u64::try_from(DIGITS + 2).unwrap_or(u64::MAX));
        { read }.read_to_string(&mut content).map_err(|error| words(&error))?;
        match content.strip_suffix('\n') {
            Some(digits)
                if digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit()) =>
            {
                Ok(Self(digits.to_owned()))
            }
            _ => Err("is not 64 hexadecimal digits and a line feed".to_owned()),
        }
    }

    pub(super) fn digits(&self) -> &str {
        &self.0
    }
}

/// Neither follows a link nor waits for whoever might open the other end of a pipe.
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

fn check(facts: &Metadata) -> Result<(), String> {
    let problem = if !facts.is_file() {
        "is not a regular file"
    } else if !is_ours(facts.uid()) {
        "belongs to another user"
    } else if facts.mode() & OF_OTHERS != 0 {
        "can be read or written by other users"
    } else {
        return Ok(());
    };
    Err(problem.to_owned())
}

/// What the system says, without its number.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn problem_with(content: &str, mode: u32) -> Option<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        HookToken::read(&path).err()
    }

    #[test]
    fn a_token_is_64_digits_that_only_its_owner_can_read() {
        let good = format!("{}\n", "0f".repeat(32));

        assert_eq!(problem_with(&good, 0o600), None);
        assert_eq!(problem_with(&good, 0o400), None);
        for mode in [0o640, 0o604, 0o620, 0o601] {
            let problem = problem_with(&good, mode).unwrap();
            assert!(problem.contains("other users"), "{mode:o}: {problem}");
        }
    }

    #[test]
    fn anything_but_a_token_is_refused() {
        let digits = "0f".repeat(32);
        for content in [
            String::new(),
            digits.clone(),
            format!("{digits}\n\n"),
            format!("{digits}0\n"),
            format!("{}\n", &digits[1..]),
            format!("{}g\n", &digits[1..]),
            format!("{digits}\r\n"),
            format!(" {digits}\n"),
        ] {
            assert!(problem_with(&content, 0o600).is_some(), "{content:?}");
        }
    }

    #[test]
    fn only_a_regular_file_named_by_its_whole_path_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let [file, link, fifo] = ["file", "link", "fifo"].map(|name| directory.path().join(name));
        fs::write(&file, format!("{}\n", "0f".repeat(32))).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&file, &link).unwrap();
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();

        assert!(HookToken::read(&file).is_ok());
        assert_eq!(HookToken::read(&link).unwrap_err(), "is a symbolic link");
        assert_eq!(HookToken::read(&fifo).unwrap_err(), "is not a regular file");
        assert_eq!(HookToken::read(directory.path()).unwrap_err(), "is not a regular file");
        assert!(HookToken::read(&directory.path().join("none")).unwrap_err().contains("No such"));
        assert!(HookToken::read(Path::new("token")).unwrap_err().contains("whole path"));
    }
}
