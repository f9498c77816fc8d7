//! What the model was asked and told.

use std::fmt;

use serde_json::Value;

use super::{
    conversation::{Conversation, Told},
    script::{Block, Chosen},
};

/// One request to the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// Method and path.
    pub request: String,
    /// Script and turn, counted from 0, that were its answer; none of them for what is asked on the
    /// side, and for what is no request for an answer.
    pub played: Option<(String, usize)>,
    /// What was sent; null if it was no JSON.
    pub body: Value,
}

/// What the model was told of one of its tool calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// Id of the call, as agents report it to their hooks.
    pub call: String,
    /// Name of the tool.
    pub tool: String,
    /// What it printed, or why it was not run.
    pub text: String,
    /// Whether it is told as a failure; always false over the Responses API, which does not say.
    pub is_error: bool,
}

/// Everything that came in, oldest first.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) exchanges: Vec<Exchange>,
    pub(super) outsiders: Vec<String>,
    calls: Vec<Call>,
    told: Vec<Told>,
}

/// A call that the model has made.
#[derive(Debug)]
struct Call {
    id: String,
    tool: String,
    script: String,
}

impl Journal {
    /// Notes a request; returns its number, counted from 0.
    pub(super) fn note(&mut self, request: String, body: Value) -> usize {
        self.exchanges.push(Exchange { request, played: None, body });
        self.exchanges.len() - 1
    }

    /// Notes what the request `number` tells, and what it is answered.
    pub(super) fn note_answer(
        &mut self,
        number: usize,
        conversation: &Conversation,
        chosen: &Chosen,
    ) {
        for told in conversation.told() {
            if !self.told.contains(told) {
                self.told.push(told.clone());
            }
        }
        self.exchanges[number].played.clone_from(&chosen.played);
    }

    /// Makes the ids of the calls in the answer to request `number`. They differ in every answer,
    /// as those of a real model do, also when the same turn is played again.
    pub(super) fn issue(&mut self, number: usize, chosen: &Chosen) -> Vec<String> {
        let mut ids = Vec::new();
        for (index, block) in chosen.turn.blocks.iter().enumerate() {
            let id = format!("{number:04}x{index}");
            if let (Block::Call { name, .. }, Some((script, _))) = (block, &chosen.played) {
                let (tool, script) = (name.clone(), script.clone());
                self.calls.push(Call { id: id.clone(), tool, script });
            }
            ids.push(id);
        }
        ids
    }

    pub(super) fn results_of(&self, script: &str) -> Vec<ToolResult> {
        let calls = self.calls.iter().filter(|call| call.script == script);
        calls.flat_map(|call| self.results(call)).collect()
    }

    fn results<'a>(&'a self, call: &'a Call) -> impl Iterator<Item = ToolResult> + 'a {
        let told = self.told.iter().filter(|told| told.call.ends_with(&call.id));
        told.map(|told| ToolResult {
            call: told.call.clone(),
            tool: call.tool.clone(),
            text: told.text.clone(),
            is_error: told.is_error,
        })
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for exchange in &self.exchanges {
            match &exchange.played {
                Some((script, turn)) => writeln!(to, "{}: {script} {turn}", exchange.request)?,
                None => writeln!(to, "{}", exchange.request)?,
            }
        }
        for told in &self.told {
            writeln!(to, "told of {}: {}", told.call, told.text)?;
        }
        self.outsiders.iter().try_for_each(|host| writeln!(to, "refused: a way to {host}"))
    }
}
