//! Approvals and grants as people see them.

mod details;
mod input;

use codeplane_client::{v1, visible};

pub(crate) use self::details::{Details, Line, Tone, details};
use crate::exit::Failure;
use crate::{output, text};

/// The state in one word.
pub(crate) const fn state(state: v1::ApprovalState) -> &'static str {
    match state {
        v1::ApprovalState::Unspecified => "unknown",
        v1::ApprovalState::Pending => "pending",
        v1::ApprovalState::Allowed => "allowed",
        v1::ApprovalState::Denied => "denied",
        v1::ApprovalState::Expired => "expired",
        v1::ApprovalState::Cancelled => "cancelled",
    }
}

/// What the session is called.
pub(crate) fn session(approval: &v1::Approval) -> String {
    match approval.session_name.as_str() {
        "" => text::short(&approval.session_id).to_owned(),
        name => visible(name).into_owned(),
    }
}

/// What is asked, on one line.
pub(crate) fn subject(approval: &v1::Approval) -> String {
    match approval.kind() {
        v1::ApprovalKind::Question => {
            let texts: Vec<_> = approval.questions.iter().map(|one| visible(&one.text)).collect();
            texts.join(" / ")
        }
        v1::ApprovalKind::Unspecified | v1::ApprovalKind::ToolCall | v1::ApprovalKind::Plan => {
            text::printable(&approval.subject)
        }
    }
}

/// An approval in a sentence about it.
pub(crate) fn called(approval: &v1::Approval) -> String {
    let id = text::short(&approval.id);
    let tool = visible(&approval.tool);
    format!("{id} in {}: {tool} {}", session(approval), subject(approval))
}

/// One line of what is to be known, in colours where they may be used.
pub(crate) fn print(Line { tone, text }: &Line) -> Result<(), Failure> {
    let pen = match tone {
        Tone::Plain => None,
        Tone::Heading | Tone::Asked => Some("1"),
        Tone::Allow => Some("32"),
        Tone::Ask => Some("33"),
        Tone::Deny => Some("31"),
        Tone::Warning => Some("7"),
    };
    match pen {
        Some(pen) if output::colours() => output::line(&format!("\x1b[{pen}m{text}\x1b[0m")),
        _ => output::line(text),
    }
}

/// How far a grant reaches, in one word.
pub(crate) const fn scope(scope: v1::GrantScope) -> &'static str {
    match scope {
        v1::GrantScope::Unspecified => "nothing",
        v1::GrantScope::Session => "session",
        v1::GrantScope::Workspace => "workspace",
    }
}
