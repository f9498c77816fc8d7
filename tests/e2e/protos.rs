//! The public API: its habits, and that no change breaks a client which was built before it.
//!
//! `fixtures/codeplane.v1.binpb` is the API that clients may have been built against. After an
//! *addition*, or while nothing has been released yet, write it again with
//! `CODEPLANE_BLESS=1 cargo test -p codeplane-tests --test e2e protos` and commit it.

mod compare;
mod habits;

use std::{env, fs, path::PathBuf};

use codeplane_proto::FILE_DESCRIPTOR_SET;
use codeplane_tests::repository;
use prost_reflect::{
    DescriptorPool,
    prost::Message,
    prost_types::{FileDescriptorProto, FileDescriptorSet},
};

use self::compare::breaking_changes;

/// Every file that belongs to us begins so.
const OURS: &str = "codeplane/v1/";

fn api() -> DescriptorPool {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap()
}

/// Our files, without comments: a comment is no change.
fn files() -> FileDescriptorSet {
    let ours = |file: &&FileDescriptorProto| file.name().starts_with(OURS);
    let mut file: Vec<FileDescriptorProto> =
        api().file_descriptor_protos().filter(ours).cloned().collect();
    file.iter_mut().for_each(|file| file.source_code_info = None);
    file.sort_by(|a, b| a.name().cmp(b.name()));
    FileDescriptorSet { file }
}

fn fixture() -> PathBuf {
    repository().join("tests/fixtures/codeplane.v1.binpb")
}

#[test]
fn the_api_breaks_no_client_that_was_built_before() {
    let now = files();
    if env::var_os("CODEPLANE_BLESS").is_some() {
        fs::write(fixture(), now.encode_to_vec()).unwrap();
    }
    let before = FileDescriptorSet::decode(fs::read(fixture()).unwrap().as_slice()).unwrap();

    let found = breaking_changes(&before, &now);

    assert!(found.is_empty(), "breaking changes:\n{}", found.join("\n"));
    assert!(
        before == now,
        "the API was added to: write its snapshot again with CODEPLANE_BLESS=1, see protos.rs"
    );
}
