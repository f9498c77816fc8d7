//! Answers that decide nothing: refused whoever calls, and the call waits on.

use codeplane_proto::v1::approval_service_client::ApprovalServiceClient;
use codeplane_proto::v1::decide_approval_request::Answer as Decides;
use codeplane_proto::v1::{
    AllowAnswer, Approval, ApprovalState, DecideApprovalRequest, DenyAnswer, GetApprovalRequest,
    GrantScope, ListApprovalsRequest, QuestionAnswer, QuestionAnswers,
};
use codeplane_tests::{Refusal, TestDaemon, refused};
use serde_json::json;
use tonic::Code;
use tonic::transport::Channel;

use super::kit::{Caller, call, pending, tokens};

/// One call that waits, and the bare calls about it.
struct Asked {
    calls: ApprovalServiceClient<Channel>,
    approval: Approval,
}

impl Asked {
    async fn new(daemon: &TestDaemon) -> Self {
        pending(daemon, 1);
        let mut calls = ApprovalServiceClient::new(daemon.channel().await);
        let listed = calls.list_approvals(ListApprovalsRequest::default()).await.unwrap();
        let approval = listed.into_inner().approvals.remove(0);
        Self { calls, approval }
    }

    /// As a person would decide who saw it.
    fn request(&self, answer: Option<Decides>) -> DecideApprovalRequest {
        DecideApprovalRequest {
            request_id: String::new(),
            approval: self.approval.id.clone(),
            request_hash: self.approval.request_hash.clone(),
            answer,
        }
    }

    /// The refusal of a request, after which it still waits.
    async fn refuses(&mut self, request: DecideApprovalRequest) -> Refusal {
        let said = format!("{request:?}");
        let refusal = refused(self.calls.decide_approval(request).await);
        let get = GetApprovalRequest { approval: self.approval.id.clone() };
        let now = self.calls.get_approval(get).await.unwrap().into_inner().approval.unwrap();
        assert_eq!(now, self.approval, "after {said}");
        assert_eq!(now.state(), ApprovalState::Pending);
        refusal
    }

    /// The field of an answer that is none.
    async fn invalid(&mut self, request: DecideApprovalRequest) -> String {
        let said = format!("{request:?}");
        let refusal = self.refuses(request).await;
        let facts = (refusal.code, refusal.reason.as_str(), refusal.fields.len());
        assert_eq!(facts, (Code::InvalidArgument, "INVALID", 1), "{said}: {refusal:?}");
        refusal.fields[0].clone()
    }
}

fn allow(updated_input: &str, grant_scope: i32, grant_patterns: &[&str]) -> Option<Decides> {
    Some(Decides::Allow(AllowAnswer {
        updated_input: updated_input.to_owned(),
        grant_scope,
        grant_patterns: grant_patterns.iter().map(|&pattern| pattern.to_owned()).collect(),
    }))
}

fn answers(answers: &[(&str, &[&str])]) -> Option<Decides> {
    let answer = |(question, given): &(&str, &[&str])| QuestionAnswer {
        question: (*question).to_owned(),
        answers: given.iter().map(|&one| one.to_owned()).collect(),
    };
    let answers = answers.iter().map(answer).collect();
    Some(Decides::Answers(QuestionAnswers { answers }))
}

#[tokio::test]
async fn an_answer_that_is_none_names_its_field() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let mut asked = Asked::new(&daemon).await;
    let (session, unset) = (GrantScope::Session as i32, GrantScope::Unspecified as i32);
    let long = Some(Decides::Deny(DenyAnswer { message: "x".repeat(4097) }));

    for (answer, field) in [
        (None, "answer"),
        (allow("", 99, &[]), "allow.grant_scope"),
        (allow("", -1, &[]), "allow.grant_scope"),
        (allow("", unset, &["Bash(make:*)"]), "allow.grant_scope"),
        (allow("", session, &["Bash(rm:*)"]), "allow.grant_patterns"),
        (allow("", session, &[""]), "allow.grant_patterns"),
        (allow("{\"command\":\"make -n\"}", session, &[]), "allow.grant_scope"),
        (allow("{\"command\":", unset, &[]), "allow.updated_input"),
        (allow("make", unset, &[]), "allow.updated_input"),
        (long, "deny.message"),
        (answers(&[("Which?", &["this"])]), "answers"),
    ] {
        let request = asked.request(answer);
        assert_eq!(asked.invalid(request.clone()).await, field, "{request:?}");
    }
    assert!(!caller.is_answered(1));
}

#[tokio::test]
async fn an_answer_to_what_was_not_shown_decides_nothing() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &["--allow", "Bash(true)"]);
    caller.ask(1, &call("true")).allows();
    caller.report(2, call("make").as_bytes());
    let mut asked = Asked::new(&daemon).await;
    let of = |hash: &str| DecideApprovalRequest {
        request_hash: hash.to_owned(),
        ..asked.request(allow("", 0, &[]))
    };
    let (other, none, short) = (of(&"0".repeat(64)), of(""), of(&asked.approval.request_hash[1..]));

    let refusal = asked.refuses(other).await;
    let facts = (Code::FailedPrecondition, "REQUEST_HASH_MISMATCH", vec![]);
    assert_eq!(refusal.facts(), facts, "{refusal:?}");
    assert_eq!(asked.invalid(none).await, "request_hash");
    assert_eq!(asked.invalid(short).await, "request_hash");

    for (unknown, facts) in [
        ("", (Code::NotFound, "NOT_FOUND", vec![])),
        ("00000000-0000-4000-8000-000000000000", (Code::NotFound, "NOT_FOUND", vec![])),
        ("nothing", (Code::NotFound, "NOT_FOUND", vec![])),
        (&asked.approval.decision_id.clone(), (Code::NotFound, "NOT_FOUND", vec![])),
    ] {
        let request = DecideApprovalRequest {
            approval: unknown.to_owned(),
            ..asked.request(allow("", 0, &[]))
        };
        assert_eq!(asked.refuses(request).await.facts(), facts, "{unknown}");
    }
    assert!(!caller.is_answered(2));
}

#[tokio::test]
async fn edited_input_that_is_no_call_of_its_tool_is_denied_like_one_of_an_agent() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let mut asked = Asked::new(&daemon).await;

    for input in [
        r#"{"command":7}"#,
        r#"{"command":"make","command":"make"}"#,
        r#"{"command":"a\u0000b"}"#,
        "{}",
        "[]",
        "null",
    ] {
        let request = asked.request(allow(input, 0, &[]));
        let refusal = asked.refuses(request).await;

        let facts = (Code::FailedPrecondition, "EDITED_INPUT_DENIED", vec![]);
        assert_eq!(refusal.facts(), facts, "{input}: {refusal:?}");
    }
    assert!(!caller.is_answered(1));
}

#[tokio::test]
async fn a_question_takes_one_answer_to_each_thing_that_is_asked_and_no_other() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    let choice = |label: &str| json!({"label": label, "description": ""});
    let question = json!({
        "question": "Which?", "header": "W", "options": [choice("this"), choice("that")],
        "multiSelect": false,
    });
    let body = json!({
        "hook_event_name": "PreToolUse", "tool_name": "AskUserQuestion", "cwd": "/tmp",
        "tool_use_id": "q", "tool_input": {"questions": [question]},
    });
    let token = tokens(&daemon).remove(0);
    caller.arguments(1, &format!("claude --token-file {}", token.display()));
    caller.report(1, body.to_string().as_bytes());
    let mut asked = Asked::new(&daemon).await;

    for (answer, field) in [
        (answers(&[]), "answers"),
        (answers(&[("Whither?", &["this"])]), "answers"),
        (answers(&[("Which?", &["this"]), ("Whither?", &["that"])]), "answers"),
        (answers(&[("Which?", &["this"]), ("Which?", &["that"])]), "answers"),
        (answers(&[("Which?", &["this", "that"])]), "answers"),
        (answers(&[("Which?", &[])]), "answers"),
        (answers(&[("Which?", &[" "])]), "answers"),
        (allow("", 0, &[]), "allow"),
    ] {
        let request = asked.request(answer);
        assert_eq!(asked.invalid(request.clone()).await, field, "{request:?}");
    }
    assert!(!caller.is_answered(1));
    let right = asked.request(answers(&[("Which?", &["neither"])]));
    let decided = asked.calls.decide_approval(right).await.unwrap().into_inner();
    assert_eq!(decided.approval.unwrap().state(), ApprovalState::Allowed);
    assert!(caller.answer(1).stdout.contains("neither"));
}

#[tokio::test]
async fn what_was_decided_stays_decided() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let mut asked = Asked::new(&daemon).await;
    let deny = asked.request(Some(Decides::Deny(DenyAnswer::default())));
    drop(asked.calls.decide_approval(deny.clone()).await.unwrap());

    let allow = asked.request(allow("", 0, &[]));
    for late in [allow, deny] {
        let refusal = refused(asked.calls.decide_approval(late).await);
        let facts = (Code::FailedPrecondition, "APPROVAL_DECIDED", vec![]);
        assert_eq!(refusal.facts(), facts, "{refusal:?}");
    }
    drop(caller.answer(1).denies());
}
