//! Who may talk to a shim, and what they hear.

use std::process::Command;

use codeplane_core::Offset;
use codeplane_shim::{
    ClientError, FromShim, MAX_MESSAGE_BYTES, ProcessState, ToShim, TryReceive, probe,
};

use crate::kit::{DEADLINE, TestShim, eventually, send, until};

#[test]
fn a_new_daemon_is_told_everything_at_once() {
    let shim = TestShim::run("echo hello; sleep 100");
    shim.until_output("hello");

    let hello = probe(&shim.spec.socket, DEADLINE).unwrap();

    assert_eq!(hello.session, shim.spec.session);
    assert_eq!(hello.incarnation, shim.spec.incarnation);
    assert_eq!(hello.end, Offset(7));
    assert_eq!(hello.size.size, shim.spec.size);
    assert_eq!(hello.state, ProcessState::Running);
    assert_eq!(hello.shim_pid, shim.process.id());
    assert_ne!(hello.child_pid, 0);
    assert_eq!(hello.build, codeplane_shim::BUILD_ID);
}

#[test]
fn who_has_not_said_hello_hears_nothing() {
    let shim = TestShim::run("read line; echo hello; sleep 100");
    let silent = shim.connect();
    send(&silent, &ToShim::Ping { nonce: 1 });
    let mut seen = Vec::new();
    until(&silent, &mut seen, |m| matches!(m, FromShim::Pong { .. }).then_some(()));

    let mut shim = shim;
    shim.register();
    shim.type_(1, b"\n");
    shim.until_output("hello");

    let mut buffer = vec![0; MAX_MESSAGE_BYTES];
    assert_eq!(silent.try_receive(&mut buffer), TryReceive::WouldBlock);
    assert_eq!(seen.len(), 1);
}

#[test]
fn two_daemons_hear_the_same_while_one_dies() {
    let mut shim = TestShim::run("read line; echo hello; sleep 100");
    let second = shim.connect();
    second.wait_hello(DEADLINE).unwrap();

    shim.register();
    shim.type_(1, b"\n");

    let is_all = |m: &FromShim| (*m == FromShim::Notice { end: Offset(9) }).then_some(());
    shim.until(is_all);
    until(&second, &mut Vec::new(), is_all);
}

#[test]
fn a_fifth_connection_takes_the_place_of_the_oldest_that_only_listens() {
    let shim = TestShim::run("sleep 100");
    let silent: Vec<_> = (0..3).map(|_| shim.connect()).collect();
    // Each is in before the next comes.
    for socket in &silent {
        send(socket, &ToShim::Ping { nonce: 1 });
        until(socket, &mut Vec::new(), |m| matches!(m, FromShim::Pong { .. }).then_some(()));
    }

    let fifth = shim.connect();
    fifth.wait_hello(DEADLINE).unwrap();

    let mut buffer = vec![0; MAX_MESSAGE_BYTES];
    assert_eq!(silent[0].try_receive(&mut buffer), TryReceive::Closed);
    assert_eq!(silent[1].try_receive(&mut buffer), TryReceive::WouldBlock);
    assert_eq!(shim.socket.wait_hello(DEADLINE).unwrap().session, shim.spec.session);
}

#[test]
fn a_process_of_the_session_is_refused() {
    // This test binary again, inside the session: it tries to stop its own shim.
    let me = std::env::current_exe().unwrap();
    let me = me.to_str().unwrap();
    let script = format!(
        "TRY_SOCKET=$PWD/s {me} --exact doors::tries_its_own_shim --ignored --nocapture; \
         TRY_SOCKET=$PWD/s setsid -w {me} --exact doors::tries_its_own_shim --ignored --nocapture; \
         echo finished; sleep 100"
    );
    let shim = TestShim::run(&script);

    let output = shim.until_output("finished\r\n");

    assert_eq!(output.matches("outcome: refused").count(), 2, "{output}");
    assert!(probe(&shim.spec.socket, DEADLINE).is_ok());
}

#[test]
fn a_process_of_another_session_is_refused() {
    let target = TestShim::run("sleep 100");
    target.socket.wait_hello(DEADLINE).unwrap();
    let me = std::env::current_exe().unwrap();
    let attempt = format!(
        "env -i TRY_SOCKET={} {} --exact doors::tries_its_own_shim --ignored --nocapture",
        target.spec.socket.display(),
        me.display(),
    );

    // With its environment wiped, also from a session of the system's, also as an orphan.
    let script = format!(
        "{attempt}; setsid -w {attempt}; (setsid sh -c '{attempt}; echo finished' &); sleep 100"
    );
    let other = TestShim::run(&script);
    let output = other.until_output("finished\r\n");

    assert_eq!(output.matches("outcome: refused").count(), 3, "{output}");
    assert!(probe(&target.spec.socket, DEADLINE).is_ok());
}

#[test]
fn a_process_with_the_mark_of_a_session_is_refused_wherever_it_is() {
    let shim = TestShim::run("sleep 100");
    shim.socket.wait_hello(DEADLINE).unwrap();
    let attempt = |mark: Option<&str>| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "doors::tries_its_own_shim", "--ignored", "--nocapture"])
            .env("TRY_SOCKET", &shim.spec.socket)
            .envs(mark.map(|session| ("CODEPLANE_SESSION", session)))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };

    let marked = attempt(Some("1f0c5a52-0000-4000-8000-000000000000"));
    let unmarked = attempt(None);

    assert!(marked.contains("outcome: refused"), "{marked}");
    assert!(unmarked.contains("outcome: answered"), "{unmarked}");
}

/// Not a test by itself: what [`a_process_of_the_session_is_refused`] and its like run inside.
#[test]
#[ignore = "run by another test inside a session"]
fn tries_its_own_shim() {
    let Some(path) = std::env::var_os("TRY_SOCKET") else { return };
    let outcome = match probe(path.as_ref(), DEADLINE) {
        Ok(_) => "answered",
        Err(ClientError::Closed) => "refused",
        Err(error) => panic!("{error}"),
    };
    println!("outcome: {outcome}");
}

#[test]
fn another_user_is_refused() {
    let shim = TestShim::run_with("sleep 100", |spec| {
        // Where another user can reach it, so that it is the shim that refuses.
        spec.socket = std::env::temp_dir().join(format!("{}.sock", spec.session.short()));
    });
    shim.socket.wait_hello(DEADLINE).unwrap();
    let open = |mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&shim.spec.socket, mode).unwrap();
    };
    open(0o666);
    let me = std::env::temp_dir().join(format!("{}.test", shim.spec.session.short()));
    std::fs::copy(std::env::current_exe().unwrap(), &me).unwrap();

    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--clear-groups"])
        .arg(&me)
        .args(["--exact", "doors::tries_its_own_shim", "--ignored", "--nocapture"])
        .env("TRY_SOCKET", &shim.spec.socket)
        .output();

    std::fs::remove_file(&me).unwrap();
    match output {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.contains("outcome: refused"), "{said}");
        }
        Ok(_) | Err(_) => eprintln!("skipped: cannot become another user here"),
    }
}

#[test]
fn a_socket_that_was_removed_is_made_again_on_request() {
    let shim = TestShim::run("sleep 100");
    shim.socket.wait_hello(DEADLINE).unwrap();
    std::fs::remove_file(&shim.spec.socket).unwrap();

    let path = shim.spec.socket.to_str().unwrap().as_bytes().to_vec();
    shim.send(&ToShim::Relisten { path: &path });

    eventually("socket", || probe(&shim.spec.socket, DEADLINE).ok());
}

#[test]
fn garbage_and_messages_of_a_later_version_harm_nobody() {
    let mut shim = TestShim::run("sleep 100");
    let raw = std::os::fd::AsRawFd::as_raw_fd(&shim.socket);
    for garbage in [&b"~future"[..], b"I", b"S\xff", b"L\x01\x05\0\0\0", &[0xff; 200_000]] {
        let flags = nix::sys::socket::MsgFlags::empty();
        nix::sys::socket::send(raw, garbage, flags).unwrap();
    }

    shim.send(&ToShim::Ping { nonce: 9 });

    shim.until(|message| (*message == FromShim::Pong { nonce: 9 }).then_some(()));
}

#[test]
fn answers_wait_for_a_daemon_that_does_not_read() {
    let mut shim = TestShim::run("sleep 100");

    // Far more answers than its queue holds.
    let mut sent = 0;
    loop {
        let message = ToShim::Ping { nonce: sent };
        if shim.socket.try_send(&message).unwrap() == codeplane_shim::TrySend::WouldBlock {
            break;
        }
        sent += 1;
        assert!(sent < 100_000, "the shim answers into the void");
    }

    for nonce in 0..sent {
        let answered = shim.until(|message| match message {
            FromShim::Pong { nonce } => Some(*nonce),
            _ => None,
        });
        assert_eq!(answered, nonce);
    }
}

#[test]
fn a_socket_that_was_removed_is_made_again_also_when_nobody_is_connected() {
    let mut shim = TestShim::run("sleep 100");
    shim.socket.wait_hello(DEADLINE).unwrap();
    shim.disconnect();
    std::fs::remove_file(&shim.spec.socket).unwrap();

    shim.files().read_shim().unwrap().unwrap().ask_to_listen();

    eventually("socket", || probe(&shim.spec.socket, DEADLINE).ok());
}
