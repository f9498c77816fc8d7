//! The user's own terminal while it shows a session.

mod attached;
mod chord;
mod detach;
mod notice;
mod typing;

pub(crate) use self::attached::{Ending, Plan, Role, show};
pub(crate) use self::detach::{DEFAULT_KEYS, DetachKeys};
pub(crate) use self::typing::AtEnd;
