//! What the user says before a decision is made.

use codeplane_client::v1;
use v1::decide_approval_request::Answer;

use super::keys::Key;
use crate::approval::{Line, Tone};
use crate::text;

/// A dialog.
#[derive(Debug)]
pub(super) enum Ask {
    /// What the agent is told with a denial.
    Message(String),
    Grant(Grant),
    Questions(Questions),
    /// Whether the input is right as it was edited.
    Edited(String),
    /// Nothing can be said, and why.
    Closed(String),
    /// What the keys do.
    Help,
}

const HELP: [&str; 9] = [
    "a      allow it",
    "d      deny it, with a message for the agent",
    "g      allow it and remember the answer; cpctl grants revoke forgets it",
    "e      edit its input in $EDITOR, and allow that",
    "A      answer its questions",
    "j k    go to the next, to the one before",
    "Space  read on; b reads back",
    "Enter  give it the whole screen, and take that back",
    "q      leave; what waits goes on waiting",
];

/// What to remember, and for how far.
#[derive(Debug)]
pub(super) struct Grant {
    patterns: Vec<String>,
    cursor: usize,
    /// Patterns to grant; none: the exact request.
    marked: Vec<String>,
    scope: v1::GrantScope,
}

/// One question after the other.
#[derive(Debug)]
pub(super) struct Questions {
    questions: Vec<v1::Question>,
    answers: Vec<v1::QuestionAnswer>,
    /// The option under the cursor; one behind the last is other text.
    cursor: usize,
    chosen: Vec<String>,
    /// Other text, while it is typed.
    text: Option<String>,
}

/// What a key has done to a dialog.
#[derive(Debug)]
pub(super) enum Said {
    Nothing,
    NeverMind,
    This(Answer),
}

impl Ask {
    /// The exact request, unless patterns are marked, which are seen before that.
    pub(super) fn grant(approval: &v1::Approval) -> Self {
        let patterns = approval.grant_patterns.clone();
        let scope = v1::GrantScope::Session;
        Self::Grant(Grant { patterns, cursor: 0, marked: Vec::new(), scope })
    }

    pub(super) fn questions(approval: &v1::Approval) -> Self {
        if approval.questions.is_empty() {
            return Self::Closed("it asks no question (a allows, d denies)".to_owned());
        }
        let questions = approval.questions.clone();
        let (answers, chosen) = (Vec::new(), Vec::new());
        Self::Questions(Questions { questions, answers, cursor: 0, chosen, text: None })
    }

    pub(super) fn press(&mut self, key: Key) -> Said {
        if key == Key::Escape || key == Key::Leave {
            return Said::NeverMind;
        }
        match self {
            Self::Message(text) => match key {
                Key::Enter => {
                    Said::This(Answer::Deny(v1::DenyAnswer { message: std::mem::take(text) }))
                }
                key => type_into(text, key),
            },
            Self::Grant(grant) => grant.press(&key),
            Self::Questions(questions) => questions.press(key),
            Self::Edited(input) if key == Key::Character('a') => {
                let updated_input = std::mem::take(input);
                Said::This(Answer::Allow(v1::AllowAnswer { updated_input, ..Default::default() }))
            }
            Self::Edited(_) | Self::Closed(_) | Self::Help => Said::Nothing,
        }
    }

    /// Whether what is said may be sent with this key.
    pub(super) fn is_sent_by(&self, key: &Key) -> bool {
        match self {
            Self::Message(_) | Self::Grant(_) | Self::Questions(_) => *key == Key::Enter,
            Self::Edited(_) => *key == Key::Character('a'),
            Self::Closed(_) | Self::Help => false,
        }
    }

    /// Takes a key that leads to nothing any more; a message can be seen to be typed on.
    pub(super) fn echo(&mut self, key: Key) {
        match self {
            Self::Message(text) => drop(type_into(text, key)),
            Self::Grant(_)
            | Self::Questions(_)
            | Self::Edited(_)
            | Self::Closed(_)
            | Self::Help => {}
        }
    }

    /// What is shown of it, with the reason why nothing of it can be sent, if so.
    pub(super) fn lines(&self, closed: Option<String>) -> Vec<Line> {
        let mut lines = self.open_lines();
        if let Some(why) = closed {
            // In the place of the hint, which is always there to be seen.
            lines.pop();
            let text =
                format!("Nothing is sent: {}. Enter or Esc goes back", text::printable(&why));
            lines.push(Line { tone: Tone::Deny, text });
        }
        lines
    }

    fn open_lines(&self) -> Vec<Line> {
        match self {
            Self::Closed(_) => vec![hint("")],
            Self::Help => {
                let keys = HELP.iter().copied().map(hint);
                keys.chain([hint("Enter or Esc goes back")]).collect()
            }
            Self::Message(text) => vec![
                heading("Deny, and tell the agent (may be empty):"),
                typed(text),
                hint("Enter denies, Esc goes back"),
            ],
            Self::Grant(grant) => grant.lines(),
            Self::Questions(questions) => questions.lines(),
            Self::Edited(input) => {
                let shown = input
                    .lines()
                    .map(|line| Line { tone: Tone::Asked, text: text::printable(line) });
                let mut lines = vec![heading("Allow with this input instead? It is judged again.")];
                lines.extend(shown);
                lines.push(hint("a allows, Esc goes back"));
                lines
            }
        }
    }
}

impl Grant {
    fn press(&mut self, key: &Key) -> Said {
        match key {
            Key::Character('j') | Key::Down => {
                self.cursor = (self.cursor + 1).min(self.patterns.len().saturating_sub(1));
            }
            Key::Character('k') | Key::Up => self.cursor = self.cursor.saturating_sub(1),
            Key::Character(' ') => {
                if let Some(pattern) = self.patterns.get(self.cursor) {
                    toggle(&mut self.marked, pattern);
                }
            }
            Key::Tab => {
                self.scope = match self.scope {
                    v1::GrantScope::Session => v1::GrantScope::Workspace,
                    v1::GrantScope::Workspace | v1::GrantScope::Unspecified => {
                        v1::GrantScope::Session
                    }
                }
            }
            Key::Enter => {
                return Said::This(Answer::Allow(v1::AllowAnswer {
                    updated_input: String::new(),
                    grant_scope: self.scope.into(),
                    grant_patterns: std::mem::take(&mut self.marked),
                }));
            }
            _ => {}
        }
        Said::Nothing
    }

    fn lines(&self) -> Vec<Line> {
        let reach = match self.scope {
            v1::GrantScope::Session | v1::GrantScope::Unspecified => "this session",
            v1::GrantScope::Workspace => "every session in this workspace",
        };
        let what = match self.marked.len() {
            0 => "this exact request",
            1 => "what the marked pattern matches",
            _ => "what the marked patterns match",
        };
        let mut lines = vec![heading(&format!("Allow, and remember for {reach}: {what}"))];
        for (i, pattern) in self.patterns.iter().enumerate() {
            let mark = if self.marked.contains(pattern) { "[x]" } else { "[ ]" };
            let pattern = text::printable(pattern);
            lines.push(choice((i, self.cursor), &format!("{mark} {pattern}")));
        }
        lines.push(hint("Enter grants, Space marks a pattern, Tab changes how far, Esc goes back"));
        lines
    }
}

impl Questions {
    fn press(&mut self, key: Key) -> Said {
        let Some(question) = self.questions.get(self.answers.len()) else { return Said::Nothing };
        if let Some(text) = &mut self.text {
            return match key {
                Key::Enter if text.is_empty() => Said::Nothing,
                Key::Enter => {
                    self.chosen.push(std::mem::take(text));
                    self.answered()
                }
                key => type_into(text, key),
            };
        }
        let label = question.options.get(self.cursor).map(|option| option.label.clone());
        match (key, label) {
            (Key::Character('j') | Key::Down, _) => {
                self.cursor = (self.cursor + 1).min(question.options.len());
            }
            (Key::Character('k') | Key::Up, _) => self.cursor = self.cursor.saturating_sub(1),
            (Key::Character(' '), Some(label)) if question.multi_select => {
                toggle(&mut self.chosen, &label);
            }
            (Key::Enter, None) => self.text = Some(String::new()),
            (Key::Enter, Some(label)) => {
                // With nothing marked, what is under the cursor is meant.
                if !question.multi_select || self.chosen.is_empty() {
                    self.chosen = vec![label];
                }
                return self.answered();
            }
            _ => {}
        }
        Said::Nothing
    }

    /// On to the next one.
    fn answered(&mut self) -> Said {
        let question = self.questions[self.answers.len()].text.clone();
        let answers = std::mem::take(&mut self.chosen);
        self.answers.push(v1::QuestionAnswer { question, answers });
        (self.cursor, self.text) = (0, None);
        if self.answers.len() < self.questions.len() {
            return Said::Nothing;
        }
        let answers = std::mem::take(&mut self.answers);
        Said::This(Answer::Answers(v1::QuestionAnswers { answers }))
    }

    fn lines(&self) -> Vec<Line> {
        let Some(question) = self.questions.get(self.answers.len()) else { return Vec::new() };
        let number = self.answers.len() + 1;
        let asked = text::printable(&question.text);
        let mut lines = vec![heading(&format!("{number} of {}: {asked}", self.questions.len()))];
        // While text is typed, the cursor is there.
        let cursor = if self.text.is_none() { self.cursor } else { usize::MAX };
        for (i, option) in question.options.iter().enumerate() {
            let mark = match (question.multi_select, self.chosen.contains(&option.label)) {
                (false, _) => "",
                (true, false) => "[ ] ",
                (true, true) => "[x] ",
            };
            let label = text::printable(&option.label);
            lines.push(choice((i, cursor), &format!("{mark}{label}")));
        }
        match &self.text {
            Some(text) => lines.push(typed(text)),
            None => lines.push(choice((question.options.len(), cursor), "other text …")),
        }
        let marks = if question.multi_select { "Space marks, " } else { "" };
        lines.push(hint(&format!("{marks}Enter answers, j k choose, Esc goes back")));
        lines
    }
}

/// Marks what is not marked, and the other way round.
fn toggle(marked: &mut Vec<String>, one: &str) {
    match marked.iter().position(|other| other == one) {
        Some(place) => drop(marked.remove(place)),
        None => marked.push(one.to_owned()),
    }
}

fn type_into(text: &mut String, key: Key) -> Said {
    match key {
        Key::Character(character) => text.push(character),
        Key::Pasted(pasted) => text.push_str(&pasted),
        Key::Backspace => drop(text.pop()),
        Key::Clear => text.clear(),
        _ => {}
    }
    Said::Nothing
}

fn heading(text: &str) -> Line {
    Line { tone: Tone::Heading, text: text.to_owned() }
}

fn hint(text: &str) -> Line {
    Line { tone: Tone::Plain, text: text.to_owned() }
}

fn typed(text: &str) -> Line {
    Line { tone: Tone::Asked, text: format!("> {}_", text::printable(text)) }
}

/// One that can be chosen; `at` is the place of the cursor.
fn choice((place, at): (usize, usize), text: &str) -> Line {
    let (tone, mark) = if place == at { (Tone::Warning, ">") } else { (Tone::Plain, " ") };
    Line { tone, text: format!("{mark} {text}") }
}
