//! What people see of a shim in `ps`: for which session it is.

use std::fs;

/// The last argument of a shim until it knows its session: as long as the short id that is written
/// over it.
pub(crate) const UNNAMED: &str = "stand-by";

/// Where the last argument of this process is.
#[derive(Debug)]
pub(crate) struct Title(Option<usize>);

impl Title {
    /// Finds it; a process that was started with another last argument has no title to set.
    pub(crate) fn find() -> Self {
        Self(last_argument().filter(|start| {
            // SAFETY: the kernel put the arguments there, and nothing has moved them.
            let found = unsafe { std::slice::from_raw_parts(*start as *const u8, UNNAMED.len()) };
            found == UNNAMED.as_bytes()
        }))
    }

    /// Writes `text` over it, as far as it fits.
    pub(crate) fn set(&self, text: &str) {
        let Some(start) = self.0 else { return };
        let len = text.len().min(UNNAMED.len());
        // SAFETY: the place has as many bytes, is writable as all of the stack is, and nothing in
        // this process has a reference to it: `std` copies what it hands out.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), start as *mut u8, len) };
    }
}

/// The address of the last argument if it is as long as [`UNNAMED`].
fn last_argument() -> Option<usize> {
    let cmdline = fs::read("/proc/self/cmdline").ok()?;
    if !cmdline.strip_suffix(b"\0")?.ends_with(UNNAMED.as_bytes()) {
        return None;
    }
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may contain anything; field 49 is the 47th after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let end: usize = fields.split_whitespace().nth(46)?.parse().ok()?;
    end.checked_sub(UNNAMED.len() + 1)
}
