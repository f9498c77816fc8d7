//! Approvals and grants as people see them.

mod details;
mod input;

use codeplane_client::{v1, visible};

pub(crate) use self::details::{Details, Line, Tone, details};
use crate::exit::Failure;
use crate::table::cut;
use crate::{output, text};

/// Most columns of what is asked where it is told in passing. `show` and JSON have it whole.
pub(crate) const SUMMARY_COLUMNS: usize = 120;

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

/// How far it is, in words: also whether something else was allowed than was asked.
pub(crate) fn progress(approval: &v1::Approval) -> &'static str {
    match (approval.state(), approval.kind()) {
        (v1::ApprovalState::Allowed, v1::ApprovalKind::Question) => "answered",
        (v1::ApprovalState::Allowed, _) if !approval.updated_input.is_empty() => "allowed, edited",
        (state, _) => self::state(state),
    }
}

/// What is asked, on one line; what became of it, where that is something else.
pub(crate) fn summary(approval: &v1::Approval) -> String {
    let asked = subject(approval);
    if !approval.updated_input.is_empty() {
        let runs = text::printable(&approval.updated_subject);
        return format!("{runs} (edited, asked: {asked})");
    }
    let answers = approval.answers.iter().map(|one| answers(&one.answers));
    match answers.collect::<Vec<_>>().join(" / ") {
        answers if answers.is_empty() => asked,
        answers => format!("{asked} {answers}"),
    }
}

/// What was answered to one question.
pub(crate) fn answers(answers: &[String]) -> String {
    answers.iter().map(|one| text::printable(one)).collect::<Vec<_>>().join(", ")
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

/// An approval in a sentence about it, at most as long as a person reads.
pub(crate) fn called(approval: &v1::Approval) -> String {
    let id = text::short(&approval.id);
    let tool = visible(&approval.tool);
    format!("{id} in {}: {tool} {}", session(approval), cut(&summary(approval), SUMMARY_COLUMNS))
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
