//! Answers of the Anthropic Messages API.
//!
//! Events and their order: Anthropic's documentation of streamed messages. Agents ask for streams; a
//! plain answer is what they fall back to.

use serde_json::{Value, json};

use super::script::{Block, Input};

/// An answer: its id, the model it comes from, blocks with the ids of calls.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) id: String,
    pub(super) model: Value,
    pub(super) blocks: Vec<(String, &'a Block)>,
}

/// The body of an error with this status.
pub(super) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// The whole answer as one object.
pub(super) fn plain(answer: &Answer<'_>) -> Value {
    let blocks = answer.blocks.iter().map(|(id, block)| whole(id, block));
    let mut message = head(answer);
    message["content"] = Value::Array(blocks.collect());
    message["stop_reason"] = stop_reason(answer).into();
    message
}

/// The answer as events.
pub(super) fn events(answer: &Answer<'_>) -> Vec<Value> {
    let mut events = vec![json!({"type": "message_start", "message": head(answer)})];
    for (index, (id, block)) in answer.blocks.iter().enumerate() {
        let (start, deltas) = pieces(id, block);
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        events.extend(
            deltas.into_iter().map(
                |delta| json!({"type": "content_block_delta", "index": index, "delta": delta}),
            ),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(answer), "stop_sequence": null},
        "usage": {"output_tokens": OUTPUT_TOKENS},
    }));
    events.push(json!({"type": "message_stop"}));
    events
}

/// What every answer is said to have cost.
const INPUT_TOKENS: u32 = 100;
const OUTPUT_TOKENS: u32 = 10;

fn head(answer: &Answer<'_>) -> Value {
    json!({
        "id": format!("msg_{}", answer.id), "type": "message", "role": "assistant",
        "model": answer.model, "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {
            "input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        },
    })
}

fn stop_reason(answer: &Answer<'_>) -> &'static str {
    let is_call = |(_, block): &(String, &Block)| matches!(block, Block::Call { .. });
    if answer.blocks.iter().any(is_call) { "tool_use" } else { "end_turn" }
}

/// Nothing checks it here.
const SIGNATURE: &str = "c2lnbmVk";

fn whole(id: &str, block: &Block) -> Value {
    match block {
        Block::Text(text) => json!({"type": "text", "text": text}),
        Block::Thought(text) => {
            json!({"type": "thinking", "thinking": text, "signature": SIGNATURE})
        }
        Block::Call { name, input } => {
            json!({"type": "tool_use", "id": call_id(id), "name": name, "input": fields(input)})
        }
    }
}

/// How a block starts in a stream, and what is added to it.
fn pieces(id: &str, block: &Block) -> (Value, Vec<Value>) {
    match block {
        Block::Text(text) => {
            (json!({"type": "text", "text": ""}), vec![json!({"type": "text_delta", "text": text})])
        }
        Block::Thought(text) => (
            json!({"type": "thinking", "thinking": "", "signature": ""}),
            vec![
                json!({"type": "thinking_delta", "thinking": text}),
                json!({"type": "signature_delta", "signature": SIGNATURE}),
            ],
        ),
        Block::Call { name, input } => (
            json!({"type": "tool_use", "id": call_id(id), "name": name, "input": {}}),
            vec![json!({"type": "input_json_delta", "partial_json": fields(input).to_string()})],
        ),
    }
}

fn call_id(id: &str) -> String {
    format!("toolu_{id}")
}

/// This API knows named fields only.
fn fields(input: &Input) -> Value {
    match input {
        Input::Fields(fields) => fields.clone(),
        Input::Text(text) => json!({"input": text}),
    }
}
