//! `cpctl approvals answer`.

use codeplane_client::v1;
use v1::decide_approval_request::Answer;

use super::decide::decide;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::text;

/// Answer what an agent asks its user
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl approvals answer 3f2a 'PostgreSQL'
  cpctl approvals answer 3f2a lint test               where several may be chosen
  cpctl approvals answer 3f2a 'neither: use a file'   other text
  cpctl approvals answer 3f2a --answer 1=yes --answer 'Which port?=8080'

Where several questions are asked, all have to be answered.")]
pub(crate) struct Args {
    /// Id, or beginning of the id
    approval: String,
    /// Labels, or other text, for the one question or for the one that --question names
    #[arg(value_name = "ANSWER")]
    labels: Vec<String>,
    /// Which question is answered, by its text or number
    #[arg(long, value_name = "QUESTION", requires = "labels")]
    question: Option<String>,
    /// One answer to one question, which is named by its text or number; may be repeated
    #[arg(long = "answer", value_name = "QUESTION=ANSWER")]
    answers: Vec<String>,
    /// Answer only if this is the hash of the request
    #[arg(long, value_name = "SHA256")]
    hash: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let approval = client.get_approval(&args.approval).await?;
    let answers = answers(&approval, &args).map_err(Failure::Usage)?;
    let answer = Answer::Answers(v1::QuestionAnswers { answers });
    decide(&client, approval, args.hash, answer).await?;
    Ok(Exit::Done)
}

/// What is answered to each question, in their order.
fn answers(approval: &v1::Approval, args: &Args) -> Result<Vec<v1::QuestionAnswer>, String> {
    let questions = &approval.questions;
    if questions.is_empty() {
        let id = text::short(&approval.id);
        return Err(format!("{id} asks no question: decide it with 'allow' or 'deny'"));
    }
    let mut given: Vec<Vec<String>> = vec![Vec::new(); questions.len()];
    if !args.labels.is_empty() {
        let which = match (&args.question, questions.len()) {
            (Some(named), _) => find(questions, named)?,
            (None, 1) => 0,
            (None, count) => {
                return Err(format!(
                    "{count} questions are asked: name one with --question, or use --answer for each"
                ));
            }
        };
        given[which].extend(args.labels.iter().cloned());
    }
    for answer in &args.answers {
        let (which, label) = split(questions, answer)?;
        given[which].push(label.to_owned());
    }
    questions
        .iter()
        .zip(given)
        .enumerate()
        .map(|(i, (question, given))| check(i, question, given))
        .collect()
}

/// One question's answers, if they fit it.
fn check(
    i: usize,
    question: &v1::Question,
    answers: Vec<String>,
) -> Result<v1::QuestionAnswer, String> {
    let number = i + 1;
    let asked = text::printable(&question.text);
    if answers.is_empty() {
        return Err(format!(
            "question {number} is not answered ({asked}): add --answer '{number}=…'"
        ));
    }
    if answers.len() > 1 && !question.multi_select {
        let count = answers.len();
        return Err(format!(
            "question {number} takes one answer, not {count} ({asked}): quote an answer with spaces"
        ));
    }
    Ok(v1::QuestionAnswer { question: question.text.clone(), answers })
}

/// The question named by its text or number.
fn find(questions: &[v1::Question], named: &str) -> Result<usize, String> {
    let by_text = questions.iter().position(|question| question.text == named);
    let by_number = || named.parse::<usize>().ok()?.checked_sub(1).filter(|i| *i < questions.len());
    let count = questions.len();
    by_text.or_else(by_number).ok_or_else(|| {
        format!(
            "'{}' is no question: write its text, or a number from 1 to {count}",
            text::printable(named)
        )
    })
}

/// `QUESTION=ANSWER`, where both may have equals signs: the question that is asked tells where it ends.
fn split<'a>(questions: &[v1::Question], text: &'a str) -> Result<(usize, &'a str), String> {
    let by_text = questions.iter().enumerate().find_map(|(i, question)| {
        Some((i, text.strip_prefix(question.text.as_str())?.strip_prefix('=')?))
    });
    if let Some(found) = by_text {
        return Ok(found);
    }
    let (named, label) = text
        .split_once('=')
        .ok_or_else(|| format!("'{}' has no '=': write QUESTION=ANSWER", text::printable(text)))?;
    Ok((find(questions, named)?, label))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// Two questions, the second of which takes several answers.
    fn asked(count: usize) -> v1::Approval {
        let question = |text: &str, multi_select| v1::Question {
            text: text.into(),
            multi_select,
            ..Default::default()
        };
        let mut questions = vec![question("Is a=b?", false), question("Which?", true)];
        questions.truncate(count);
        v1::Approval { id: "3f2a0000".into(), questions, ..Default::default() }
    }

    fn given(count: usize, words: &[&str]) -> Result<Vec<Vec<String>>, String> {
        let line = Line::parse_from(["answer", "3f2a"].iter().chain(words));
        let answers = answers(&asked(count), &line.args)?;
        Ok(answers.into_iter().map(|answer| answer.answers).collect())
    }

    #[test]
    fn one_question_takes_what_is_there() {
        assert_eq!(given(1, &["yes"]).unwrap(), [["yes"]]);
        assert_eq!(given(1, &["--question", "1", "yes"]).unwrap(), [["yes"]]);
        assert_eq!(given(1, &["--answer", "Is a=b?=c=d"]).unwrap(), [["c=d"]]);
    }

    #[test]
    fn several_questions_are_told_apart_by_text_or_number() {
        let both = [vec!["yes".to_owned()], vec!["x".to_owned(), "y".to_owned()]];

        assert_eq!(
            given(2, &["--answer=1=yes", "--answer=2=x", "--answer=Which?=y"]).unwrap(),
            both
        );
        assert_eq!(
            given(2, &["--answer", "1=yes", "--question", "Which?", "x", "y"]).unwrap(),
            both
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_to_write() {
        for (count, words, told) in [
            (0, &["yes"][..], "asks no question"),
            (1, &[], "question 1 is not answered"),
            (1, &["yes", "no"], "takes one answer, not 2"),
            (2, &["yes"], "2 questions are asked"),
            (2, &["--answer", "1=yes"], "question 2 is not answered"),
            (1, &["--answer", "2=yes"], "'2' is no question"),
            (1, &["--answer", "0=yes"], "'0' is no question"),
            (1, &["--answer", "yes"], "has no '='"),
            (1, &["--question", "Why?", "yes"], "'Why?' is no question"),
        ] {
            let error = given(count, words).unwrap_err();
            assert!(error.contains(told), "{words:?}: {error}");
        }
    }
}
