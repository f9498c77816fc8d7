//! A request for an answer, as far as the answer depends on it: the same for both APIs.

use serde_json::{Map, Value, json};

/// What an agent sends when it asks for the next turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversation {
    messages: Vec<Message>,
    has_tools: bool,
    /// The JSON schema that the answer must follow.
    schema: Option<Value>,
}

/// One message, or one round of what the model said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Message {
    /// A person, or an agent in the name of one.
    User(String),
    Model,
    /// What tools have answered.
    Tools(Vec<Told>),
    /// What is neither: instructions.
    Other,
}

/// What a tool has answered, as the model was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) call: String,
    pub(super) text: String,
    pub(super) is_error: bool,
}

impl Conversation {
    /// A request of the Messages API.
    pub(super) fn of_messages(body: &Value) -> Self {
        let format = first_of(body, &["/output_config/format/schema", "/output_format/schema"]);
        let mut conversation = Self { schema: format, ..Self::with_tools(body) };
        for message in items(&body["messages"]) {
            let content = &message["content"];
            match message["role"].as_str() {
                Some("assistant") => conversation.messages.push(Message::Model),
                Some("user") => {
                    let told: Vec<Told> = items(content).filter_map(told_by_block).collect();
                    if !told.is_empty() {
                        conversation.messages.push(Message::Tools(told));
                    }
                    conversation.messages.push(Message::User(text_of(content)));
                }
                _ => conversation.messages.push(Message::Other),
            }
        }
        conversation
    }

    /// A request of the Responses API. All that the model says in one answer are items of their
    /// own here, one behind the other.
    pub(super) fn of_responses(body: &Value) -> Self {
        let schema = first_of(body, &["/text/format/schema"]);
        let mut conversation = Self { schema, ..Self::with_tools(body) };
        for item in items(&body["input"]) {
            let message = message_of(item);
            let goes_on = message == Message::Model;
            if !(goes_on && conversation.messages.last() == Some(&Message::Model)) {
                conversation.messages.push(message);
            }
        }
        conversation
    }

    /// Whether it is not the agent's work: work is done with tools and has no prescribed form.
    pub(super) const fn is_aside(&self) -> bool {
        !self.has_tools || self.schema.is_some()
    }

    /// What nobody minds as an answer on the side.
    pub(super) fn harmless(&self) -> String {
        match &self.schema {
            Some(schema) => smallest(schema).to_string(),
            None => "A title".to_owned(),
        }
    }

    /// The last thing a person said in which `find` finds something, and how often the model has
    /// spoken since.
    pub(super) fn place_of(
        &self,
        find: impl Fn(&str) -> Option<String>,
    ) -> Option<(String, usize)> {
        let said = |message: &Message| match message {
            Message::User(text) => find(text),
            Message::Model | Message::Tools(_) | Message::Other => None,
        };
        let found = |(at, message)| said(message).map(|name| (at, name));
        let (at, name) = self.messages.iter().enumerate().rev().find_map(found)?;
        let later = self.messages[at..].iter().filter(|one| **one == Message::Model);
        Some((name, later.count()))
    }

    /// Everything tools have answered so far.
    pub(super) fn told(&self) -> impl Iterator<Item = &Told> {
        self.messages.iter().flat_map(|message| match message {
            Message::Tools(told) => &told[..],
            Message::User(_) | Message::Model | Message::Other => &[],
        })
    }

    fn with_tools(body: &Value) -> Self {
        // Codex offers them to its newest models by an item of the conversation.
        let is_offer = |item: &Value| item["type"] == "additional_tools";
        let has_tools = items(&body["tools"]).next().is_some();
        Self { has_tools: has_tools || items(&body["input"]).any(is_offer), ..Self::default() }
    }
}

/// A block of the Messages API that holds what a tool answered.
fn told_by_block(block: &Value) -> Option<Told> {
    if block["type"] != "tool_result" {
        return None;
    }
    Some(Told {
        call: block["tool_use_id"].as_str()?.to_owned(),
        text: text_of(&block["content"]),
        is_error: block["is_error"] == true,
    })
}

/// An item of the Responses API.
fn message_of(item: &Value) -> Message {
    match item["type"].as_str().unwrap_or("message") {
        "message" => match item["role"].as_str() {
            Some("user") => Message::User(text_of(&item["content"])),
            Some("assistant") => Message::Model,
            _ => Message::Other,
        },
        "function_call" | "custom_tool_call" | "reasoning" => Message::Model,
        "function_call_output" | "custom_tool_call_output" => {
            let call = item["call_id"].as_str().unwrap_or_default().to_owned();
            Message::Tools(vec![Told { call, text: text_of(&item["output"]), is_error: false }])
        }
        _ => Message::Other,
    }
}

/// The text of content that is a string, or a list of blocks some of which are text.
fn text_of(content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    let texts: Vec<&str> = items(content).filter_map(|block| block["text"].as_str()).collect();
    texts.join("\n")
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn first_of(body: &Value, pointers: &[&str]) -> Option<Value> {
    pointers.iter().find_map(|pointer| body.pointer(pointer)).cloned()
}

/// The smallest value that a JSON schema admits, as far as agents use schemas.
fn smallest(schema: &Value) -> Value {
    if let Some(value) = schema.get("const").or_else(|| schema.pointer("/enum/0")) {
        return value.clone();
    }
    if let Some(one) = schema.pointer("/anyOf/0").or_else(|| schema.pointer("/oneOf/0")) {
        return smallest(one);
    }
    let of = &schema["type"];
    match of.as_str().or_else(|| of[0].as_str()) {
        Some("object") => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            let fields = properties.iter().map(|(name, field)| (name.clone(), smallest(field)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Some("array") => json!([]),
        Some("integer" | "number") => json!(0),
        Some("boolean") => json!(false),
        _ => json!("A title"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Option<String> {
        text.contains("[[a]]").then(|| "a".to_owned())
    }

    #[test]
    fn the_turn_is_how_often_the_model_has_spoken_since_the_mark() {
        let body = json!({"tools": [{"name": "Bash"}], "messages": [
            {"role": "user", "content": "before"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": [{"type": "text", "text": "[[a]] go"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash"}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true,
                 "content": [{"type": "text", "text": "[[a]] is no mark here"}]},
                {"type": "text", "text": "a reminder"},
            ]},
        ]});

        let conversation = Conversation::of_messages(&body);

        assert_eq!(conversation.place_of(find), Some(("a".to_owned(), 1)));
        let told: Vec<&Told> = conversation.told().collect();
        assert!(told[0].is_error && told[0].call == "t1", "{told:?}");
        assert!(!conversation.is_aside());
    }

    #[test]
    fn items_of_one_answer_are_one_turn_of_the_responses_api() {
        let body = json!({"tools": [{"name": "exec_command"}], "input": [
            {"type": "message", "role": "developer", "content": "[[a]] is no mark here"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "[[a]]"}]},
            {"type": "reasoning"},
            {"type": "function_call", "call_id": "c1", "name": "exec_command", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "exec_command", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {"type": "function_call_output", "call_id": "c2", "output": "two"},
            {"type": "message", "role": "assistant", "content": "done"},
        ]});

        let conversation = Conversation::of_responses(&body);

        assert_eq!(conversation.place_of(find), Some(("a".to_owned(), 2)));
        let texts: Vec<&str> = conversation.told().map(|told| told.text.as_str()).collect();
        assert_eq!(texts, ["one", "two"]);
    }

    #[test]
    fn what_is_asked_on_the_side_is_answered_in_its_form() {
        let schema = json!({"type": "object", "properties": {
            "title": {"type": "string"}, "is_new": {"type": ["boolean", "null"]},
            "kind": {"enum": ["chat", "task"]}, "tags": {"type": "array"},
        }});
        let body = json!({"tools": [{}], "input": [], "text": {"format": {"schema": schema}}});

        let conversation = Conversation::of_responses(&body);

        assert!(conversation.is_aside());
        let expected = json!({"title": "A title", "is_new": false, "kind": "chat", "tags": []});
        assert_eq!(conversation.harmless(), expected.to_string());
        assert!(Conversation::of_messages(&json!({"messages": []})).is_aside());
    }
}
