//! What is killed, full, missing or exhausted loses nothing.
//!
//! With `CODEPLANE_TEST_LONG=1` the tests that repeat something repeat it more often.

mod create;
mod descriptors;
pub(crate) mod disk;
mod kills;
mod runtime;
mod shims;
