//! What was asked, what was answered, by whom: the values around a tool call that is judged.
//!
//! How a call is judged by rules is in [`crate::policy`]; here is what becomes of the verdict.

mod activity;
mod agent;
mod approval;
mod decision;
mod digest;
mod event;
mod gate;
mod grant;
mod receipt;

pub use activity::{Activity, ActivityName, ActivitySource, Circumstances};
pub use agent::SessionAgent;
pub use approval::{
    AGENT_PREFIX, Approval, ApprovalChange, ApprovalKind, ApprovalState, CannotDecide, NewApproval,
    Resolution,
};
pub use decision::{Decision, DecisionSource, Outcome, PolicyRef, Settled, ToolRequest};
pub use digest::RequestDigest;
pub use event::AgentEvent;
pub use gate::{Gate, GateEvidence, GateMode};
pub use grant::{Grant, GrantScope, GrantTarget};
pub use receipt::{Breach, Coverage};
