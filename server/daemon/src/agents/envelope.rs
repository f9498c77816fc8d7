//! The JSON object that a hook gets, read as strictly as its meaning needs.

use std::path::PathBuf;

use codeplane_core::policy::Value;

use super::hook::{HookKind, HookReport, ToolCall, Unreadable};
use super::json;

/// The members of a hook's body.
pub(super) struct Envelope<'a>(Vec<(String, &'a [u8])>);

/// How one dialect names what it reports.
pub(super) struct Dialect {
    /// The member that names the event.
    pub(super) event: &'static str,
    /// Whether an event's answer decides.
    pub(super) is_gating: fn(&str) -> bool,
    /// What an event means.
    pub(super) kind: fn(&str, &Envelope<'_>) -> Result<HookKind, String>,
    /// The members that hold the conversation's id and the subagent's.
    pub(super) ids: (&'static str, &'static str),
}

impl Dialect {
    /// Reads one report. What cannot be read is gating unless a known name says otherwise: an answer too few
    /// is a call that nobody judged.
    pub(super) fn read(&self, hint: Option<&str>, body: &[u8]) -> Result<HookReport, Unreadable> {
        let gates = |name: Option<&str>| name.is_none_or(self.is_gating);
        let unreadable = |why: String, gating| Unreadable { why, gating };
        let envelope = Envelope::read(body).map_err(|why| unreadable(why, gates(hint)))?;
        let named = envelope.text(self.event).map_err(|why| unreadable(why, gates(hint)))?;
        let name = match (hint, named) {
            (Some(hint), Some(name)) if hint != name => {
                let why = format!("'{}' is no {hint}", name.escape_debug());
                return Err(unreadable(why, gates(Some(hint)) || gates(Some(&name))));
            }
            (_, Some(name)) => name,
            (Some(hint), None) => hint.to_owned(),
            (None, None) => return Err(unreadable(format!("'{}' is missing", self.event), true)),
        };
        let gating = (self.is_gating)(&name);
        self.report(name, &envelope).map_err(|why| unreadable(why, gating))
    }

    fn report(&self, name: String, envelope: &Envelope<'_>) -> Result<HookReport, String> {
        let (conversation, subagent) = self.ids;
        Ok(HookReport {
            kind: (self.kind)(&name, envelope)?,
            conversation: envelope.text(conversation)?,
            transcript: envelope.text("transcript_path")?.map(PathBuf::from),
            cwd: envelope.text("cwd")?,
            subagent: envelope.text(subagent)?,
            permission_mode: envelope.text("permission_mode")?,
            name,
        })
    }
}

impl<'a> Envelope<'a> {
    fn read(body: &'a [u8]) -> Result<Self, String> {
        json::members(body).map(Self).map_err(|why| match Value::parse(body) {
            Err(why) => format!("what stands on standard input is not JSON: {why}"),
            Ok(_) => why,
        })
    }

    /// The bytes of a member.
    pub(super) fn raw(&self, name: &str) -> Option<&'a [u8]> {
        json::member(&self.0, name)
    }

    /// The text of a member; none if it is absent or null.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, String> {
        match self.raw(name) {
            None | Some(b"null") => Ok(None),
            Some(value) => {
                json::text(value).map(Some).ok_or_else(|| format!("'{name}' is no plain text"))
            }
        }
    }

    /// The text of a member that matters little: empty if it is none.
    pub(super) fn word(&self, name: &str) -> String {
        self.raw(name).and_then(json::text).unwrap_or_default()
    }

    /// The tool call of the members that hold tool, input and id.
    pub(super) fn call(&self, [tool, input, id]: [&str; 3]) -> Result<ToolCall, String> {
        let (tool_text, id_text) = (self.text(tool)?, self.text(id)?);
        let raw = self.raw(input);
        Ok(ToolCall {
            tool: tool_text
                .filter(|tool| !tool.is_empty())
                .ok_or_else(|| format!("'{tool}' is missing"))?,
            input: raw.map_or_else(|| Err(format!("'{input}' is missing")), trusted),
            input_text: raw.unwrap_or_default().to_vec(),
            tool_use_id: id_text,
        })
    }
}

/// The value, unless two readers could understand it differently.
fn trusted(text: &[u8]) -> Result<Value, String> {
    let value = Value::parse(text)?;
    match value.flaw() {
        Some(flaw) => Err(flaw.to_owned()),
        None => Ok(value),
    }
}
