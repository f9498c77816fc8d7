use super::super::{Agent, Choice, Interaction, Question, ToolCall};
use super::call;

const ASKED: &str = r#"{"questions":[
  {"question":"Which?","header":"H","multiSelect":true,
   "options":[{"label":"A, b","description":"d"},{"label":"Blue"},{"label":"Say \"hi\""}]},
  {"question":"Size?","header":"S","multiSelect":false,"options":[{"label":"L"}]}],"metadata":{"n":1.0}}"#;

fn asked() -> ToolCall {
    call(Agent::Claude, "AskUserQuestion", ASKED)
}

fn answer(answers: &[(&str, &[&str])]) -> Result<String, String> {
    let owned: Vec<(String, Vec<String>)> = answers
        .iter()
        .map(|(text, chosen)| {
            ((*text).to_owned(), chosen.iter().map(|word| (*word).to_owned()).collect())
        })
        .collect();
    Agent::Claude.answer_questions(&asked(), &owned)
}

#[test]
fn questions_are_shown_with_what_may_be_chosen() {
    let Interaction::Question(questions) = Agent::Claude.interaction(&asked()) else {
        panic!("no question")
    };

    let choice = |label: &str| Choice { label: label.to_owned(), description: String::new() };
    assert_eq!(questions[0].options[0].description, "d");
    assert!(questions[0].multi_select);
    let size = Question {
        text: "Size?".to_owned(),
        header: "S".to_owned(),
        options: vec![choice("L")],
        multi_select: false,
    };
    assert_eq!(questions[1], size);
}

#[test]
fn a_plan_is_shown_and_everything_else_is_a_call() {
    let of = |agent: Agent, tool: &str, input: &str| agent.interaction(&call(agent, tool, input));

    let plan = of(Agent::Claude, "ExitPlanMode", r##"{"plan":"# P","planFilePath":"/p"}"##);
    assert_eq!(plan, Interaction::Plan { text: "# P".to_owned() });
    let none = of(Agent::Claude, "ExitPlanMode", "{}");
    assert_eq!(none, Interaction::Plan { text: String::new() });
    assert_eq!(of(Agent::Claude, "Bash", "{}"), Interaction::Call);
    assert_eq!(of(Agent::Claude, "AskUserQuestion", r#"{"questions":[]}"#), Interaction::Call);
    assert_eq!(of(Agent::Codex, "ExitPlanMode", "{}"), Interaction::Call);
}

#[test]
fn answers_are_put_in_as_the_agents_own_dialog_writes_them() {
    let chosen = &["A, b", "Blue", "Say \"hi\"", "own words"][..];

    let input = answer(&[("Which?", chosen), ("Size?", &["XXL, please"])]).unwrap();

    let input: serde_json::Value = serde_json::from_str(&input).unwrap();
    assert_eq!(input["answers"]["Which?"], r#""A, b", Blue, "Say \"hi\"", own words"#);
    assert_eq!(input["answers"]["Size?"], "XXL, please");
    let asked: serde_json::Value = serde_json::from_str(ASKED).unwrap();
    assert_eq!(
        (&input["questions"], &input["metadata"]),
        (&asked["questions"], &asked["metadata"])
    );
}

#[test]
fn answers_that_do_not_fit_say_which_question() {
    let size: (&str, &[&str]) = ("Size?", &["L"]);
    let which: (&str, &[&str]) = ("Which?", &["Blue"]);

    for (answers, problem) in [
        (&[which][..], "'Size?' is not answered"),
        (&[which, ("Size?", &[])], "'Size?' is not answered"),
        (&[which, ("Size?", &[" "])], "'Size?' is not answered"),
        (&[which, ("Size?", &["L", "S"])], "'Size?' takes one answer"),
        (&[which, size, size], "'Size?' is answered twice"),
        (&[which, size, ("Colour?", &["x"])], "'Colour?' is not asked"),
    ] {
        assert_eq!(answer(answers), Err(problem.to_owned()));
    }
    let bash = call(Agent::Claude, "Bash", "{}");
    assert!(Agent::Claude.answer_questions(&bash, &[]).is_err());
    assert!(Agent::Codex.answer_questions(&asked(), &[]).is_err());
}
