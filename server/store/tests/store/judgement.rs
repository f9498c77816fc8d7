use codeplane_core::{
    Activity, ActivityName, ActivitySource, Approval, ApprovalChange, ApprovalId, ApprovalKind,
    ApprovalState, Decision, DecisionId, DecisionSource, EventKind, Gate, GateMode, Grant, GrantId,
    GrantScope, GrantTarget, HookEventId, Incarnation, NewApproval, Outcome, PolicyRef,
    RequestDigest, Resolution, SessionAgent, SessionId, Settled, Timestamp, ToolRequest,
};
use codeplane_store::{
    ApprovalFilter, DecisionFilter, HookRecord, Known, Report, Reported, Resolve, Resolved, Trail,
    WhichGrants,
};

use crate::kit::{Lab, at, event};

fn record(session: SessionId) -> HookRecord {
    HookRecord {
        id: HookEventId::random(),
        session,
        incarnation: Incarnation::FIRST,
        provider: "claude".to_owned(),
        name: "PreToolUse".to_owned(),
        body: b"{}".to_vec(),
        body_bytes: 700_000,
        body_hash: [3; 32],
        reported_at: at(5),
    }
}

fn decision(record: &HookRecord) -> Decision {
    Decision {
        id: DecisionId::random(),
        session: record.session,
        incarnation: record.incarnation,
        event: record.id,
        request: ToolRequest {
            provider: "claude".to_owned(),
            tool: "Bash".to_owned(),
            input: "{\"command\":\"make\"}".to_owned(),
            tool_use_id: Some("toolu_1".to_owned()),
            cwd: Some("/w".to_owned()),
            subagent: None,
        },
        digest: RequestDigest::from_bytes([9; 32]),
        verdict: "{}".to_owned(),
        policies: vec![PolicyRef { name: "developer".to_owned(), revision: 3 }],
        facts: "[]".to_owned(),
        asked_at: at(5),
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
        four_eyes: true,
        not_grantable: Some("a protected path".to_owned()),
        patterns: vec!["Bash(make:*)".to_owned()],
        mode: GateMode::Held,
        asked_at: at(5),
        expires_at: at(3_600),
    }
}

fn report(record: HookRecord) -> Report {
    Report {
        record,
        decision: None,
        approval: None,
        agent: None,
        violation: None,
        events: Vec::new(),
        audit: Vec::new(),
    }
}

fn resolve(asked: &NewApproval, state: ApprovalState, by: &str) -> Resolve {
    let (outcome, source) = match state {
        ApprovalState::Allowed => (Outcome::Allowed, DecisionSource::Person(asked.id)),
        ApprovalState::Pending
        | ApprovalState::Denied
        | ApprovalState::Expired
        | ApprovalState::Cancelled => (Outcome::Denied, DecisionSource::Expired(asked.id)),
    };
    let settled = Settled {
        outcome,
        source,
        by: by.to_owned(),
        reason: "because".to_owned(),
        updated_input: None,
        at: at(9),
    };
    let resolution = Resolution {
        state,
        by: by.to_owned(),
        at: at(9),
        message: "because".to_owned(),
        updated_input: None,
        grants: Vec::new(),
    };
    Resolve {
        change: ApprovalChange { id: asked.id, resolution },
        settled,
        grants: Vec::new(),
        agent: None,
        events: vec![event(asked.session, EventKind::TerminalBell)],
        trail: Trail::default(),
    }
}

/// A report that asks a person.
async fn ask(lab: &Lab) -> (Decision, NewApproval) {
    let record = record(SessionId::random());
    let decision = decision(&record);
    let approval = approval(&decision);
    let mut report = report(record);
    (report.decision, report.approval) = (Some(decision.clone()), Some(approval.clone()));
    assert_eq!(lab.store.report(report).await.unwrap(), Reported::New);
    (decision, approval)
}

#[tokio::test]
async fn a_report_is_written_once() {
    let lab = Lab::new();
    let record = record(SessionId::random());
    let decision = decision(&record);
    let mut first = report(record.clone());
    first.decision = Some(decision.clone());

    let new = lab.store.report(first.clone()).await.unwrap();
    let again = lab.store.report(first).await.unwrap();

    let known = Known { session: record.session, body_hash: [3; 32], decision: Some(decision.id) };
    assert_eq!(new, Reported::New);
    assert_eq!(again, Reported::Before(known.clone()));
    assert_eq!(lab.store.known_report(record.id).await.unwrap(), Some(known));
    assert_eq!(lab.store.decision(decision.id).await.unwrap(), Some(decision));
}

#[tokio::test]
async fn of_all_who_decide_at_once_one_wins() {
    let lab = Lab::new();
    for _ in 0..50 {
        let (decision, asked) = ask(&lab).await;
        let states = [ApprovalState::Allowed, ApprovalState::Denied, ApprovalState::Expired];
        let tries = states.iter().enumerate().map(|(number, state)| {
            lab.store.resolve_approval(resolve(&asked, *state, &format!("uid:{number}")))
        });
        let before = lab.store.newest_revision().0;

        let mut winners = Vec::new();
        for outcome in futures_join(tries).await {
            if let Resolved::Now(approval) = outcome {
                winners.push(approval);
            }
        }

        let [winner]: [Approval; 1] = winners.try_into().unwrap();
        let stored = lab.store.approval(asked.id).await.unwrap().unwrap();
        assert_eq!(stored, winner);
        let settled = lab.store.decision(decision.id).await.unwrap().unwrap().settled.unwrap();
        assert_eq!(settled.by, winner.resolution.unwrap().by);
        assert_eq!(lab.store.newest_revision().0, before + 1, "one event for one end");
    }
    assert!(lab.store.pending_approvals().await.unwrap().is_empty());
}

/// Runs all at once.
async fn futures_join(
    tries: impl Iterator<Item = impl Future<Output = Result<Resolved, codeplane_store::StoreError>>>,
) -> Vec<Resolved> {
    let mut tries: Vec<_> = tries.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(move |cx| {
        let mut index = 0;
        while index < tries.len() {
            match tries[index].as_mut().poll(cx) {
                std::task::Poll::Ready(outcome) => {
                    done.push(outcome.unwrap());
                    drop(tries.remove(index));
                }
                std::task::Poll::Pending => index += 1,
            }
        }
        if tries.is_empty() {
            std::task::Poll::Ready(std::mem::take(&mut done))
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn approvals_are_listed_the_newest_first_and_found_by_state_and_session() {
    let lab = Lab::new();
    let (_, first) = ask(&lab).await;
    let (_, second) = ask(&lab).await;
    lab.store.resolve_approval(resolve(&first, ApprovalState::Denied, "uid:1")).await.unwrap();
    let list = |filter| lab.store.list_approvals(filter, 10, None);

    let pending = ApprovalFilter { state: Some(ApprovalState::Pending), session: None };
    let pending = list(pending).await.unwrap().approvals;
    let of_first = ApprovalFilter { state: None, session: Some(first.session) };
    let of_first = list(of_first).await.unwrap().approvals;

    assert_eq!(pending.iter().map(|one| one.asked.id).collect::<Vec<_>>(), [second.id]);
    assert_eq!(of_first.iter().map(|one| one.state()).collect::<Vec<_>>(), [ApprovalState::Denied]);
    let page = lab.store.list_approvals(ApprovalFilter::default(), 1, None).await.unwrap();
    let rest = lab.store.list_approvals(ApprovalFilter::default(), 1, page.next).await.unwrap();
    assert_ne!(page.approvals, rest.approvals);
    assert_eq!(rest.next, None);
    let found =
        lab.store.approvals_with_prefix(second.id.to_string()[..6].to_owned()).await.unwrap();
    assert_eq!(found[0].asked, second);
}

#[tokio::test]
async fn decisions_are_found_by_call_and_by_request() {
    let lab = Lab::new();
    let (decision, _) = ask(&lab).await;
    let (session, digest) = (decision.session, decision.digest);

    let by_call = lab.store.decision_of_call(session, "toolu_1".to_owned()).await.unwrap();
    let by_request = lab.store.decision_of_request(session, digest).await.unwrap();
    let of_another = lab.store.decision_of_request(SessionId::random(), digest).await.unwrap();

    assert_eq!(by_call, Some(decision.clone()));
    assert_eq!(by_request, Some(decision.clone()));
    assert_eq!(of_another, None);
    let listed = lab.store.list_decisions(DecisionFilter::default(), 10, None).await.unwrap();
    assert_eq!(listed.decisions, [decision]);
}

fn grant(asked: &NewApproval, created_at: Timestamp) -> Grant {
    Grant {
        id: GrantId::random(),
        scope: GrantScope::Workspace("/w".to_owned()),
        tool: "Bash".to_owned(),
        target: GrantTarget::Pattern("Bash(make:*)".to_owned()),
        subject: "make …".to_owned(),
        created_by: "uid:1".to_owned(),
        created_at,
        approval: asked.id,
        expires_at: None,
        revoked: None,
    }
}

#[tokio::test]
async fn a_page_of_grants_that_hold_is_full_whatever_ended_between_them() {
    let lab = Lab::new();
    let (_, asked) = ask(&lab).await;
    let ends = [None, Some(at(20)), Some(at(50)), Some(at(21)), None];
    let grants: Vec<Grant> = (0_i64..)
        .zip(ends)
        .map(|(number, expires_at)| Grant { expires_at, ..grant(&asked, at(number)) })
        .collect();
    let mut allow = resolve(&asked, ApprovalState::Allowed, "uid:1");
    allow.grants = grants.clone();
    lab.store.resolve_approval(allow).await.unwrap();
    let fact = event(asked.session, EventKind::TerminalBell);
    let revoke =
        lab.store.revoke_grant(grants[4].id, ("uid:2".to_owned(), at(10)), fact, Trail::default());
    assert!(revoke.await.unwrap());

    let holding = WhichGrants::Holding(at(21));
    let first = lab.store.list_grants(holding, 1, None).await.unwrap();
    let second = lab.store.list_grants(holding, 1, first.next).await.unwrap();
    let found = lab.store.grants_with_prefix(grants[3].id.to_string()[..8].to_owned()).await;

    assert_eq!(first.grants, [grants[2].clone()]);
    assert_eq!((second.grants, second.next), (vec![grants[0].clone()], None));
    assert_eq!(lab.store.list_grants(WhichGrants::All, 10, None).await.unwrap().grants.len(), 5);
    assert_eq!(found.unwrap(), [grants[3].clone()]);
    assert!(lab.store.grants_with_prefix("zzzz".to_owned()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_grant_holds_until_it_is_revoked() {
    let lab = Lab::new();
    let (_, asked) = ask(&lab).await;
    let grant = Grant { expires_at: Some(at(100)), ..grant(&asked, at(9)) };
    let mut allow = resolve(&asked, ApprovalState::Allowed, "uid:1");
    allow.grants = vec![grant.clone()];
    allow.change.resolution.grants = vec![grant.id];
    lab.store.resolve_approval(allow).await.unwrap();
    assert_eq!(lab.store.held_grants().await.unwrap(), std::slice::from_ref(&grant));

    let revoke = || {
        let fact = event(asked.session, EventKind::TerminalBell);
        let who = ("uid:2".to_owned(), at(10));
        lab.store.revoke_grant(grant.id, who, fact, Trail::default())
    };
    assert!(revoke().await.unwrap());
    assert!(!revoke().await.unwrap(), "it held no more");

    assert!(lab.store.held_grants().await.unwrap().is_empty());
    let listed = lab.store.list_grants(WhichGrants::All, 10, None).await.unwrap().grants;
    assert_eq!(listed[0].revoked, Some(("uid:2".to_owned(), at(10))));
}

#[tokio::test]
async fn an_older_state_of_an_agent_never_covers_a_newer_one() {
    let lab = Lab::new();
    let id = lab.inserted().await.id();
    let newer = SessionAgent {
        owner: "uid:1".to_owned(),
        home: "/home/u".to_owned(),
        settings: vec!["/home/u/other".to_owned()],
        workspace: "/w".to_owned(),
        mode: GateMode::AgentDialog,
        gate: Gate::Ungated { reason: "Bash ran".to_owned() },
        token: Some((Incarnation::FIRST, [1; 32])),
        conversation: Some("c".to_owned()),
        transcript: None,
        activity: Some(Activity {
            name: ActivityName::Idle,
            source: ActivitySource::Hook,
            since: at(3),
        }),
        version: 2,
    };
    let older = SessionAgent { gate: Gate::Unproven, activity: None, version: 1, ..newer.clone() };

    lab.store.set_agent(id, newer.clone(), Vec::new()).await.unwrap();
    lab.store.set_agent(id, older, Vec::new()).await.unwrap();
    // A session that is gone has no agent.
    lab.store.set_agent(SessionId::random(), newer.clone(), Vec::new()).await.unwrap();

    assert_eq!(lab.store.agents().await.unwrap(), [(id, newer)]);
}

#[tokio::test]
async fn old_reports_go_and_what_waits_stays() {
    let lab = Lab::new();
    let (decision, asked) = ask(&lab).await;
    let (over, ended) = ask(&lab).await;
    lab.store.resolve_approval(resolve(&ended, ApprovalState::Denied, "uid:1")).await.unwrap();

    assert_eq!(lab.store.forget_reports(at(100)).await.unwrap(), 2);

    assert!(lab.store.decision(decision.id).await.unwrap().is_some());
    assert!(lab.store.approval(asked.id).await.unwrap().is_some());
    assert!(lab.store.decision(over.id).await.unwrap().is_none());
    assert!(lab.store.approval(ended.id).await.unwrap().is_none());
}
