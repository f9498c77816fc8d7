//! What is said once, what again, and what not at all.

use super::*;

fn typed(outbox: &Outbox, texts: &[&'static str]) {
    for text in texts {
        assert_eq!(outbox.try_type(Bytes::from_static(text.as_bytes())), Ok(None));
    }
}

fn taken(outbox: &Outbox) -> Vec<(u64, String)> {
    let mut state = outbox.lock();
    std::iter::from_fn(|| state.next_request())
        .map(|request| match request {
            Request::Input(input) => (input.seq, String::from_utf8(input.data.to_vec()).unwrap()),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn pairs(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(seq, text)| (*seq, (*text).to_owned())).collect()
}

#[test]
fn what_was_not_received_is_sent_again_with_its_number() {
    let outbox = Outbox::default();
    outbox.join(0, Numbering::Anew, Right::Control);
    typed(&outbox, &["a", "b", "c"]);
    assert_eq!(taken(&outbox), pairs(&[(1, "a"), (2, "b"), (3, "c")]));

    outbox.acknowledge(1);
    outbox.cut();
    typed(&outbox, &["d"]);
    let uncertain = outbox.join(2, Numbering::Continues, Right::Control);

    assert_eq!(uncertain, 0);
    assert_eq!(taken(&outbox), pairs(&[(3, "c"), (4, "d")]));
}

#[test]
fn a_forgotten_attachment_types_only_what_was_never_on_its_way() {
    let outbox = Outbox::default();
    outbox.join(0, Numbering::Anew, Right::Control);
    typed(&outbox, &["abc"]);
    assert_eq!(taken(&outbox).len(), 1);

    outbox.cut();
    typed(&outbox, &["d"]);
    let uncertain = outbox.join(0, Numbering::Anew, Right::Control);

    assert_eq!(uncertain, 3);
    assert_eq!(taken(&outbox), pairs(&[(1, "d")]));
}

#[test]
fn typing_waits_at_the_limit_until_something_is_acknowledged() {
    let outbox = Outbox::default();
    outbox.join(0, Numbering::Anew, Right::Control);
    let full = Bytes::from(vec![b'x'; PENDING_LIMIT_BYTES]);
    assert_eq!(outbox.try_type(full), Ok(None));

    let more = Bytes::from_static(b"y");
    assert_eq!(outbox.try_type(more.clone()), Ok(Some(more.clone())));

    outbox.acknowledge(1);
    assert_eq!(outbox.try_type(more), Ok(None));
}

#[test]
fn an_observer_does_not_type() {
    let outbox = Outbox::default();
    outbox.join(0, Numbering::Anew, Right::Observe);

    assert_eq!(outbox.try_type(Bytes::from_static(b"a")), Err(InputRefused::Observing));

    outbox.set_right(Right::Control);
    assert_eq!(outbox.try_type(Bytes::from_static(b"a")), Ok(None));
}

#[test]
fn only_the_newest_size_is_told() {
    let outbox = Outbox::default();
    outbox.join(0, Numbering::Anew, Right::Control);

    outbox.wish(Request::Resize(v1::TerminalSize { cols: 80, rows: 24 }));
    outbox.wish(Request::Resize(v1::TerminalSize { cols: 100, rows: 30 }));

    let mut state = outbox.lock();
    let size = v1::TerminalSize { cols: 100, rows: 30 };
    assert_eq!(state.next_request(), Some(Request::Resize(size)));
    assert_eq!(state.next_request(), None);
}

#[test]
fn good_bye_comes_after_what_was_typed_before() {
    let outbox = Outbox::default();
    outbox.join(0, Numbering::Anew, Right::Control);

    typed(&outbox, &["a"]);
    outbox.detach(None);

    let mut state = outbox.lock();
    assert!(matches!(state.next_request(), Some(Request::Input(_))));
    assert!(matches!(state.next_request(), Some(Request::Detach(_))));
}
