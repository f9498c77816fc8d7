//! The transcript of Claude Code 2.1.329: JSON lines, one for each block of a message.

use super::super::json::{items, member, parts, text};
use super::super::transcript::{ToolFate, TranscriptFact};

type Members<'a> = Vec<(String, &'a [u8])>;

/// What a line says of tool calls. Most kinds of lines say nothing; what is no line of a transcript neither.
pub(in super::super) fn line(line: &[u8]) -> Vec<TranscriptFact> {
    let facts = || {
        let line = parts(line)?;
        let of = match text(member(&line, "type")?)?.as_str() {
            "assistant" => tool_use,
            "user" => tool_result,
            _ => return None,
        };
        let message = parts(member(&line, "message")?)?;
        let blocks = items(member(&message, "content")?)?;
        Some(blocks.into_iter().filter_map(|block| of(&parts(block)?, &line)).collect())
    };
    facts().unwrap_or_default()
}

fn tool_use(block: &Members<'_>, _: &Members<'_>) -> Option<TranscriptFact> {
    (text(member(block, "type")?)? == "tool_use").then_some(())?;
    Some(TranscriptFact::ToolUse {
        tool_use_id: text(member(block, "id")?)?,
        tool: text(member(block, "name")?)?,
        input_text: String::from_utf8_lossy(member(block, "input").unwrap_or_default()).into(),
    })
}

fn tool_result(block: &Members<'_>, line: &Members<'_>) -> Option<TranscriptFact> {
    (text(member(block, "type")?)? == "tool_result").then_some(())?;
    let tool_use_id = text(member(block, "tool_use_id")?)?;
    Some(TranscriptFact::ToolResult { tool_use_id, fate: fate(block, line) })
}

/// A line says in `permissionDecision` and `toolDenialKind` what became of a call. Input that fits no tool is an error of the
/// agent itself and never reaches hooks.
fn fate(block: &Members<'_>, line: &Members<'_>) -> ToolFate {
    let word = |name| member(line, name).and_then(text);
    let decision = member(line, "permissionDecision").and_then(parts);
    let decision = decision.and_then(|parts| text(member(&parts, "decision")?));
    let invalid = || {
        let error = member(block, "is_error") == Some(b"true");
        let content = member(block, "content").and_then(text).unwrap_or_default();
        error && content.starts_with("<tool_use_error>")
    };
    match (word("toolDenialKind").as_deref(), decision.as_deref()) {
        (Some("interrupted" | "cancelled"), _) => ToolFate::Interrupted,
        (Some(_), _) | (None, Some("reject")) => ToolFate::Refused,
        (None, _) if invalid() => ToolFate::Refused,
        (None, _) => ToolFate::Ran,
    }
}
