//! The key that signs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use codeplane_tests::{PATIENCE, TestDaemon};

use super::{log, verify};

#[test]
fn a_daemon_does_not_sign_with_a_key_that_others_may_know() {
    let mut daemon = TestDaemon::start();
    daemon.stop();
    let key = daemon.state_dir().join("audit/signing.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();

    daemon.spawn();
    let code = daemon.wait_for_end(PATIENCE);

    assert_eq!(code, Some(78), "{}", daemon.log());
    assert!(daemon.log().contains("signing.key is open to others"), "{}", daemon.log());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    daemon.launch();
    assert_eq!(verify(&daemon, &[]).0, 0);
}

#[test]
fn a_lost_key_is_replaced_and_what_it_signed_is_still_verified() {
    let mut daemon = TestDaemon::start();
    daemon.stop();
    fs::remove_file(daemon.state_dir().join("audit/signing.key")).unwrap();

    daemon.launch();
    daemon.stop();

    let (code, verified) = verify(&daemon, &[]);
    assert_eq!((code, &verified["signed_through"]), (0, &verified["last"]), "{verified}");
    daemon.launch();
    let keys = log(&daemon).iter().filter(|record| record["kind"] == "checkpoint.key").count();
    assert_eq!(keys, 2);
}
