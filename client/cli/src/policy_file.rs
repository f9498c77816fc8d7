//! Reading policy files as nobody else could have written them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::exit::Failure;

/// Largest policy file, in bytes; the daemon's limit.
const BYTES: u64 = 4 << 20;
/// Permission bits that let somebody else than the owner write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A policy file, or standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyText {
    /// What it says.
    pub(crate) text: String,
    /// What problems call it.
    pub(crate) name: String,
}

/// Reads a policy file; `-` is standard input.
///
/// # Errors
/// It is a link, somebody else's, writable by others, or being written at this moment.
pub(crate) fn read(path: &str) -> Result<PolicyText, Failure> {
    let bytes = if path == "-" {
        let mut bytes = Vec::new();
        let mut input = io::stdin().lock().take(BYTES + 1);
        input.read_to_end(&mut bytes).map_err(Failure::system("cannot read standard input"))?;
        bytes
    } else {
        read_file(Path::new(path))?
    };
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > BYTES {
        return Err(refused(path, format!("has more than {BYTES} bytes: divide it")));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| refused(path, "is not UTF-8: write it in that encoding"))?;
    Ok(PolicyText { text, name: path.to_owned() })
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display().to_string();
    let cannot = || {
        let shown = shown.clone();
        move |error: io::Error| Failure::Usage(format!("cannot read {shown}: {error}"))
    };
    // A pipe in its place must not hold us up: it is refused below.
    let file =
        OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let mut file = match file {
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err(refused(&shown, "is a symbolic link: name the file itself"));
        }
        file => file.map_err(cannot())?,
    };
    let facts = file.metadata().map_err(cannot())?;
    check_owner(&shown, &facts)?;
    check_directory(path, &shown)?;
    let bytes = read_whole(&mut file).map_err(cannot())?;
    let after = file.metadata().map_err(cannot())?;
    check_whole(&shown, (&facts, &after), &bytes)?;
    Ok(bytes)
}

fn read_whole(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn check_owner(shown: &str, facts: &Metadata) -> Result<(), Failure> {
    if !facts.is_file() {
        return Err(refused(shown, "is not a regular file"));
    }
    let own = nix::unistd::geteuid().as_raw();
    if facts.uid() != own && facts.uid() != 0 {
        let what =
            format!("belongs to user {}: only your own files and root's are read", facts.uid());
        return Err(refused(shown, what));
    }
    if facts.mode() & WRITABLE_BY_OTHERS != 0 {
        let mode = facts.mode() & 0o7777;
        let what = format!("can be written by others (mode {mode:04o}): run chmod go-w on it");
        return Err(refused(shown, what));
    }
    Ok(())
}

/// Where anybody may rename, anybody may put another file in its place.
fn check_directory(path: &Path, shown: &str) -> Result<(), Failure> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    let facts = std::fs::metadata(directory)
        .map_err(Failure::system(format!("cannot read {}", directory.display())))?;
    let is_open = facts.mode() & 0o002 != 0 && facts.mode() & 0o1000 == 0;
    if is_open {
        return Err(refused(shown, "lies in a directory that anybody can write: move it"));
    }
    Ok(())
}

/// Whether all of it was there.
fn check_whole(
    shown: &str,
    (before, after): (&Metadata, &Metadata),
    bytes: &[u8],
) -> Result<(), Failure> {
    let facts = |facts: &Metadata| {
        (facts.len(), facts.mtime(), facts.mtime_nsec(), facts.ctime(), facts.ctime_nsec())
    };
    let is_whole = u64::try_from(bytes.len()).is_ok_and(|read| read == after.len() || read > BYTES);
    if facts(before) != facts(after) || !is_whole {
        return Err(refused(shown, "was written while it was read: try again"));
    }
    // JSON tells its own end; a line of the others that is cut off may still mean something.
    let is_json = shown.to_ascii_lowercase().ends_with(".json");
    if !is_json && !bytes.is_empty() && !bytes.ends_with(b"\n") {
        let what = "ends within a line: it may be half-written, or lacks its last line end";
        return Err(refused(shown, what));
    }
    Ok(())
}

fn refused(shown: &str, what: impl std::fmt::Display) -> Failure {
    let shown = if shown == "-" { "standard input" } else { shown };
    Failure::Usage(format!("{shown}: {what}"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn refusal(path: &Path) -> String {
        read(path.to_str().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_file_of_ones_own_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.yaml");
        fs::write(&path, "name: a\n").unwrap();

        let read = read(path.to_str().unwrap()).unwrap();

        assert_eq!((read.text.as_str(), read.name.as_str()), ("name: a\n", path.to_str().unwrap()));
    }

    #[test]
    fn what_others_could_have_written_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.yaml");
        fs::write(&path, "name: a\n").unwrap();
        for mode in [0o620, 0o602, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(refusal(&path).contains("can be written by others"), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

        let link = directory.path().join("link.yaml");
        symlink(&path, &link).unwrap();
        assert!(refusal(&link).contains("is a symbolic link"));
        assert!(refusal(directory.path()).contains("is not a regular file"));
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(refusal(&path).contains("anybody can write"));
    }

    #[test]
    fn what_may_be_half_written_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.yaml");
        fs::write(&path, "name: a\nallow: [Re").unwrap();

        assert!(refusal(&path).contains("may be half-written"));
    }

    #[test]
    fn a_pipe_does_not_hold_us_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();

        assert!(refusal(&path).contains("is not a regular file"));
    }
}
