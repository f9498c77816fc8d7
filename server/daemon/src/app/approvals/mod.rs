//! Calls that wait for a person: who waits, who decides, what becomes of what nobody decides.

mod decide;
mod end;
mod fetch;
mod grants;
mod left;
mod list;
#[cfg(test)]
mod tests;
mod waiting;

pub(in crate::app) use decide::tool_call;
pub(crate) use decide::{DecideAnswer, DecideRequest, GrantWish, Reach};
pub(crate) use end::DialogEnd;
pub(crate) use grants::{Ended, Grants};
pub(in crate::app) use list::id_digits;
pub(crate) use list::{APPROVAL_FILTER_FIELDS, ApprovalView};
pub(crate) use waiting::{Approvals, Room, Wait};
