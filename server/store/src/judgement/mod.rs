//! What agents reported and were answered.

mod agent;
mod approval;
mod decision;
mod grant;
mod receipt;
mod report;

pub(crate) use self::agent::write as write_agent;
pub use self::approval::{ApprovalFilter, ApprovalPage, Resolve, Resolved};
pub use self::decision::{DecisionFilter, DecisionPage};
pub use self::grant::{GrantPage, WhichGrants};
pub use self::receipt::{Followed, FollowedKind, Found, Judged, Learnt};
pub use self::report::{HookRecord, Known, Report, Reported};

use codeplane_core::{Incarnation, Timestamp};

use crate::error::StoreError;

/// What is read of a row, or what is wrong with it.
type Read<T> = Result<T, String>;

fn damaged(table: &'static str, key: &str, problem: String) -> StoreError {
    StoreError::DamagedRow { table, key: key.to_owned(), problem }
}

fn id<T: std::str::FromStr>(text: &str) -> Read<T> {
    text.parse().map_err(|_| format!("'{text}' is not an id"))
}

fn hash(bytes: &[u8]) -> Read<[u8; 32]> {
    bytes.try_into().map_err(|_| "a hash has 32 bytes".to_owned())
}

fn incarnation(number: i64) -> Read<Incarnation> {
    number.try_into().map(Incarnation).map_err(|_| format!("{number} is not an incarnation"))
}

fn word<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Read<T> {
    parse(text).ok_or_else(|| format!("'{text}' is not a word that is written here"))
}

fn time(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

fn strings(json: &str) -> Read<Vec<String>> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}
