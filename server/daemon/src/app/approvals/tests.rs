//! Several who decide at once.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use codeplane_core::audit::{AuditKind, AuditRecord};
use codeplane_core::{
    Approval, ApprovalId, ApprovalKind, ApprovalState, CannotDecide, Decision, DecisionId, Filter,
    GateMode, HookEventId, Incarnation, NewApproval, RequestDigest, SessionId, Timestamp,
    ToolRequest,
};
use codeplane_store::{HookRecord, Report};

use super::{DecideAnswer, DecideRequest, GrantWish, Reach};
use crate::app::tests::Fixture;
use crate::app::{App, AuditOrder, AuditQuery, Caller, Error};

/// Races that run beside each other.
const AT_ONCE: u64 = 50;

/// How many there are: all of them with `CODEPLANE_TEST_LONG=1`.
fn races() -> u64 {
    let is_long = std::env::var_os("CODEPLANE_TEST_LONG").is_some_and(|value| value == "1");
    if is_long { 10_000 } else { 300 }
}

fn decision(record: &HookRecord) -> Decision {
    Decision {
        id: DecisionId::random(),
        session: record.session,
        incarnation: record.incarnation,
        event: record.id,
        request: ToolRequest {
            provider: record.provider.clone(),
            tool: "Bash".to_owned(),
            input: r#"{"command":"make"}"#.to_owned(),
            tool_use_id: None,
            cwd: None,
            subagent: None,
        },
        digest: RequestDigest::from_bytes([9; 32]),
        verdict: "{}".to_owned(),
        policies: Vec::new(),
        facts: "{}".to_owned(),
        asked_at: record.reported_at,
        settled: None,
    }
}

fn approval(decision: &Decision) -> NewApproval {
    NewApproval {
        id: ApprovalId::random(),
        decision: decision.id,
        session: decision.session,
        incarnation: decision.incarnation,
        kind: ApprovalKind::ToolCall,
        digest: decision.digest,
        subject: "make".to_owned(),
        owner: "uid:1".to_owned(),
        four_eyes: false,
        not_grantable: None,
        patterns: Vec::new(),
        mode: GateMode::Held,
        asked_at: decision.asked_at,
        expires_at: Timestamp::from_micros(decision.asked_at.as_micros() + 1),
    }
}

/// A call that waits for a person.
async fn asked(app: &App, session: SessionId) -> NewApproval {
    let record = HookRecord {
        id: HookEventId::random(),
        session,
        incarnation: Incarnation::FIRST,
        provider: "claude".to_owned(),
        name: "PreToolUse".to_owned(),
        body: Vec::new(),
        body_bytes: 0,
        body_hash: [0; 32],
        reported_at: app.clock.now(),
    };
    let decision = decision(&record);
    let approval = approval(&decision);
    let report = Report {
        record,
        decision: Some(decision),
        approval: Some(approval.clone()),
        agent: None,
        events: Vec::new(),
        audit: Vec::new(),
        violation: None,
    };
    app.store.report(report).await.unwrap();
    app.approvals.opened(&approval);
    approval
}

/// One who allows and has it remembered, one who denies, and a time that is over meanwhile. Who won?
async fn race(app: App, session: SessionId, number: u64) -> (NewApproval, Approval) {
    let asked = asked(&app, session).await;
    let mut wait = app.approvals.wait(asked.id);
    let decide = |answer| {
        let (app, id, seen) = (app.clone(), asked.id.to_string(), asked.digest);
        let request = DecideRequest { approval: id, seen, answer };
        async move { app.decide(&Caller::local(1), request, None).await }
    };
    let grant = Some(GrantWish { reach: Reach::Session, patterns: Vec::new() });
    let allow = decide(DecideAnswer::Allow { updated_input: None, grant });
    let deny = decide(DecideAnswer::Deny { message: String::new() });
    let expire = async {
        // Sooner or later than the others, who read rows before they write.
        for _ in 0..number % 5 {
            drop(app.store.approval(asked.id).await.unwrap());
        }
        app.end_by_itself(&asked, ApprovalState::Expired).await;
    };
    let (allowed, denied) = if number.is_multiple_of(2) {
        let (allowed, denied, ()) = tokio::join!(allow, deny, expire);
        (allowed, denied)
    } else {
        let ((), denied, allowed) = tokio::join!(expire, deny, allow);
        (allowed, denied)
    };
    wait.ended().await;

    let approval = app.store.approval(asked.id).await.unwrap().unwrap();
    let winner = approval.state();
    for (result, state) in [(allowed, ApprovalState::Allowed), (denied, ApprovalState::Denied)] {
        match result {
            Ok(decided) => {
                assert_eq!((decided.approval.approval.state(), winner), (state, state));
            }
            Err(Error::CannotDecide(CannotDecide::Over(over))) => {
                assert_eq!(over, winner);
                assert_ne!(state, winner, "the winner was told that it lost");
            }
            Err(error) => panic!("{error}"),
        }
    }
    (asked, approval)
}

/// Every record there is.
async fn records(app: &App) -> Vec<AuditRecord> {
    let (query, mut all, mut after) = (AuditQuery::default(), Vec::new(), None);
    assert_eq!(query.filter, Filter::default());
    loop {
        let page = app.list_audit(&query, AuditOrder::OldestFirst, 1_000, after).await.unwrap();
        all.extend(page.records);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

fn detail<'r>(record: &'r AuditRecord, name: &str) -> Option<&'r str> {
    record.detail.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn of_two_approvers_and_a_timeout_exactly_one_wins_and_nothing_is_allowed_unrecorded() {
    let fixture = Fixture::new(|_| {});
    let (app, session) = (&fixture.app, SessionId::random());
    let mut ended: BTreeMap<String, (ApprovalState, String)> = BTreeMap::new();
    let mut granted = HashSet::new();

    for first in (0..races()).step_by(usize::try_from(AT_ONCE).unwrap()) {
        let races = (first..first + AT_ONCE).map(|number| race(app.clone(), session, number));
        for (asked, approval) in futures_util::future::join_all(races).await {
            let resolution = approval.resolution.unwrap();
            granted.extend(resolution.grants);
            ended.insert(asked.id.to_string(), (resolution.state, asked.decision.to_string()));
        }
    }

    let mut wins: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut ends, mut answers) = (BTreeMap::new(), BTreeMap::new());
    let records = records(app).await;
    for record in &records {
        if let (Some(approval), state @ Some(_)) =
            (detail(record, "approval"), detail(record, "state"))
        {
            assert_eq!(ends.insert(approval, state), None, "two ends of {approval}");
        }
        if let (Some(decision), outcome @ Some(_)) =
            (detail(record, "decision"), detail(record, "outcome"))
        {
            assert_eq!(answers.insert(decision, outcome), None, "two answers of {decision}");
        }
    }
    for (approval, (state, decision)) in &ended {
        assert_eq!(ends.get(approval.as_str()), Some(&Some(state.as_str())));
        let outcome = if *state == ApprovalState::Allowed { "allowed" } else { "denied" };
        assert_eq!(answers.get(decision.as_str()), Some(&Some(outcome)));
        *wins.entry(state.as_str()).or_default() += 1;
    }
    assert_eq!(ended.len() as u64, races());
    assert_eq!(wins.len(), 3, "somebody never won: {wins:?}");
    println!("{wins:?}");
    // Who lost grants nothing.
    let held = app.store.held_grants().await.unwrap();
    assert_eq!(held.iter().map(|grant| grant.id).collect::<HashSet<_>>(), granted);
    let at_hand = app.grants.all().into_iter().map(|grant| grant.id);
    assert_eq!(at_hand.collect::<HashSet<_>>(), granted);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_its_hook_does_not_fetch_in_time_is_void_in_the_log() {
    let fixture = Fixture::new(|_| {});
    let app = &fixture.app;
    let asked = asked(app, SessionId::random()).await;
    let answer = DecideAnswer::Deny { message: String::new() };
    let request = DecideRequest { approval: asked.id.to_string(), seen: asked.digest, answer };

    drop(app.decide(&Caller::local(1), request, None).await.unwrap());

    let found = loop {
        tokio::time::advance(Duration::from_secs(1)).await;
        let records = records(app).await;
        let void = records.into_iter().find(|record| record.kind == AuditKind::AnswerVoid.name());
        if let Some(void) = void {
            break void;
        }
    };
    assert_eq!(detail(&found, "approval"), Some(asked.id.to_string().as_str()));
    assert_eq!(detail(&found, "answer"), Some("denied"));
}
