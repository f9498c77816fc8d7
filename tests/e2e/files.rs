//! Habits that can be counted.

use std::{fs, path::Path};

use codeplane_tests::repository;

use crate::source::{code_of, is_test, rust_files};

/// What a reader holds: one screen after the other, but not too many.
const MAX_LINES: usize = 400;

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let root = repository();

    let found: Vec<String> = rust_files(&root)
        .iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(path).unwrap().lines().count();
            (lines > MAX_LINES).then(|| format!("{}: {lines} lines", shown(path, &root)))
        })
        .collect();

    assert!(found.is_empty(), "more than {MAX_LINES} lines:\n{}", found.join("\n"));
}

#[test]
fn nothing_outside_of_tests_unwraps() {
    let root = repository();

    let found: Vec<String> = rust_files(&root)
        .iter()
        .filter(|path| !is_test(path.strip_prefix(&root).unwrap()))
        .flat_map(|path| {
            let file = shown(path, &root);
            let lines = unwraps(&fs::read_to_string(path).unwrap());
            lines.into_iter().map(move |line| format!("{file}:{line}"))
        })
        .collect();

    assert!(found.is_empty(), "`unwrap()` outside of tests:\n{}", found.join("\n"));
}

#[test]
fn an_unwrap_is_found_in_code_and_nowhere_else() {
    let text = "fn f() {\n    x.unwrap();\n}\n// .unwrap()\n\
                #[cfg(test)]\nmod tests {\n    fn g() { x.unwrap() }\n}\n";

    assert_eq!(unwraps(text), [2]);
}

fn unwraps(text: &str) -> Vec<usize> {
    let code = code_of(text);
    let lines = code.lines().enumerate().filter(|(_, line)| line.contains(".unwrap()"));
    lines.map(|(index, _)| index + 1).collect()
}

fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
