//! The rules of Codeplane on plain values.
//!
//! Nothing here performs IO, waits, reads a clock or knows a wire format: every function is a
//! function of its arguments, so that each rule can be tested as a table.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod audit;
mod binding;
mod control;
mod event;
mod filter;
mod id;
mod input;
mod judgement;
mod name;
pub mod policy;
mod position;
mod printable;
mod recovery;
mod retention;
mod role;
pub mod secret;
mod session;
mod size;
mod time;
mod violation;

pub use binding::{Asks, BindingTarget, Mandate, PolicyBinding, PolicyName};
pub use control::{Acquire, ControlChange, ControlLease, ControlTaken};
pub use event::{Event, EventKind, NewEvent, Revision};
pub use filter::{Filter, FilterError, Term};
pub use id::{
    ApprovalId, AttachmentId, DecisionId, GrantId, HookEventId, HostId, IdError, RequestId,
    SessionId, SessionRef,
};
pub use input::{CANONICAL_LINE_BYTES, longest_line};
pub use judgement::{
    AGENT_PREFIX, Activity, ActivityName, ActivitySource, AgentEvent, Approval, ApprovalChange,
    ApprovalKind, ApprovalState, Breach, CannotDecide, Circumstances, Coverage, Decision,
    DecisionSource, Gate, GateEvidence, GateMode, Grant, GrantScope, GrantTarget, NewApproval,
    Outcome, PolicyRef, RequestDigest, Resolution, SessionAgent, Settled, ToolRequest,
};
pub use name::{Labels, SessionName};
pub use position::{Incarnation, Offset, OutputPosition};
pub use printable::is_printable;
pub use recovery::{Action, BundleFacts, LostCause, RowFacts, ShimFacts, decide};
pub use retention::{SegmentFacts, excess};
pub use role::{Admission, Door, Role, Roles};
pub use session::{EndReason, ExitStatus, NewSession, Session, SessionState, StateName};
pub use size::{SizeError, TerminalSize};
pub use time::Timestamp;
pub use violation::{Violation, Violations};
