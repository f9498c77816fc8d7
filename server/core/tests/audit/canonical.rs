use codeplane_core::audit::{AuditKind, AuditRecord, AuditSeq, NewAudit};
use codeplane_core::{HostId, Incarnation, Offset, OutputPosition, SessionId, Timestamp};
use proptest::prelude::*;

use crate::kit::HOST;

fn record(fact: &NewAudit) -> AuditRecord {
    AuditRecord::of(AuditSeq(3), HostId::from_bytes(HOST), fact)
}

#[test]
fn a_record_is_one_line_of_json_that_anybody_can_make_again() {
    let fact = NewAudit::by("uid:1000", Timestamp::from_micros(-5), AuditKind::DecisionMade)
        .about(SessionId::from_bytes([0xab; 16]), Some(Incarnation(2)))
        .at(OutputPosition { incarnation: Incarnation(2), offset: Offset(99) })
        .with("command", "printf \"a\\n\"\n\u{1b}é")
        .with("command", "twice");

    let text = String::from_utf8(record(&fact).encode()).unwrap();

    let expected = concat!(
        r#"{"v":1,"seq":3,"host":"07070707-0707-0707-0707-070707070707","time":-5,"#,
        r#""kind":"decision.made","principal":"uid:1000","#,
        r#""session":"abababab-abab-abab-abab-abababababab","incarnation":2,"#,
        r#""position":{"incarnation":2,"offset":99},"#,
        r#""detail":[["command","printf \"a\\n\"\u000a\u001bé"],["command","twice"]]}"#
    );
    assert_eq!(text, expected);
    assert_eq!(AuditRecord::decode(text.as_bytes()), Ok(record(&fact)));
}

#[test]
fn what_a_record_has_nothing_to_say_of_is_left_out() {
    let fact = NewAudit::by_daemon(Timestamp::from_micros(1), AuditKind::DaemonStarted);

    let text = String::from_utf8(record(&fact).encode()).unwrap();

    let expected = concat!(
        r#"{"v":1,"seq":3,"host":"07070707-0707-0707-0707-070707070707","time":1,"#,
        r#""kind":"daemon.started","principal":"daemon","detail":[]}"#
    );
    assert_eq!(text, expected);
}

#[test]
fn another_text_for_the_same_record_is_no_record() {
    let fact = NewAudit::by_daemon(Timestamp::from_micros(1), AuditKind::DaemonStarted);
    let text = String::from_utf8(record(&fact).encode()).unwrap();

    for other in [
        text.replace(",\"time\"", ", \"time\""),
        text.replace("\"v\":1", "\"v\":2"),
        text.replace("\"v\":1,\"seq\":3", "\"seq\":3,\"v\":1"),
        text.replace("\"time\":1", "\"time\":1,\"time\":2"),
        text.replace("\"time\":1", "\"time\":1,\"more\":2"),
        text.replace("\"time\":1", "\"time\":1.0"),
        text.replace("daemon.started", "d\\u0061emon.started"),
        text.replace("}", "}\n"),
        text.replace("\"seq\":3", "\"seq\":-3"),
        String::new(),
    ] {
        assert!(AuditRecord::decode(other.as_bytes()).is_err(), "{other}");
    }
}

#[test]
fn every_kind_has_a_name_of_its_own_that_is_read_back() {
    for kind in AuditKind::ALL {
        assert_eq!(AuditKind::parse(kind.name()), Some(kind));
    }
    assert_eq!(AuditKind::parse("decision"), None);
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(
        principal in any::<String>(),
        values in proptest::collection::vec(any::<String>(), 0..4),
        time in any::<i64>(),
        offset in any::<u64>(),
    ) {
        let position = OutputPosition { incarnation: Incarnation(1), offset: Offset(offset) };
        let mut fact = NewAudit::by(principal, Timestamp::from_micros(time), AuditKind::Violation)
            .at(position);
        for value in values {
            fact = fact.with("value", value);
        }

        let read = AuditRecord::decode(&record(&fact).encode());

        prop_assert_eq!(read, Ok(record(&fact)));
    }
}
