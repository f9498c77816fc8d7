//! Everything typed arrives once and in order.

use codeplane_core::{AttachmentId, RequestId, TerminalSize};
use codeplane_shim::{
    FromShim, INPUT_PART_BYTES, INPUT_WINDOW_BYTES, Part, RefusedReason, ToShim, TrySend,
};

use crate::kit::{AUTHOR, DEADLINE, TOKEN, TestShim, eventually};

/// A program that wants bytes and not lines, and keeps `len` of them in a file.
fn keeps_input(len: usize) -> String {
    format!("stty raw -echo; echo ready; head -c {len} > input; echo done; sleep 100")
}

/// Bytes that look random and are the same each time.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..len).map(|_| next()).collect()
}

fn acked(message: &FromShim) -> Option<u64> {
    match message {
        FromShim::InputAck { token: TOKEN, seq } => Some(*seq),
        _ => None,
    }
}

fn unary<'a>(id: u8, index: u32, part: Part, bytes: &'a [u8]) -> ToShim<'a> {
    let request = RequestId::from_bytes([id; 16]);
    ToShim::UnaryInput { request, author: AUTHOR, index, part, bytes }
}

fn unary_acked(message: &FromShim) -> Option<u8> {
    match message {
        FromShim::UnaryAck { request } => Some(request.as_bytes()[0]),
        _ => None,
    }
}

fn refused(message: &FromShim) -> Option<(u8, RefusedReason)> {
    match message {
        FromShim::UnaryRefused { request, reason } => Some((request.as_bytes()[0], *reason)),
        _ => None,
    }
}

#[test]
fn a_mebibyte_of_noise_arrives_identical() {
    let sent = noise(1 << 20);
    let mut shim = TestShim::run(&keeps_input(sent.len()));
    shim.until_output("ready");
    shim.register();

    let window = u64::try_from(INPUT_WINDOW_BYTES / INPUT_PART_BYTES).unwrap();
    for (seq, part) in (1..).zip(sent.chunks(INPUT_PART_BYTES)) {
        if seq > window {
            shim.until(|message| acked(message).filter(|acked| *acked >= seq - window));
        }
        shim.type_(seq, part);
    }

    shim.until_output("done");
    assert!(std::fs::read(shim.path("input")).unwrap() == sent, "input differs");
}

#[test]
fn input_that_is_repeated_after_a_reconnect_is_typed_once() {
    let mut shim = TestShim::run(&keeps_input(6));
    shim.until_output("ready");
    shim.register();
    shim.type_(1, b"a");
    shim.type_(2, b"b");
    shim.until(|message| acked(message).filter(|seq| *seq == 2));

    let hello = shim.reconnect();
    shim.register();
    for (seq, bytes) in [(1, b"a"), (2, b"b"), (3, b"c"), (2, b"b"), (4, b"d"), (5, b"e")] {
        shim.type_(seq, bytes);
    }
    shim.type_(6, b"f");

    assert_eq!((hello.inputs[0].token, hello.inputs[0].attachment), (TOKEN, AUTHOR));
    assert_eq!((hello.inputs[0].applied, hello.inputs[0].received), (2, 2));
    shim.until_output("done");
    assert_eq!(shim.text("input"), "abcdef");
}

#[test]
fn a_repeated_input_is_acknowledged_again() {
    let mut shim = TestShim::run(&keeps_input(9));
    shim.until_output("ready");
    shim.register();
    shim.type_(1, b"a");
    shim.until(acked);

    shim.type_(1, b"a");

    assert_eq!(shim.until(acked), 1);
}

#[test]
fn input_out_of_order_is_not_typed_and_the_next_number_is_said() {
    let gap = |message: &FromShim| match message {
        FromShim::InputGap { token: TOKEN, expected } => Some(*expected),
        _ => None,
    };
    let mut shim = TestShim::run(&keeps_input(2));
    shim.until_output("ready");

    shim.type_(1, b"x");
    assert_eq!(shim.until(gap), 0);
    shim.register();
    shim.type_(2, b"x");
    assert_eq!(shim.until(gap), 1);
    shim.type_(1, b"a");
    shim.send(&ToShim::Forget { token: TOKEN });
    shim.type_(2, b"x");
    assert_eq!(shim.until(gap), 0);
    shim.register();
    shim.type_(1, b"b");

    shim.until_output("done");
    assert_eq!(shim.text("input"), "ab");
}

#[test]
fn two_attachments_and_sizes_share_one_queue_in_arrival_order() {
    let mut shim = TestShim::run(&keeps_input(4));
    shim.until_output("ready");
    shim.register();
    let other = codeplane_shim::InputToken([9; 16]);
    let bob = AttachmentId::from_bytes([9; 16]);
    shim.send(&ToShim::Register { token: other, attachment: bob });

    shim.type_(1, b"a");
    shim.send(&ToShim::Input { token: other, seq: 1, author: bob, bytes: b"b" });
    let size = TerminalSize::new(100, 30).unwrap();
    shim.send(&ToShim::Resize { size, author: bob });
    shim.type_(2, b"c");
    shim.send(&ToShim::Input { token: other, seq: 2, author: bob, bytes: b"d" });

    shim.until_output("done");
    assert_eq!(shim.text("input"), "abcd");
    let index = codeplane_shim::IndexReader::open(&shim.files().index()).unwrap();
    let kinds: Vec<_> = index.records_from(0).map(|record| record.unwrap().kind).collect();
    let input = codeplane_shim::IndexRecordKind::Input;
    let resize = codeplane_shim::IndexRecordKind::Resize { size, author: bob };
    let wanted = [input(AUTHOR), input(bob), resize, input(AUTHOR), input(bob)];
    let typed: Vec<_> = kinds.into_iter().filter(|kind| wanted.contains(kind)).collect();
    assert_eq!(typed, wanted);
}

#[test]
fn unary_input_is_typed_once_whole_and_acknowledged_again() {
    let mut shim = TestShim::run(&keeps_input(9));
    shim.until_output("ready");

    shim.send(&unary(1, 0, Part::More, b"abc"));
    shim.send(&unary(1, 1, Part::Last, b"def"));
    assert_eq!(shim.until(unary_acked), 1);
    shim.send(&unary(1, 0, Part::More, b"abc"));
    shim.send(&unary(1, 1, Part::Last, b"def"));
    assert_eq!(shim.until(unary_acked), 1);
    shim.reconnect();
    shim.send(&unary(1, 0, Part::Last, b"abcdef"));
    assert_eq!(shim.until(unary_acked), 1);
    shim.send(&unary(2, 0, Part::Last, b"ghi"));

    shim.until_output("done");
    assert_eq!(shim.text("input"), "abcdefghi");
}

#[test]
fn half_a_unary_input_is_dropped_with_its_connection() {
    let mut shim = TestShim::run(&keeps_input(3));
    shim.until_output("ready");

    shim.send(&unary(1, 0, Part::More, b"half"));
    shim.reconnect();
    shim.send(&unary(1, 1, Part::Last, b"half"));
    assert_eq!(shim.until(refused), (1, RefusedReason::PartMissing));
    shim.send(&unary(1, 0, Part::Last, b"abc"));

    shim.until_output("done");
    assert_eq!(shim.text("input"), "abc");
}

#[test]
fn unary_input_over_the_limit_is_refused_before_its_first_byte() {
    let mut shim = TestShim::run_with(&keeps_input(3), |spec| spec.input_limit_bytes = 100);
    shim.until_output("ready");

    shim.send(&unary(1, 0, Part::More, &[b'x'; 60]));
    shim.send(&unary(1, 1, Part::Last, &[b'x'; 60]));
    assert_eq!(shim.until(refused), (1, RefusedReason::TooLarge));
    shim.send(&unary(2, 0, Part::Last, b"abc"));

    shim.until_output("done");
    assert_eq!(shim.text("input"), "abc");
}

#[test]
fn a_line_the_kernel_would_cut_is_refused_where_lines_are_read() {
    let mut shim = TestShim::run("echo ready; cat > input");
    shim.until_output("ready");
    let long = vec![b'x'; 4096];

    shim.send(&unary(1, 0, Part::Last, &long));
    assert_eq!(shim.until(refused), (1, RefusedReason::LineTooLong));
    shim.send(&unary(2, 0, Part::Last, &[&long[..4095], b"\n"].concat()));
    assert_eq!(shim.until(unary_acked), 2);

    eventually("the line", || (shim.text("input").len() == 4096).then_some(()));
}

#[test]
fn the_terminal_mode_is_told() {
    let mode = |message: &FromShim| match message {
        FromShim::TermMode(mode) => Some(*mode),
        _ => None,
    };
    let mut shim = TestShim::run("echo lines; read x; stty raw -echo; echo bytes; sleep 100");
    shim.until_output("lines");

    shim.send(&ToShim::QueryTermMode);
    let lines = shim.until(mode);
    shim.register();
    shim.type_(1, b"\n");
    shim.until_output("bytes");
    shim.send(&ToShim::QueryTermMode);
    let bytes = shim.until(mode);

    assert!(lines.is_canonical() && lines.is_echoing() && lines.makes_signals());
    assert!(!bytes.is_canonical() && !bytes.is_echoing() && !bytes.makes_signals());
}

#[test]
fn a_program_that_does_not_read_holds_back_its_typists_and_not_a_stop() {
    let mut shim = TestShim::run("stty raw -echo; echo ready; sleep 1000");
    shim.until_output("ready");
    shim.register();

    // Until the shim reads no more and the socket is full.
    let mut seq = 0;
    let part = vec![b'x'; INPUT_PART_BYTES];
    loop {
        let message = ToShim::Input { token: TOKEN, seq: seq + 1, author: AUTHOR, bytes: &part };
        if shim.socket.try_send(&message).unwrap() == TrySend::WouldBlock {
            break;
        }
        seq += 1;
        assert!(seq < 1000, "the shim takes without end");
    }
    let control = shim.connect();
    crate::kit::send(&control, &ToShim::Stop { steps: Vec::new() });

    assert_eq!(shim.until_status(), codeplane_core::ExitStatus::Signal(libc::SIGKILL));
}

#[test]
fn within_the_window_control_gets_through_on_the_same_connection() {
    let mut shim = TestShim::run("stty raw -echo; echo ready; sleep 1000");
    shim.until_output("ready");
    shim.register();

    for seq in 1..=2 {
        shim.type_(seq, &vec![b'x'; INPUT_PART_BYTES]);
    }
    shim.send(&ToShim::Ping { nonce: 5 });

    shim.until(|message| (*message == FromShim::Pong { nonce: 5 }).then_some(()));
}

#[test]
fn what_a_killed_daemon_had_sent_is_typed_also_when_the_program_was_busy() {
    let script = "stty raw -echo; echo ready; until [ -e go ]; do sleep 0.01; done; cat > input";
    let mut shim = TestShim::run(script);
    shim.until_output("ready");
    shim.register();
    let mut sent = 0;
    loop {
        let bytes = vec![b'x'; INPUT_PART_BYTES];
        let message = ToShim::Input { token: TOKEN, seq: sent + 1, author: AUTHOR, bytes: &bytes };
        if shim.socket.try_send(&message).unwrap() == TrySend::WouldBlock {
            break;
        }
        sent += 1;
    }

    shim.disconnect();
    // The shim looks at its connections meanwhile, and keeps what it may not read yet.
    shim.connect().wait_hello(DEADLINE).unwrap();
    std::fs::write(shim.path("go"), "").unwrap();

    let len = sent * u64::try_from(INPUT_PART_BYTES).unwrap();
    eventually("all input", || {
        std::fs::metadata(shim.path("input")).ok().filter(|input| input.len() == len)
    });
}

#[test]
fn an_input_in_many_parts_is_refused_once() {
    let mut shim = TestShim::run_with("sleep 100", |spec| spec.input_limit_bytes = 10);
    let mut parts: Vec<_> = (0..9).map(|index| unary(1, index, Part::More, b"12345")).collect();
    parts.push(unary(1, 9, Part::Last, b"12345"));

    for part in &parts {
        shim.send(part);
    }
    shim.send(&ToShim::Ping { nonce: 1 });

    shim.until(|message| matches!(message, FromShim::Pong { .. }).then_some(()));
    assert_eq!(shim.seen().iter().filter_map(refused).count(), 1);
}
