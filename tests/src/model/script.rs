//! What the model says: scripts of turns, and which one is next.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;
use tokio::sync::watch;

use super::conversation::Conversation;

/// One answer of the model: text, thoughts, tool calls, or a failure.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    pub(super) blocks: Vec<Block>,
    pub(super) failure: Option<Failure>,
    pub(super) gate: Option<Gate>,
}

/// A part of an answer.
#[derive(Clone, Debug)]
pub(super) enum Block {
    Text(String),
    Thought(String),
    Call { name: String, input: Input },
}

/// What a tool is called with.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// An object of named fields.
    Fields(Value),
    /// Plain text: `OpenAI`'s custom tools.
    Text(String),
}

/// A status that the API answers instead of the turn.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) message: String,
    /// How often, before the turn is played; for ever if there is no number.
    pub(super) times: Option<usize>,
}

/// A text for the person.
pub fn say(text: impl Into<String>) -> Turn {
    Turn { blocks: vec![Block::Text(text.into())], ..Turn::default() }
}

/// A thought, which agents show apart from texts or not at all.
pub fn think(text: impl Into<String>) -> Turn {
    Turn { blocks: vec![Block::Thought(text.into())], ..Turn::default() }
}

/// A call of the tool `name`.
pub fn call(name: impl Into<String>, input: Value) -> Turn {
    let block = Block::Call { name: name.into(), input: Input::Fields(input) };
    Turn { blocks: vec![block], ..Turn::default() }
}

/// A call of a tool that takes plain text: one of `OpenAI`'s custom tools.
pub fn call_with_text(name: impl Into<String>, input: impl Into<String>) -> Turn {
    let block = Block::Call { name: name.into(), input: Input::Text(input.into()) };
    Turn { blocks: vec![block], ..Turn::default() }
}

/// No answer but an error of the API with this HTTP status, however often it is asked.
pub fn fail(status: u16, message: impl Into<String>) -> Turn {
    let failure = Failure { status, message: message.into(), times: None };
    Turn { failure: Some(failure), ..Turn::default() }
}

impl Turn {
    /// This and what `other` says, in one answer: several calls in it are made at once.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.blocks.extend(other.blocks);
        self
    }

    /// This, once `gate` is open; until then the agent waits for the model.
    #[must_use]
    pub fn after(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// This, once the API has answered `status` so many `times`.
    #[must_use]
    pub fn after_failures(mut self, times: usize, status: u16) -> Self {
        let message = "not now".to_owned();
        self.failure = Some(Failure { status, message, times: Some(times) });
        self
    }
}

/// What a turn waits for until the test opens it. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Lets everything pass from now on.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn pass(&self) {
        // It cannot be gone: this is one of its owners.
        drop(self.0.subscribe().wait_for(|is_open| *is_open).await);
    }
}

/// All scripts, and how often their turns have failed.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    turns: HashMap<String, Vec<Turn>>,
    failures: HashMap<(String, usize), usize>,
}

/// What is said to one request.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// Script and turn; none of them for what is asked on the side.
    pub(super) played: Option<(String, usize)>,
    pub(super) turn: Turn,
}

impl Scripts {
    pub(super) fn add(&mut self, name: &str, turns: Vec<Turn>) {
        self.turns.insert(name.to_owned(), turns);
    }

    /// The answer to a request: the script of the last mark, the turn that follows on what the
    /// model has said since.
    pub(super) fn choose(&mut self, conversation: &Conversation) -> Chosen {
        if conversation.is_aside() {
            return Chosen { played: None, turn: say(conversation.harmless()) };
        }
        let names =
            |text: &str| marks(text).into_iter().rfind(|name| self.turns.contains_key(name));
        let Some((name, turn)) = conversation.place_of(names) else {
            return Chosen { played: None, turn: say("There is no script for this prompt.") };
        };
        let mut chosen = match self.turns[&name].get(turn) {
            Some(turn) => turn.clone(),
            None => say(format!("The script {name} is over.")),
        };
        let failed = self.failures.entry((name.clone(), turn)).or_default();
        if chosen.failure.as_ref().is_some_and(|failure| !failure.strikes(*failed)) {
            chosen.failure = None;
        }
        *failed += usize::from(chosen.failure.is_some());
        Chosen { played: Some((name, turn)), turn: chosen }
    }
}

impl Failure {
    fn strikes(&self, failed: usize) -> bool {
        self.times.is_none_or(|times| failed < times)
    }
}

/// Whether it can stand in a mark.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|one| one.is_ascii_alphanumeric() || "-_".contains(one))
}

/// The names in all marks of a text.
fn marks(text: &str) -> Vec<String> {
    let pieces = text.split("[[").skip(1).filter_map(|piece| piece.split_once("]]"));
    pieces.map(|(name, _)| name).filter(|name| is_name(name)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(prompt: &str) -> Conversation {
        let message = json!({"role": "user", "content": prompt});
        Conversation::of_messages(&json!({"tools": [{}], "messages": [message]}))
    }

    fn answers(scripts: &mut Scripts, prompt: &str) -> String {
        let turn = scripts.choose(&asked(prompt)).turn;
        format!("{:?} {:?}", turn.failure.map(|failure| failure.status), turn.blocks)
    }

    #[test]
    fn a_prompt_is_answered_by_its_script_however_often_it_is_asked() {
        let mut scripts = Scripts::default();
        scripts.add("one", vec![say("first"), say("second")]);
        scripts.add("none", Vec::new());

        assert_eq!(answers(&mut scripts, "[[one]]"), "None [Text(\"first\")]");
        assert_eq!(answers(&mut scripts, "[[one]]"), "None [Text(\"first\")]");
        assert_eq!(answers(&mut scripts, "[[none]]"), "None [Text(\"The script none is over.\")]");
        let unknown = "None [Text(\"There is no script for this prompt.\")]";
        assert_eq!(answers(&mut scripts, "[[other]]"), unknown);
    }

    #[test]
    fn a_turn_fails_so_often_as_it_is_to_and_then_is_played() {
        let mut scripts = Scripts::default();
        scripts.add("late", vec![say("at last").after_failures(2, 529)]);
        scripts.add("never", vec![fail(400, "no")]);

        let late = [(); 3].map(|()| answers(&mut scripts, "[[late]]"));
        let never = [(); 3].map(|()| answers(&mut scripts, "[[never]]"));

        assert!(late[0].starts_with("Some(529)") && late[1].starts_with("Some(529)"), "{late:?}");
        assert_eq!(late[2], "None [Text(\"at last\")]");
        assert!(never.iter().all(|answer| answer.starts_with("Some(400)")), "{never:?}");
    }

    #[test]
    fn a_mark_is_a_name_in_double_brackets() {
        assert_eq!(marks("[[one]] and [[two-2]], not [[a b]], [[]] or [[open"), ["one", "two-2"]);
    }
}
