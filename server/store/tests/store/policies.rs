use codeplane_core::policy::Format;
use codeplane_core::{Asks, BindingTarget, Mandate, PolicyBinding, PolicyName, SessionId};
use codeplane_store::{
    Applied, AppliedPolicy, IfBound, NewRevision, PolicyAuthor, PolicySnapshot, StoreError,
};

use crate::kit::{Lab, at, created, event, labels, request};

fn policy(name: &str) -> PolicyName {
    PolicyName::new(name).unwrap()
}

fn author() -> PolicyAuthor {
    PolicyAuthor { principal: "uid:7".to_owned(), at: at(1_000), note: "why".to_owned() }
}

fn document(name: &str, content: u8) -> NewRevision {
    NewRevision {
        name: policy(name),
        document: format!("{{\"content\":{content}}}"),
        source: format!("# {content}\n"),
        format: Format::Yaml,
        hash: [content; 32],
        expected: None,
    }
}

fn binding(name: &str, target: BindingTarget) -> PolicyBinding {
    PolicyBinding {
        policy: policy(name),
        target,
        principal: "uid:7".to_owned(),
        bound_at: at(1_500),
    }
}

async fn apply(lab: &Lab, documents: &[NewRevision]) -> Vec<(i64, Applied)> {
    let applied = lab.store.apply_policies(documents.to_vec(), author(), None).await.unwrap();
    applied.0.iter().map(|one| (one.revision.revision, one.applied)).collect()
}

fn names(snapshot: &PolicySnapshot) -> Vec<(&str, i64)> {
    let named = |one: &codeplane_store::PolicySummary| one.current.revision;
    snapshot.policies.iter().map(|one| (one.current.name.as_str(), named(one))).collect()
}

#[tokio::test]
async fn a_document_makes_a_revision_unless_it_says_the_same() {
    let lab = Lab::new();

    assert_eq!(apply(&lab, &[document("a", 1)]).await, [(1, Applied::Created)]);
    assert_eq!(apply(&lab, &[document("a", 1)]).await, [(1, Applied::Unchanged)]);
    assert_eq!(apply(&lab, &[document("a", 2)]).await, [(2, Applied::Changed)]);

    let lab = lab.reopen();
    let snapshot = lab.store.policies().await.unwrap();
    assert_eq!((names(&snapshot), snapshot.generation), (vec![("a", 2)], 2));
    let first = lab.store.policy_revision(policy("a"), 1).await.unwrap();
    assert_eq!((first.document.as_str(), first.author), ("{\"content\":1}", author()));
}

#[tokio::test]
async fn several_documents_are_applied_together_or_not_at_all() {
    let lab = Lab::new();
    apply(&lab, &[document("b", 1)]).await;
    let stale = NewRevision { expected: Some(0), ..document("b", 2) };

    let refused = lab.store.apply_policies(vec![document("a", 1), stale], author(), None).await;

    let Err(StoreError::StalePolicy { current, expected, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((current, expected), (1, 0));
    assert_eq!(names(&lab.store.policies().await.unwrap()), [("b", 1)]);
}

#[tokio::test]
async fn what_would_be_done_is_told_without_doing_it() {
    let lab = Lab::new();
    apply(&lab, &[document("a", 1)]).await;

    let plan = vec![document("a", 2), document("b", 1), document("a", 1)];
    let planned = lab.store.try_policies(plan, author()).await.unwrap();

    let told: Vec<Applied> = planned.iter().map(|one| one.applied).collect();
    assert_eq!(told, [Applied::Changed, Applied::Created, Applied::Unchanged]);
    assert_eq!(names(&lab.store.policies().await.unwrap()), [("a", 1)]);
}

#[tokio::test]
async fn of_two_changes_of_the_same_revision_one_wins() {
    let lab = Lab::new();
    apply(&lab, &[document("a", 1)]).await;
    let change = |content| NewRevision { expected: Some(1), ..document("a", content) };

    let (one, other) = tokio::join!(
        lab.store.apply_policies(vec![change(2)], author(), None),
        lab.store.apply_policies(vec![change(3)], author(), None),
    );

    assert_ne!(one.is_ok(), other.is_ok());
    assert_eq!(names(&lab.store.policies().await.unwrap()), [("a", 2)]);
}

#[tokio::test]
async fn history_outlives_the_policy_and_goes_on_when_it_comes_back() {
    let lab = Lab::new();
    apply(&lab, &[document("a", 1)]).await;
    apply(&lab, &[document("a", 2)]).await;
    let gone = (policy("a"), IfBound::Refuse);
    let snapshot = lab.store.delete_policy(gone.clone(), Some(2), author(), None).await.unwrap();
    assert_eq!(names(&snapshot), []);

    let again = lab.store.delete_policy(gone, None, author(), None).await;
    assert!(matches!(again, Err(StoreError::UnknownPolicy(_))), "{again:?}");
    assert_eq!(apply(&lab, &[document("a", 2)]).await, [(3, Applied::Created)]);

    let page = lab.store.policy_revisions(policy("a"), 2, None).await.unwrap();
    let numbers: Vec<i64> = page.revisions.iter().map(|one| one.revision).collect();
    assert_eq!((numbers, page.next), (vec![3, 2], Some(2)));
    let rest = lab.store.policy_revisions(policy("a"), 2, page.next).await.unwrap();
    assert_eq!((rest.revisions.len(), rest.next), (1, None));
    let never = lab.store.policy_revisions(policy("never"), 2, None).await;
    assert!(matches!(never, Err(StoreError::UnknownPolicy(_))), "{never:?}");
}

#[tokio::test]
async fn a_rollback_is_a_new_revision_with_the_old_content() {
    let lab = Lab::new();
    apply(&lab, &[document("a", 1)]).await;
    apply(&lab, &[document("a", 2)]).await;

    let (back, snapshot) =
        lab.store.roll_back_policy((policy("a"), 1), Some(2), author(), None).await.unwrap();

    assert_eq!((back.revision.revision, back.revision.hash), (3, [1; 32]));
    assert_eq!(names(&snapshot), [("a", 3)]);
    let none = lab.store.roll_back_policy((policy("a"), 9), None, author(), None).await;
    assert!(matches!(none, Err(StoreError::UnknownRevision { revision: 9, .. })), "{none:?}");
}

#[tokio::test]
async fn a_policy_that_is_bound_is_deleted_only_with_its_bindings() {
    let lab = Lab::new();
    apply(&lab, &[document("a", 1)]).await;
    lab.store.bind_policy(binding("a", BindingTarget::Default), None).await.unwrap();

    let gone = |if_bound| (policy("a"), if_bound);
    let refused = lab.store.delete_policy(gone(IfBound::Refuse), None, author(), None).await;
    assert!(matches!(refused, Err(StoreError::PolicyBound { bindings: 1, .. })), "{refused:?}");

    let left = lab.store.delete_policy(gone(IfBound::Unbind), None, author(), None).await.unwrap();
    assert_eq!((names(&left), left.bindings.len()), (vec![], 0));
}

#[tokio::test]
async fn bindings_are_kept_once_and_taken_away_by_their_target() {
    let lab = Lab::new();
    apply(&lab, &[document("a", 1)]).await;
    let session = lab.inserted().await.id();
    let workspace = |identity: &str| BindingTarget::Workspace {
        identity: identity.to_owned(),
        directory: "/w".to_owned(),
    };
    let targets = [
        BindingTarget::Default,
        BindingTarget::Label { key: "team".to_owned(), value: "a".to_owned() },
        BindingTarget::Session(session),
        workspace("/w/.git"),
    ];
    for target in targets.iter().chain(&targets) {
        lab.store.bind_policy(binding("a", target.clone()), None).await.unwrap();
    }

    let lab = lab.reopen();
    let bound: Vec<BindingTarget> =
        lab.store.policies().await.unwrap().bindings.into_iter().map(|one| one.target).collect();
    assert_eq!(bound, targets);
    // Its repository is another one by now.
    let unbound = (policy("a"), workspace("/w"));
    lab.store.unbind_policy(unbound.clone(), author(), None).await.unwrap();
    let again = lab.store.unbind_policy(unbound, author(), None).await;
    assert!(matches!(again, Err(StoreError::NotBound { .. })), "{again:?}");
    assert_eq!(lab.store.policies().await.unwrap().bindings.len(), 3);
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_bound() {
    let lab = Lab::new();
    apply(&lab, &[document("a", 1)]).await;

    let policy = lab.store.bind_policy(binding("b", BindingTarget::Default), None).await;
    let session = BindingTarget::Session(SessionId::random());
    let session = lab.store.bind_policy(binding("a", session), None).await;

    assert!(matches!(policy, Err(StoreError::UnknownPolicy(_))), "{policy:?}");
    assert!(matches!(session, Err(StoreError::UnknownSession(_))), "{session:?}");
}

#[tokio::test]
async fn a_session_is_bound_in_the_transaction_of_its_row_and_unbound_with_it() {
    let lab = Lab::new();
    apply(&lab, &[document("a", 1)]).await;
    let session = lab.session();
    let to_it = |name: &str| vec![binding(name, BindingTarget::Session(session.id()))];

    let unknown =
        lab.store.insert_session_bound(session.clone(), to_it("b"), created(&session), None).await;
    assert!(matches!(unknown, Err(StoreError::UnknownPolicy(_))), "{unknown:?}");
    assert_eq!(lab.store.sessions().await.unwrap(), []);

    let inserted = lab
        .store
        .insert_session_bound(session.clone(), to_it("a"), created(&session), None)
        .await
        .unwrap();
    assert_eq!(inserted.policies.unwrap().bindings, to_it("a"));
    let gone = event(session.id(), codeplane_core::EventKind::SessionDeleted);
    lab.store.delete_session(session.id(), gone, None).await.unwrap();
    assert_eq!(lab.store.policies().await.unwrap().bindings, []);
}

#[tokio::test]
async fn what_a_session_was_given_is_kept() {
    let lab = Lab::new();
    let mut session = lab.session();
    session.spec.labels = labels(&[("team", "a")]);
    session.spec.mandate = Mandate {
        workspace: "/w/.git".to_owned(),
        directory: "/w".to_owned(),
        allow: vec!["Bash(git log:*)".to_owned()],
        asks: Asks::Denied,
    };
    lab.insert(&session).await;

    let lab = lab.reopen();
    assert_eq!(lab.store.sessions().await.unwrap(), [session]);
}

#[tokio::test]
async fn a_repeated_apply_is_answered_with_the_numbers_of_the_first() {
    let lab = Lab::new();
    let asked = request("ApplyPolicies", b"hash");
    let apply = |content| {
        let documents = vec![document("a", content), document("b", 1)];
        lab.store.apply_policies(documents, author(), Some(asked.clone()))
    };
    apply(1).await.unwrap();

    let repeated = apply(2).await;

    let Err(StoreError::RequestRepeated(kept)) = repeated else { panic!("{repeated:?}") };
    let kept = AppliedPolicy::kept(&String::from_utf8(kept.answer).unwrap()).unwrap();
    assert_eq!(kept, [(policy("a"), 1, Applied::Created), (policy("b"), 1, Applied::Created)]);
    assert_eq!(names(&lab.store.policies().await.unwrap()), [("a", 1), ("b", 1)]);
}
