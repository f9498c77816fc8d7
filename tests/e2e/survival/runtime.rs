//! The runtime directory is removed under the daemon.

use std::fs;

use codeplane_client::{AttachOptions, TerminalEvent, v1::SessionState};
use codeplane_tests::{
    PATIENCE, TestDaemon,
    attached::{control, from_start},
    wait_until_async,
};

#[tokio::test]
async fn a_runtime_directory_that_is_removed_comes_back_with_all_its_sockets() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;
    let mut attached = daemon.attach(control(&session.id)).await;
    attached.expect("serving").await;

    fs::remove_dir_all(daemon.runtime_dir()).unwrap();
    // Who is connected does not notice.
    attached.type_text("say connected\n").await;
    attached.expect("\nconnected").await;

    wait_until_async("the socket to come back", PATIENCE, async || daemon.socket().exists()).await;
    let other = daemon.create(&["forever"]).await;
    wait_until_async("the shims' sockets to come back", PATIENCE, async || {
        let sockets = daemon.traces().await.sockets;
        if sockets.len() == 2 { Ok(()) } else { Err(sockets) }
    })
    .await;
    daemon.restart();
    for id in [&session.id, &other.id] {
        assert_eq!(daemon.session(id).await.state(), SessionState::Running);
    }
    daemon.type_text(&session.id, "say again\n").await;
    daemon.printed(&session.id, "\nagain").await;
}

#[tokio::test]
async fn a_runtime_directory_that_is_removed_while_no_daemon_runs_costs_no_session() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;
    daemon.printed(&session.id, "serving").await;
    daemon.kill_hard();

    fs::remove_dir_all(daemon.runtime_dir()).unwrap();
    daemon.launch();

    // No way leads to its shim, and yet it lives: nobody may say that it is over.
    let found = daemon.session(&session.id).await;
    assert_eq!(found.state(), SessionState::Running, "{found:?}");
}

#[tokio::test]
async fn an_attachment_of_the_library_goes_on_over_the_new_socket() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;
    daemon.printed(&session.id, "serving").await;
    let options = AttachOptions { from: from_start(), ..AttachOptions::session(&session.id) };
    let mut attachment = daemon.client().await.attach(options).await.unwrap();

    fs::remove_dir_all(daemon.runtime_dir()).unwrap();
    wait_until_async("the socket to come back", PATIENCE, async || daemon.socket().exists()).await;
    wait_until_async("the shim's socket to come back", PATIENCE, async || {
        daemon.traces().await.sockets.len() == 1
    })
    .await;
    daemon.restart();
    daemon.type_text(&session.id, "exit 0\n").await;

    let mut output = Vec::new();
    while let Some(event) = attachment.next().await.unwrap() {
        if let TerminalEvent::Output { data, .. } = event {
            output.extend_from_slice(&data);
        }
    }
    assert_eq!(output, b"serving\r\nexit 0\r\n");
}
