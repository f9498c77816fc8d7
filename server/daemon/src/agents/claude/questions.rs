//! Tools of Claude Code 2.1.329 that are made to talk to the user.

use codeplane_core::policy::Value;

use super::super::hook::ToolCall;
use super::super::interaction::{Choice, Interaction, Question};
use super::super::json::{self, quoted};

/// What a call wants of a person.
pub(in super::super) fn interaction(call: &ToolCall) -> Interaction {
    let Ok(input) = &call.input else { return Interaction::Call };
    match call.tool.as_str() {
        "AskUserQuestion" => questions(input).map_or(Interaction::Call, Interaction::Question),
        // The agent puts the plan in from its file; the input is empty while there is none.
        "ExitPlanMode" => Interaction::Plan { text: text(input, "plan").unwrap_or_default() },
        _ => Interaction::Call,
    }
}

fn questions(input: &Value) -> Option<Vec<Question>> {
    let questions: Option<Vec<Question>> =
        list(input.get("questions")?)?.iter().map(question).collect();
    questions.filter(|questions| !questions.is_empty())
}

fn question(value: &Value) -> Option<Question> {
    let options: Option<Vec<Choice>> = list(value.get("options")?)?.iter().map(choice).collect();
    Some(Question {
        text: text(value, "question")?,
        header: text(value, "header").unwrap_or_default(),
        options: options?,
        multi_select: value.get("multiSelect") == Some(&Value::Bool(true)),
    })
}

fn choice(value: &Value) -> Option<Choice> {
    Some(Choice {
        label: text(value, "label")?,
        description: text(value, "description").unwrap_or_default(),
    })
}

fn list(value: &Value) -> Option<&[Value]> {
    if let Value::List(items) = value { Some(items) } else { None }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(ToOwned::to_owned)
}

/// The input with answers in it: `"answers":{"QUESTION":"ANSWER"}`, all else byte by byte as it came.
pub(in super::super) fn answer(
    call: &ToolCall,
    answers: &[(String, Vec<String>)],
) -> Result<String, String> {
    let Interaction::Question(questions) = interaction(call) else {
        return Err(format!("a call of {} asks nothing", call.tool.escape_debug()));
    };
    for (text, _) in answers {
        if !questions.iter().any(|question| question.text == *text) {
            return Err(format!("'{}' is not asked", text.escape_debug()));
        }
        if answers.iter().filter(|(other, _)| other == text).count() > 1 {
            return Err(format!("'{}' is answered twice", text.escape_debug()));
        }
    }
    let mut said = Vec::new();
    for question in &questions {
        let pair = format!("{}:{}", quoted(&question.text), quoted(&reply(question, answers)?));
        if !said.contains(&pair) {
            said.push(pair);
        }
    }
    let mut members = vec![format!("\"answers\":{{{}}}", said.join(","))];
    for (name, value) in json::members(&call.input_text)? {
        if name != "answers" {
            members.push(format!("{}:{}", quoted(&name), String::from_utf8_lossy(value)));
        }
    }
    Ok(format!("{{{}}}", members.join(",")))
}

/// The answers that are in an input, in the order of their questions.
pub(in super::super) fn given(call: &ToolCall) -> Vec<(String, String)> {
    let (Interaction::Question(questions), Ok(input)) = (interaction(call), &call.input) else {
        return Vec::new();
    };
    let answer = |question: Question| {
        let answer = input.get("answers")?.get(&question.text)?.as_str()?.to_owned();
        Some((question.text, answer))
    };
    questions.into_iter().filter_map(answer).collect()
}

/// The one answer as it is; several with commas between them, those that hold a comma or a quote in quotes. That is how
/// the agent's own dialog writes them.
fn reply(question: &Question, answers: &[(String, Vec<String>)]) -> Result<String, String> {
    let name = question.text.escape_debug();
    let chosen = answers.iter().find(|(text, _)| *text == question.text);
    let chosen = chosen.map(|(_, chosen)| chosen.as_slice()).unwrap_or_default();
    if chosen.is_empty() || chosen.iter().any(|answer| answer.trim().is_empty()) {
        return Err(format!("'{name}' is not answered"));
    }
    match (chosen, question.multi_select) {
        ([answer], false) => Ok(answer.clone()),
        (_, false) => Err(format!("'{name}' takes one answer")),
        (_, true) => {
            let item = |answer: &String| {
                if answer.contains([',', '"']) { quoted(answer) } else { answer.clone() }
            };
            Ok(chosen.iter().map(item).collect::<Vec<_>>().join(", "))
        }
    }
}
