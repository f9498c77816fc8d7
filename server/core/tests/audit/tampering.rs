use codeplane_core::audit::{
    AuditKey, AuditKind, AuditRecord, AuditSeq, Beginning, Finding, Flaw, NewAudit, Statement,
};
use codeplane_core::{HostId, Timestamp};
use proptest::prelude::*;

use crate::kit::{chain, fact, key};

fn finding(seq: u64, flaw: Flaw) -> Finding {
    Finding { seq: AuditSeq(seq), flaw }
}

#[test]
fn an_untouched_chain_is_verified_and_says_how_far_it_is_signed() {
    let verified = chain(25, 10).verify().unwrap();

    assert_eq!((verified.records, verified.checkpoints), (25, 2));
    assert_eq!((verified.first, verified.last), (AuditSeq(1), AuditSeq(25)));
    assert_eq!(verified.signed_through, AuditSeq(20));
    assert_eq!(chain(0, 10).verify().unwrap().records, 0);
}

proptest! {
    // Signatures take their time without optimisation.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_byte_flipped_in_any_record_is_found_and_named(
        index in 0..25_usize,
        at in any::<prop::sample::Index>(),
        mask in 1..=255_u8,
    ) {
        let mut chain = chain(25, 10);
        let record = &mut chain.records[index];
        let at = at.index(record.record.len());
        record.record[at] ^= mask;

        let found = chain.verify().unwrap_err();

        prop_assert_eq!(found.seq.0, index as u64 + 1);
    }

    #[test]
    fn any_bit_flipped_in_a_hash_or_a_signature_is_found(
        index in 0..20_usize,
        at in 0..32_usize,
        bit in 0..8_u8,
    ) {
        let mut hashed = chain(20, 10);
        hashed.records[index].hash.0[at] ^= 1 << bit;
        let mut signed = chain(20, 10);
        signed.checkpoints[index / 10].signature[at + index] ^= 1 << bit;

        let seq = AuditSeq(10 * (index as u64 / 10 + 1));
        prop_assert_eq!(hashed.verify().unwrap_err().seq, AuditSeq(index as u64 + 1));
        prop_assert_eq!(signed.verify(), Err(Finding { seq, flaw: Flaw::BadSignature }));
    }

    #[test]
    fn a_record_left_out_moved_or_put_in_is_named(index in 2..24_usize) {
        let named = index as u64 + 1;

        let mut missing = chain(25, 10);
        missing.records.remove(index);
        let mut moved = chain(25, 10);
        moved.records.swap(index - 1, index);
        let mut twice = chain(25, 10);
        twice.records.insert(index, twice.records[index].clone());

        prop_assert_eq!(missing.verify().unwrap_err().seq, AuditSeq(named));
        prop_assert_eq!(moved.verify().unwrap_err().seq, AuditSeq(named - 1));
        prop_assert_eq!(twice.verify(), Err(finding(named, Flaw::OutOfOrder)));
    }

    #[test]
    fn who_writes_history_anew_without_the_key_is_found_by_the_next_checkpoint(index in 0..20_usize) {
        let mut chain = chain(25, 10);
        let forged = AuditRecord::of(AuditSeq(index as u64 + 1), chain.host, &fact(999));
        chain.records[index].record = forged.encode();
        chain.rehash();

        let signed = index as u64 / 10 * 10;
        let expected = finding(signed + 1, Flaw::Rewritten(AuditSeq(signed)));
        prop_assert_eq!(chain.verify(), Err(expected));
    }
}

#[test]
fn an_end_that_is_cut_off_before_a_checkpoint_is_found() {
    let mut chain = chain(20, 10);

    chain.records.truncate(13);

    assert_eq!(chain.verify(), Err(finding(14, Flaw::SignedMissing)));
    chain.records.clear();
    assert_eq!(chain.verify(), Err(finding(11, Flaw::SignedMissing)));
    chain.checkpoints.truncate(1);
    assert_eq!(chain.verify(), Err(finding(10, Flaw::SignedMissing)));
}

#[test]
fn a_checkpoint_of_an_unknown_key_is_found() {
    let mut chain = chain(10, 10);
    let stranger = AuditKey::from_seed(&[2; 32]);
    let statement = chain.checkpoints[0].statement.clone();
    chain.checkpoints[0] = stranger.sign(chain.host, statement);

    let found = chain.verify();

    assert_eq!(found, Err(finding(10, Flaw::UnknownKey(stranger.public()))));
    chain.keys.push(stranger.public());
    assert!(chain.verify().is_ok());
}

#[test]
fn a_checkpoint_of_another_host_or_with_another_time_is_not_signed() {
    let chain = chain(10, 10);
    let signed = chain.checkpoints[0].clone();
    let mut later = signed.clone();
    later.statement.time = Timestamp::from_micros(2_001);
    let mut rebooted = signed.clone();
    rebooted.statement.boot.push('x');

    assert!(signed.is_signed(chain.host));
    assert!(!signed.is_signed(HostId::from_bytes([8; 16])));
    assert!(!later.is_signed(chain.host));
    assert!(!rebooted.is_signed(chain.host));
}

#[test]
fn records_of_another_host_do_not_fit() {
    let mut chain = chain(10, 20);

    chain.host = HostId::from_bytes([8; 16]);

    let of = HostId::from_bytes(crate::kit::HOST);
    assert_eq!(chain.verify(), Err(finding(1, Flaw::OtherHost(of))));
}

#[test]
fn a_removal_that_the_chain_records_is_fine_and_another_is_not() {
    let mut kept = chain(25, 10);
    let removed = NewAudit::by_daemon(Timestamp::from_micros(3), AuditKind::RecordsRemoved);
    kept.append(&removed.with("through", "10"));
    kept.records.drain(..10);
    let mut by_hand = chain(25, 10);
    by_hand.records.drain(..10);
    let mut more = kept.clone();
    more.records.drain(..10);
    more.checkpoints.remove(0);
    let mut bare = kept.clone();
    bare.checkpoints.remove(0);

    let verified = kept.verify().unwrap();

    assert_eq!((verified.first, verified.last), (AuditSeq(11), AuditSeq(26)));
    assert_eq!(by_hand.verify(), Err(finding(11, Flaw::Cut)));
    assert_eq!(more.verify(), Err(finding(21, Flaw::Cut)));
    assert_eq!(bare.verify(), Err(finding(11, Flaw::NoBeginning)));
    // A part may begin behind any checkpoint.
    assert!(by_hand.verify_as(Beginning::Part).is_ok());
}

#[test]
fn a_signature_is_the_same_for_the_same_statement() {
    let chain = chain(1, 1);
    let Statement { seq, hash, .. } = chain.checkpoints[0].statement;
    let again = Statement { seq, hash, time: Timestamp::from_micros(2_000), boot: "boot".into() };

    assert_eq!(key().sign(chain.host, again), chain.checkpoints[0]);
}
