use codeplane_core::audit::{
    AuditKey, AuditKind, AuditSeq, Finding, Flaw, NewAudit, Statement, Verified,
};
use codeplane_core::{Incarnation, SessionId};
use codeplane_store::{
    AuditFile, AuditFilter, AuditItem, EventOrder, Keep, Opened, Store, StoreError, Trail,
};

use crate::kit::{Lab, at, created, exited, request, sql};

fn key() -> AuditKey {
    AuditKey::from_seed(&[1; 32])
}

fn made(number: usize) -> NewAudit {
    let time = at(i64::try_from(number).unwrap());
    NewAudit::by("uid:1000", time, AuditKind::DecisionMade).with("number", number.to_string())
}

impl Lab {
    async fn append(&self, numbers: impl IntoIterator<Item = usize>) -> AuditSeq {
        self.store.append_audit(numbers.into_iter().map(made).collect()).await.unwrap()
    }

    async fn sign(&self) {
        let head = *self.store.audit_head().borrow();
        let statement =
            Statement { seq: head.seq, hash: head.hash, time: at(5), boot: "boot".to_owned() };
        self.store.insert_checkpoint(key().sign(self.host, statement)).await.unwrap();
    }

    async fn verify(&self) -> Result<Verified, Finding> {
        self.store.verify_audit(vec![key().public()], vec![]).await.unwrap()
    }

    /// Ten records and a checkpoint, three times.
    async fn signed() -> Self {
        let lab = Self::new();
        for batch in 0..3 {
            lab.append(batch * 10..batch * 10 + 10).await;
            lab.sign().await;
        }
        lab
    }

    async fn kinds(&self) -> Vec<String> {
        let page =
            self.store.audit_records(AuditFilter::default(), EventOrder::OldestFirst, 99, None);
        page.await.unwrap().records.into_iter().map(|record| record.kind).collect()
    }
}

fn finding(seq: u64, flaw: Flaw) -> Result<Verified, Finding> {
    Err(Finding { seq: AuditSeq(seq), flaw })
}

#[tokio::test]
async fn a_session_is_there_with_its_record_or_not_at_all() {
    let lab = Lab::new();
    let session = lab.session();
    let id = session.id();
    let record = NewAudit::by("uid:1000", at(1), AuditKind::SessionCreated).about(id, None);
    let asked = request("CreateSession", b"1");
    let trail = Trail::audited(record).asked(Some(asked));
    let insert = || lab.store.insert_session(session.clone(), created(&session), trail.clone());

    insert().await.unwrap();
    let again = insert().await;

    assert!(matches!(again, Err(StoreError::RequestRepeated(_))), "{again:?}");
    lab.store.update_session(id, exited(7), vec![], None).await.unwrap();
    lab.store.update_session(id, exited(8), vec![], None).await.unwrap();
    assert_eq!(lab.kinds().await, ["session.created", "session.ended"]);
    let of_session = AuditFilter { session: Some(id), ..AuditFilter::default() };
    let page = lab.store.audit_records(of_session, EventOrder::NewestFirst, 9, None).await.unwrap();
    let ended = &page.records[0];
    assert_eq!((ended.detail("code"), ended.incarnation), (Some("7"), Some(Incarnation::FIRST)));
    assert_eq!((ended.principal.as_str(), ended.time), ("daemon", at(3_000)));
}

#[tokio::test]
async fn a_restart_continues_the_chain() {
    let lab = Lab::new();
    lab.append(0..5).await;
    let before = *lab.store.audit_head().borrow();

    let lab = lab.reopen();

    assert_eq!(*lab.store.audit_head().borrow(), before);
    assert_eq!(lab.append(5..7).await, AuditSeq(7));
    assert_eq!(lab.verify().await.unwrap().records, 7);
}

#[tokio::test]
async fn records_are_found_by_session_kind_principal_and_time_page_by_page() {
    let lab = Lab::new();
    lab.append(0..5).await;
    let session = SessionId::random();
    let other = NewAudit::by("uid:7", at(3), AuditKind::GrantRevoked).about(session, None);
    lab.store.append_audit(vec![other]).await.unwrap();
    let found = |filter| async {
        let page =
            lab.store.audit_records(filter, EventOrder::OldestFirst, 99, None).await.unwrap();
        page.records.into_iter().map(|record| record.seq.0).collect::<Vec<_>>()
    };
    let all = AuditFilter::default;

    assert_eq!(found(AuditFilter { session: Some(session), ..all() }).await, [6]);
    assert_eq!(found(AuditFilter { kinds: vec![AuditKind::GrantRevoked], ..all() }).await, [6]);
    assert_eq!(found(AuditFilter { principal: Some("uid:7".into()), ..all() }).await, [6]);
    assert_eq!(
        found(AuditFilter { since: Some(at(3)), until: Some(at(4)), ..all() }).await,
        [4, 6]
    );
    let newest = |after| lab.store.audit_records(all(), EventOrder::NewestFirst, 4, after);
    let first = newest(None).await.unwrap();
    let second = newest(first.next).await.unwrap();
    let seqs: [Vec<u64>; 2] =
        [&first, &second].map(|page| page.records.iter().map(|r| r.seq.0).collect());
    assert_eq!(seqs, [vec![6, 5, 4, 3], vec![2, 1]]);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn secrets_and_endless_details_are_not_kept() {
    let lab = Lab::new();
    let fact = made(1).with("command", "deploy --token abc").with("body", "é".repeat(100_000));

    lab.store.append_audit(vec![fact]).await.unwrap();

    let page = lab.store.audit_records(AuditFilter::default(), EventOrder::OldestFirst, 9, None);
    let record = page.await.unwrap().records.remove(0);
    assert_eq!(record.detail("command"), Some("deploy --token [masked]"));
    assert!(record.detail("body").unwrap().ends_with("é… (200000 bytes)"));
    assert!(record.detail("body").unwrap().len() < 70_000);
    assert_eq!(lab.verify().await.unwrap().records, 1);
}

#[tokio::test]
async fn what_somebody_does_to_the_table_is_named() {
    for (change, expected) in [
        ("UPDATE audit_records SET record = x'7b7d' WHERE seq = 13", 13),
        (
            "UPDATE audit_records SET record = \
             CAST(replace(CAST(record AS TEXT), 'uid:1000', 'uid:1001') AS BLOB) WHERE seq = 13",
            13,
        ),
        ("UPDATE audit_records SET hash = zeroblob(32) WHERE seq = 14", 14),
        ("UPDATE audit_records SET principal = 'uid:0' WHERE seq = 15", 15),
        ("UPDATE audit_records SET session = principal WHERE seq = 15", 15),
        ("UPDATE audit_records SET kind = 'grant.created' WHERE seq = 15", 15),
        ("UPDATE audit_records SET time = 0 WHERE seq = 15", 15),
        ("DELETE FROM audit_records WHERE seq = 16", 16),
        ("DELETE FROM audit_records WHERE seq > 17", 18),
        ("DELETE FROM audit_records WHERE seq <= 10", 11),
        ("DELETE FROM audit_records", 11),
        ("UPDATE audit_checkpoints SET time = 6 WHERE seq = 20", 20),
        ("UPDATE audit_checkpoints SET key = zeroblob(32) WHERE seq = 20", 20),
        (
            "DELETE FROM audit_records WHERE seq = 16; \
             UPDATE audit_records SET seq = 16 WHERE seq = 17",
            16,
        ),
        (
            "UPDATE audit_records SET seq = 99 WHERE seq = 5; \
             UPDATE audit_records SET seq = 5 WHERE seq = 6; \
             UPDATE audit_records SET seq = 6 WHERE seq = 99",
            5,
        ),
    ] {
        let lab = Lab::signed().await;
        assert_eq!(lab.verify().await.unwrap().signed_through, AuditSeq(30));
        sql(&lab.database(), change);

        let found = lab.verify().await.unwrap_err();

        assert_eq!(found.seq, AuditSeq(expected), "{change}: {found}");
    }
}

#[tokio::test]
async fn an_end_that_was_cut_with_its_checkpoints_is_found_by_those_kept_elsewhere() {
    let lab = Lab::signed().await;
    let elsewhere = lab.store.audit_checkpoints(AuditSeq::NONE, 99).await.unwrap();
    let cut =
        "DELETE FROM audit_records WHERE seq > 20; DELETE FROM audit_checkpoints WHERE seq > 20";
    sql(&lab.database(), cut);
    let verify = |witnesses| lab.store.verify_audit(vec![key().public()], witnesses);

    let alone = verify(vec![]).await.unwrap();
    let with_witness = verify(elsewhere).await.unwrap();

    assert!(alone.is_ok());
    assert_eq!(with_witness, finding(21, Flaw::SignedMissing));
}

#[tokio::test]
async fn old_records_go_through_a_checkpoint_and_the_rest_is_still_verified() {
    let lab = Lab::signed().await;
    lab.append(30..35).await;

    let oldest = lab.store.prune_audit(Keep::Newest(12), at(9)).await.unwrap();

    assert_eq!(oldest, AuditSeq(21));
    let verified = lab.verify().await.unwrap();
    assert_eq!((verified.first, verified.last), (AuditSeq(21), AuditSeq(36)));
    let walked = lab.store.audit_chain(AuditSeq::NONE).await.unwrap();
    assert!(matches!(walked.items[0], AuditItem::Checkpoint(_)));
    // A checkpoint that was kept elsewhere may be of a record that is gone.
    let lab = lab.reopen();
    assert_eq!(lab.append(35..36).await, AuditSeq(37));
    // The end is not signed yet: it stays, however old it is.
    let oldest = lab.store.prune_audit(Keep::Since(at(1_000)), at(9)).await.unwrap();
    assert_eq!(oldest, AuditSeq(31));
    assert_eq!(lab.verify().await.unwrap().first, AuditSeq(31));
    assert_eq!(lab.kinds().await.iter().filter(|kind| *kind == "records.removed").count(), 2);
}

#[tokio::test]
async fn a_great_many_records_go_in_steps() {
    let lab = Lab::new();
    for batch in 0..12 {
        lab.append(batch * 1_000..batch * 1_000 + 1_000).await;
        lab.sign().await;
    }

    let oldest = lab.store.prune_audit(Keep::Newest(500), at(9)).await.unwrap();

    assert_eq!(oldest, AuditSeq(12_001 - 1_000));
    assert_eq!(lab.verify().await.unwrap().records, 1_000 + 3);
}

#[tokio::test]
async fn a_checkpoint_of_what_is_not_there_is_refused() {
    let lab = Lab::new();
    lab.append(0..2).await;
    let mut head = *lab.store.audit_head().borrow();
    sql(&lab.database(), "UPDATE audit_records SET hash = zeroblob(32) WHERE seq = 2");
    let sign = |seq, hash| {
        let statement = Statement { seq, hash, time: at(5), boot: "boot".to_owned() };
        lab.store.insert_checkpoint(key().sign(lab.host, statement))
    };

    let changed = sign(head.seq, head.hash).await;
    head.seq = head.seq.next();
    let unknown = sign(head.seq, head.hash).await;

    assert!(matches!(changed, Err(StoreError::DamagedRow { .. })), "{changed:?}");
    assert!(matches!(unknown, Err(StoreError::DamagedRow { .. })), "{unknown:?}");
}

#[tokio::test]
async fn a_record_that_somebody_else_put_in_ends_no_daemon_but_is_never_taken_for_ours() {
    let lab = Lab::new();
    lab.append(0..2).await;
    sql(
        &lab.database(),
        "INSERT INTO audit_records SELECT 3, time, kind, session, principal, record, hash \
         FROM audit_records WHERE seq = 2",
    );

    let refused = lab.store.append_audit(vec![made(3)]).await;

    assert!(matches!(refused, Err(StoreError::Query(_))), "{refused:?}");
    assert_eq!(lab.verify().await, finding(3, Flaw::Moved(AuditSeq(2))));
}

#[tokio::test]
async fn the_log_of_a_running_store_is_verified_from_outside_without_a_change() {
    let lab = Lab::signed().await;

    let mut file = AuditFile::open(lab.directory.path()).unwrap();
    let verified = file.verify(&[key().public()], &[]).unwrap().unwrap();

    assert_eq!((file.host(), verified.records), (lab.host, 30));
    lab.append(30..31).await;
    assert_eq!(file.verify(&[key().public()], &[]).unwrap().unwrap().records, 31);
    lab.store.close().unwrap();
    let mut closed = AuditFile::open(lab.directory.path()).unwrap();
    assert_eq!(closed.verify(&[], &[]).unwrap().unwrap_err().seq, AuditSeq(10));
    let nowhere = tempfile::tempdir().unwrap();
    assert!(AuditFile::open(nowhere.path()).is_err());
}

#[tokio::test]
async fn a_hundred_agents_that_are_judged_at_once_all_get_their_record() {
    let lab = Lab::new();
    let mut agents = tokio::task::JoinSet::new();
    for agent in 0..100 {
        let store: Store = lab.store.clone();
        agents.spawn(async move {
            for _ in 0..5 {
                store.append_audit(vec![made(agent)]).await.unwrap();
            }
        });
    }

    agents.join_all().await;

    assert_eq!(lab.verify().await.unwrap().records, 500);
    let Lab { directory, store, .. } = lab;
    store.close().unwrap();
    let Opened { store, .. } = Store::open(directory.path()).unwrap();
    assert_eq!(store.audit_head().borrow().seq, AuditSeq(500));
}
