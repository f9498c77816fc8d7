//! What a session's program finds in its environment.

use std::collections::BTreeMap;

use codeplane_client::v1::{CreateSessionRequest, EnvVar, SessionState};
use codeplane_tests::TestDaemon;

fn vars(pairs: &[(&str, &str)]) -> Vec<EnvVar> {
    let var =
        |(name, value): &(&str, &str)| EnvVar { name: (*name).into(), value: (*value).into() };
    pairs.iter().map(var).collect()
}

/// The environment of a program, as it sees it itself.
async fn environment(
    daemon: &TestDaemon,
    request: CreateSessionRequest,
) -> BTreeMap<String, String> {
    let request = CreateSessionRequest { command: vec!["env".into()], ..request };
    let session = daemon.client().await.create_session(request).await.unwrap();
    daemon.reaches(&session.id, SessionState::Exited).await;
    let output = String::from_utf8(daemon.output(&session.id).await).unwrap();
    let pairs = output.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn only_what_is_allowed_is_inherited_from_the_client_and_explicit_pairs_win() {
    let daemon = TestDaemon::start();
    let client_env = vars(&[
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/tmp"),
        ("LC_ALL", "C"),
        ("EDITOR", "vi"),
        ("TERM", "dumb"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("CODEPLANE_SESSION", "forged"),
        ("CODEPLANE_STATE_DIR", "/elsewhere"),
        ("LD_PRELOAD", "/tmp/evil.so"),
    ]);
    let env = vars(&[("LC_ALL", "C.UTF-8"), ("OWN", "a b=c\u{fc}"), ("EMPTY", "")]);

    let seen = environment(
        &daemon,
        CreateSessionRequest { client_env, env, ..CreateSessionRequest::default() },
    )
    .await;

    let names: Vec<&str> = seen.keys().map(String::as_str).collect();
    let expected = [
        "CODEPLANE_HOOK_TOKEN_FILE",
        "CODEPLANE_SESSION",
        "COLORTERM",
        "EDITOR",
        "EMPTY",
        "HOME",
        "LC_ALL",
        "OWN",
        "PATH",
        "TERM",
    ];
    assert_eq!(names, expected);
    assert_eq!((seen["LC_ALL"].as_str(), seen["OWN"].as_str()), ("C.UTF-8", "a b=c\u{fc}"));
    assert_eq!(
        (seen["TERM"].as_str(), seen["COLORTERM"].as_str()),
        ("xterm-256color", "truecolor")
    );
    assert_ne!(seen["CODEPLANE_SESSION"], "forged");
}

#[tokio::test]
async fn a_client_that_sends_no_environment_gets_the_allowed_part_of_the_daemons() {
    let daemon = TestDaemon::start();

    let seen = environment(&daemon, CreateSessionRequest::default()).await;

    assert_eq!(seen["HOME"], daemon.home().display().to_string());
    assert_eq!(seen["LANG"], "C.UTF-8");
    assert!(!seen.contains_key("CODEPLANE_STATE_DIR"), "{seen:?}");
    assert!(!seen.contains_key("CODEPLANE_TEST_TAG"), "{seen:?}");
}

#[tokio::test]
async fn explicit_pairs_may_set_term_and_nothing_can_forge_the_session() {
    let daemon = TestDaemon::start();
    let request = CreateSessionRequest {
        env: vars(&[("COLORTERM", "none"), ("CODEPLANE_SESSION", "forged")]),
        term: "screen".into(),
        ..CreateSessionRequest::default()
    };

    let seen = environment(&daemon, request).await;

    assert_eq!((seen["TERM"].as_str(), seen["COLORTERM"].as_str()), ("screen", "none"));
    assert_eq!(seen["CODEPLANE_SESSION"].len(), 36);
}
