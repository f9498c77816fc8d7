//! How much of one call is looked at: above that it asks, and what its text alone denies stays denied.

use std::collections::HashSet;
use std::hash::Hash;

use super::bash;
use super::facts::Questions;
use super::request::{Mention, Unit};

/// Longest glob that is followed, in bytes: no path that the kernel takes is longer (`PATH_MAX` in
/// limits.h).
const GLOB_BYTES: usize = 4096;
/// More wildcards than this in one path are not followed.
const WILDCARDS: usize = 64;
/// More directories than this in one glob are not followed.
const GLOB_PARTS: usize = 128;

/// What is asked about at most: a file system answers so much in a second.
const PATHS: usize = 64 * 1024;
/// Each may be thousands of names.
const GLOBS: usize = 256;
/// Each may be thousands of files.
const BELOW: usize = 64;

/// Drops what is named twice, and takes globs that are too long for anything.
pub(super) fn hold_mentions(units: &mut [Unit]) {
    let mut seen: HashSet<Mention> = HashSet::new();
    for (at, unit) in units.iter_mut().enumerate() {
        // So many units are never allowed: a path that one of them is denied for denies them all.
        if at < bash::UNITS {
            seen.clear();
        }
        for mention in &mut unit.mentions {
            if is_too_long(mention) {
                *mention = Mention::anywhere();
            }
        }
        unit.mentions.retain(|mention| seen.insert(mention.clone()));
        if unit.mentions.contains(&Mention::anywhere()) {
            unit.opaque.push("more paths than are looked at".to_owned());
        }
    }
}

fn is_too_long(mention: &Mention) -> bool {
    let parts = || mention.path.split('/').filter(|part| !part.is_empty()).count();
    !mention.globs.is_empty()
        && (mention.globs.len() > WILDCARDS
            || mention.path.len() > GLOB_BYTES
            || parts() > GLOB_PARTS)
}

/// Asks each question once, and not too many; of what is not known then, every unit may be about it.
pub(super) fn hold_questions(questions: &mut Questions, units: &mut [Unit]) {
    let are_all_asked = keep_first(&mut questions.paths, PATHS)
        & keep_first(&mut questions.globs, GLOBS)
        & keep_first(&mut questions.below, BELOW);
    if are_all_asked {
        return;
    }
    for unit in units {
        unit.mentions.push(Mention::anywhere());
        unit.opaque.push("more paths than are looked at".to_owned());
    }
}

/// Keeps the first of each; whether they were no more than `most`.
fn keep_first<T: Clone + Eq + Hash>(all: &mut Vec<T>, most: usize) -> bool {
    let mut seen = HashSet::new();
    all.retain(|one| seen.len() <= most && seen.insert(one.clone()));
    let is_whole = all.len() <= most;
    all.truncate(most);
    is_whole
}
