//! Where the executables under test are.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The executable `name`, from the directory of this very executable: one build, one profile.
///
/// `cargo test --workspace` builds `cpctl`, `cpd` and `cpd-shim` because each of their packages has
/// an integration test: cargo builds the executables of a package for those only.
///
/// # Panics
/// If it is not there, saying how to build it.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let path = directory().join(name);
    assert!(
        path.is_file(),
        "{} is missing: build it with `cargo build --workspace` in the same profile, or run \
         `cargo test --workspace`",
        path.display()
    );
    path
}

/// Root of the repository.
///
/// # Panics
/// If the sources were moved since they were compiled.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_path_buf()
}

/// The directory of all builds, for what is made once and kept: `target`.
pub(crate) fn build_directory() -> PathBuf {
    directory().parent().expect("a profile is a directory of it").to_path_buf()
}

/// `target/<profile>`: test executables lie one directory deeper.
fn directory() -> PathBuf {
    let executable = env::current_exe().expect("the system tells who runs");
    let directory = executable.parent().expect("an executable lies in a directory");
    match directory.file_name() {
        Some(name) if name == "deps" => directory.parent().expect("target/<profile>").to_path_buf(),
        _ => directory.to_path_buf(),
    }
}
