//! The arrows between crates and between the layers of the daemon.
//!
//! `rules` is the table of what may use what; everything else is a violation. A crate or a module
//! of the daemon that the table does not know is one as well: a new part has to say where it is.

mod check;
mod rules;

use std::fs;

use codeplane_tests::repository;
use tempfile::TempDir;

use self::check::violations;

#[test]
fn no_arrow_between_layers_points_the_wrong_way() {
    let found = violations(&repository());

    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

/// A workspace with two crates and the files that a test gives it.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut all = vec![
        ("Cargo.toml", "[workspace]\nmembers = [\"server/core\", \"server/daemon\"]\n"),
        ("server/core/Cargo.toml", "[package]\nname = \"codeplane-core\"\n"),
        ("server/core/src/lib.rs", ""),
        ("server/daemon/Cargo.toml", "[package]\nname = \"codeplane-server\"\n"),
        ("server/daemon/src/lib.rs", ""),
    ];
    all.extend_from_slice(files);
    for (path, text) in all {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

#[track_caller]
fn assert_only_violation(files: &[(&str, &str)], expected: &str) {
    let root = tree(files);
    let found = violations(root.path());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains(expected), "{found:#?}");
}

#[test]
fn a_tree_that_keeps_to_the_rules_is_fine() {
    let root = tree(&[
        ("server/daemon/src/grpc/mod.rs", "use crate::app::App; use codeplane_core::Id;"),
        ("server/daemon/src/app/mod.rs", "use crate::session::Live; use codeplane_store::Store;"),
    ]);

    assert_eq!(violations(root.path()), [""; 0]);
}

#[test]
fn a_handler_that_reads_rows_is_found() {
    assert_only_violation(
        &[("server/daemon/src/grpc/session.rs", "\nuse codeplane_store::Store;")],
        "server/daemon/src/grpc/session.rs:2: grpc must not use codeplane_store",
    );
}

#[test]
fn a_lower_layer_that_calls_a_higher_one_is_found() {
    assert_only_violation(
        &[("server/daemon/src/session/live.rs", "fn f() { crate::app::create() }")],
        "session must not use crate::app",
    );
}

#[test]
fn a_use_case_that_knows_grpc_is_found() {
    assert_only_violation(
        &[("server/daemon/src/app/mod.rs", "fn f() -> tonic::Status { todo() }")],
        "app must not use tonic",
    );
}

#[test]
fn a_core_that_asks_the_clock_is_found() {
    assert_only_violation(
        &[("server/core/src/time.rs", "use std::time::Instant;")],
        "codeplane-core must not use std::time::Instant",
    );
}

#[test]
fn a_manifest_with_a_wrong_arrow_is_found() {
    let manifest = "[package]\nname = \"codeplane-core\"\n\
                    [dependencies]\ncodeplane-store.workspace = true\n";
    assert_only_violation(
        &[("server/core/Cargo.toml", manifest)],
        "codeplane-core must not depend on codeplane-store",
    );
}

#[test]
fn a_client_with_the_emulator_is_found() {
    let manifest = "[package]\nname = \"codeplane-client\"\n[dependencies]\n\
                    codeplane-terminal = { workspace = true, features = [\"emulator\"] }\n";
    assert_only_violation(
        &[("server/core/Cargo.toml", manifest)],
        "codeplane-client must not use the feature emulator",
    );
}

#[test]
fn a_command_line_that_reaches_into_the_daemon_is_found() {
    assert_only_violation(
        &[
            ("server/core/Cargo.toml", "[package]\nname = \"cpctl\"\n"),
            ("server/core/src/lib.rs", "use codeplane_server::{app::App, entry};"),
        ],
        "cpctl must not use codeplane_server::app",
    );
}

#[test]
fn a_part_that_the_rules_do_not_know_is_found() {
    assert_only_violation(
        &[("server/core/Cargo.toml", "[package]\nname = \"codeplane-helpers\"\n")],
        "no rule for crate codeplane-helpers",
    );
    assert_only_violation(&[("server/daemon/src/helpers.rs", "")], "no rule for module helpers");
}
