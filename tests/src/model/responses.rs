//! Answers of the `OpenAI` Responses API.
//!
//! Events and their order: `OpenAI`'s documentation of streamed responses, as far as Codex reads it.

use serde_json::{Value, json};

use super::{
    messages::Answer,
    script::{Block, Input},
};

/// The body of an error with this status.
pub(super) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "invalid_api_key",
        429 => "rate_limit_exceeded",
        _ => "server_error",
    };
    json!({"error": {"type": kind, "code": kind, "message": message}})
}

/// The whole answer as one object.
pub(super) fn plain(answer: &Answer<'_>) -> Value {
    let mut response = head(answer);
    response["status"] = "completed".into();
    response["output"] = answer.blocks.iter().map(|(id, block)| whole(id, block)).collect();
    response["usage"] = json!({
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 10, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 110,
    });
    response
}

/// The answer as events.
pub(super) fn events(answer: &Answer<'_>) -> Vec<Value> {
    let mut events = vec![json!({"type": "response.created", "response": head(answer)})];
    for (index, (id, block)) in answer.blocks.iter().enumerate() {
        let item = whole(id, block);
        let (begun, deltas) = pieces(&item, block);
        let mut add = |kind: &str, mut event: Value| {
            event["type"] = kind.into();
            event["output_index"] = index.into();
            events.push(event);
        };
        add("response.output_item.added", json!({"item": begun}));
        for (kind, mut delta) in deltas {
            delta["item_id"] = item["id"].clone();
            add(kind, delta);
        }
        add("response.output_item.done", json!({"item": item}));
    }
    events.push(json!({"type": "response.completed", "response": plain(answer)}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events
}

fn head(answer: &Answer<'_>) -> Value {
    json!({
        "id": format!("resp_{}", answer.id), "object": "response", "created_at": 0,
        "status": "in_progress", "model": answer.model, "output": [], "usage": null, "error": null,
    })
}

fn whole(id: &str, block: &Block) -> Value {
    match block {
        Block::Text(text) => json!({
            "type": "message", "id": format!("msg_{id}"), "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        }),
        Block::Thought(text) => json!({
            "type": "reasoning", "id": format!("rs_{id}"), "encrypted_content": "c2VhbGVk",
            "summary": [{"type": "summary_text", "text": text}],
        }),
        Block::Call { name, input: Input::Fields(fields) } => json!({
            "type": "function_call", "id": format!("fc_{id}"), "call_id": format!("call_{id}"),
            "name": name, "arguments": fields.to_string(), "status": "completed",
        }),
        Block::Call { name, input: Input::Text(text) } => json!({
            "type": "custom_tool_call", "id": format!("ctc_{id}"), "call_id": format!("call_{id}"),
            "name": name, "input": text, "status": "completed",
        }),
    }
}

/// How an item starts in a stream, and what is added to it.
fn pieces(item: &Value, block: &Block) -> (Value, Vec<(&'static str, Value)>) {
    let mut begun = item.clone();
    let deltas = match block {
        Block::Text(text) => {
            begun["content"] = json!([]);
            begun["status"] = "in_progress".into();
            let part = json!({"type": "output_text", "text": "", "annotations": []});
            vec![
                ("response.content_part.added", json!({"content_index": 0, "part": part})),
                ("response.output_text.delta", json!({"content_index": 0, "delta": text})),
                ("response.output_text.done", json!({"content_index": 0, "text": text})),
            ]
        }
        Block::Thought(text) => {
            begun["summary"] = json!([]);
            let delta = json!({"summary_index": 0, "delta": text});
            vec![("response.reasoning_summary_text.delta", delta)]
        }
        Block::Call { input: Input::Fields(fields), .. } => {
            begun["arguments"] = "".into();
            let delta = json!({"delta": fields.to_string()});
            vec![("response.function_call_arguments.delta", delta)]
        }
        Block::Call { input: Input::Text(text), .. } => {
            begun["input"] = "".into();
            vec![("response.custom_tool_call_input.delta", json!({"delta": text}))]
        }
    };
    (begun, deltas)
}
