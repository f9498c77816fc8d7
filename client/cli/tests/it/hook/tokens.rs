//! A token that is none: whoever can choose it chooses whom the agent talks to.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::scene::{ASKS, Scene, answer};

/// A daemon that would allow everything.
fn scene() -> Scene {
    Scene::with([vec![answer("yes", "", 0)]])
}

#[test]
fn the_command_line_wins_over_the_environment() {
    let scene = scene();
    let token = scene.token();

    let mut named = scene.command(&["claude", "--token-file", token.to_str().unwrap()]);
    let said =
        named.env("CODEPLANE_HOOK_TOKEN_FILE", "/none").stdin(fs::File::open("/dev/null").unwrap());

    assert_eq!(said.output().unwrap().stdout, b"yes");
}

#[test]
fn without_a_token_nothing_is_allowed() {
    let scene = scene();
    for value in [None, Some(""), Some("/nowhere/token"), Some("token")] {
        let mut hook = scene.command(&["claude"]);
        hook.env_remove("CODEPLANE_HOOK_TOKEN_FILE").stdin(std::process::Stdio::null());
        if let Some(value) = value {
            hook.env("CODEPLANE_HOOK_TOKEN_FILE", value);
        }

        let output = hook.output().unwrap();

        assert_eq!(
            (output.stdout.as_slice(), output.status.code()),
            (&b""[..], Some(2)),
            "{value:?}"
        );
    }
    assert!(scene.reports().is_empty());
}

#[test]
fn a_token_that_others_could_have_written_or_read_is_not_used() {
    let scene = scene();
    fs::set_permissions(scene.token(), fs::Permissions::from_mode(0o640)).unwrap();

    assert!(scene.hook(&["claude"], ASKS).denied().contains("other users"));

    fs::set_permissions(scene.token(), fs::Permissions::from_mode(0o600)).unwrap();
    let elsewhere = scene.directory.path().join("elsewhere");
    fs::rename(scene.token(), &elsewhere).unwrap();
    symlink(&elsewhere, scene.token()).unwrap();

    assert!(scene.hook(&["claude"], ASKS).denied().contains("symbolic link"));
    assert!(scene.reports().is_empty());
}

#[test]
fn a_socket_that_others_could_have_put_there_is_not_used() {
    let scene = scene();
    fs::set_permissions(scene.directory.path(), fs::Permissions::from_mode(0o777)).unwrap();

    assert!(scene.hook(&["claude"], ASKS).denied().contains("can be written to by other users"));
    assert!(scene.reports().is_empty());
}

#[test]
fn nothing_of_the_token_is_said() {
    let scene = Scene::without_daemon();
    fs::write(scene.token(), "secretsecret").unwrap();

    assert!(!scene.hook(&["claude"], ASKS).denied().contains("secret"));
}
