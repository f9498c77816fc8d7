//! A tool's input in the user's editor.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::super::allow::check_input;
use crate::os;
use crate::output;

/// What the user makes of `input`; none if nothing was changed. The terminal has to be the editor's.
pub(super) fn edit(input: &str) -> Result<Option<String>, String> {
    let cannot = |error: io::Error| format!("the input cannot be edited ({error})");
    let directory = os::private_directory().map_err(cannot)?;
    let path = directory.join("input.json");
    let edited = fs::write(&path, readable(input)).map_err(cannot).and_then(|()| run(&path));
    let edited = edited.and_then(|()| fs::read_to_string(&path).map_err(cannot));
    if let Err(error) = fs::remove_dir_all(&directory) {
        output::note(&format!("cpctl: cannot remove {} ({error})", directory.display()));
    }
    let edited = edited?;
    check_input(&edited).map_err(|why| format!("what you wrote {why}"))?;
    Ok((parsed(&edited) != parsed(input)).then_some(edited))
}

/// As git does it: the variable may have arguments.
fn run(path: &Path) -> Result<(), String> {
    let named = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let script = format!("{editor} \"$@\"");
    let status = Command::new("/bin/sh").args(["-c", &script, "editor"]).arg(path).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the editor '{editor}' failed ({status}): set EDITOR")),
        Err(error) => Err(format!("the editor '{editor}' cannot be run ({error}): set EDITOR")),
    }
}

/// On lines of their own, where that changes nothing.
fn readable(input: &str) -> String {
    match parsed(input) {
        Some(value) => format!("{value:#}\n"),
        None => input.to_owned(),
    }
}

fn parsed(input: &str) -> Option<serde_json::Value> {
    serde_json::from_str(input).ok()
}
