//! What a patch of Codex writes.

/// Lines that name a file, and how their files are written.
const HEADERS: &[(&str, &str)] = &[
    ("*** Add File: ", "Write"),
    ("*** Update File: ", "Edit"),
    ("*** Delete File: ", "Write"),
    ("*** Move to: ", "Write"),
];

/// The files that a patch touches, each with the tool whose rules judge it; more rather than fewer, as a line of
/// context may look like a header.
pub(super) fn files(patch: &str) -> Vec<(&'static str, String)> {
    let file = |line: &str| {
        let (header, tool) =
            HEADERS.iter().find(|(header, _)| line.starts_with(header.trim_end()))?;
        let path = line[header.trim_end().len()..].trim();
        Some((*tool, path.to_owned()))
    };
    let mut found: Vec<(&'static str, String)> =
        patch.lines().filter_map(|line| file(line.trim())).collect();
    found.dedup();
    found
}

/// Whether a shell line may hold a patch: Codex applies `apply_patch` with a here-document itself, shell or not.
pub(super) fn may_hold(command: &str) -> bool {
    command.contains("*** Begin Patch")
}

/// The directory such a line goes to first: `cd DIR && apply_patch …`.
pub(super) fn directory(command: &str) -> Option<&str> {
    let (directory, _) = command.trim_start().strip_prefix("cd ")?.split_once("&&")?;
    Some(directory.trim().trim_matches(['\'', '"']))
}
