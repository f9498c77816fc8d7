//! What is seen, and what keys do, without a terminal.

mod dialogs;

use std::time::{Duration, Instant};

use codeplane_client::v1;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use v1::decide_approval_request::Answer;

use super::keys::Key;
use super::model::{Effect, Model};
use super::source::Change;
use super::view;

/// A user before a screen who takes a second to look at each of its states.
struct User {
    model: Model,
    cells: Buffer,
    now: Instant,
}

impl User {
    fn before(width: u16, height: u16) -> Self {
        let cells = Buffer::empty(Rect::new(0, 0, width, height));
        Self { model: Model::default(), cells, now: Instant::now() }
    }

    fn sees(approvals: Vec<v1::Approval>) -> Self {
        let mut user = Self::before(80, 24);
        user.hears(approvals);
        user
    }

    fn hears(&mut self, changes: Vec<v1::Approval>) {
        self.model.apply(Change::Approvals(changes));
        self.looks();
    }

    fn blinks(&mut self) {
        self.cells.reset();
        let drawing = view::draw(&self.model, &mut self.cells, Timestamp::UNIX_EPOCH);
        self.model.drawn(drawing, self.now);
    }

    fn looks(&mut self) {
        self.blinks();
        self.now += Duration::from_secs(1);
        self.blinks();
    }

    fn presses(&mut self, key: Key) -> Effect {
        let effect = self.model.press(key, self.now);
        self.looks();
        effect
    }

    fn types(&mut self, keys: &str) -> Effect {
        keys.chars().map(|key| self.presses(Key::Character(key))).last().unwrap()
    }

    #[track_caller]
    fn decides(&mut self, key: Key) -> v1::DecideApprovalRequest {
        match self.presses(key) {
            Effect::Decide(request) => request,
            other => panic!("{other:?}: {}", self.screen()),
        }
    }

    fn screen(&self) -> String {
        let width = usize::from(self.cells.area().width);
        let rows = self.cells.content().chunks(width);
        let lines =
            rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
        lines.map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

fn bash(id: char, command: &str) -> v1::Approval {
    v1::Approval {
        id: String::from(id).repeat(8),
        session_id: "6f1c0000-0000".into(),
        session_name: "web".into(),
        incarnation: 1,
        kind: v1::ApprovalKind::ToolCall.into(),
        state: v1::ApprovalState::Pending.into(),
        request_hash: format!("hash of {id}"),
        provider: "claude".into(),
        tool: "Bash".into(),
        input: serde_json::json!({ "command": command }).to_string(),
        cwd: "/home/ada".into(),
        subject: command.into(),
        create_time: Some(prost_types::Timestamp { seconds: -60, nanos: 0 }),
        expire_time: Some(prost_types::Timestamp { seconds: 3600, nanos: 0 }),
        ..Default::default()
    }
}

fn ended(approval: v1::Approval) -> v1::Approval {
    let state = v1::ApprovalState::Denied.into();
    v1::Approval { state, decided_by: "somebody".into(), ..approval }
}

fn question(id: char, multi_select: &[bool]) -> v1::Approval {
    let option = |label: &str| v1::QuestionOption { label: label.into(), ..Default::default() };
    let questions = multi_select.iter().enumerate().map(|(i, &multi_select)| v1::Question {
        text: format!("Which {i}?"),
        options: vec![option("red"), option("blue")],
        multi_select,
        ..Default::default()
    });
    let mut approval = bash(id, "");
    approval.questions = questions.collect();
    approval.set_kind(v1::ApprovalKind::Question);
    approval
}

fn answers(request: v1::DecideApprovalRequest) -> Vec<Vec<String>> {
    let Some(Answer::Answers(answers)) = request.answer else { panic!("no answers") };
    answers.answers.into_iter().map(|answer| answer.answers).collect()
}

#[test]
fn queue_and_details_fit_a_small_terminal() {
    let mut first = bash('a', "echo \x1b[2J\nrm -rf /");
    first.reasons = vec!["no rule allows it".into()];
    let user = User::sees(vec![first, bash('b', "ls")]);

    let expected = " approvals: 2 waiting
  DENIED        SESSION    TOOL       WHAT
> in 1 hour     web        Bash       echo \\x1b[2J\\nrm -rf /
  in 1 hour     web        Bash       ls
────────────────────────────────────────────────────────────────────────────────
aaaaaaaa pending, asked 1 minute ago, denied in 1 hour
session     web (6f1c0000), run 1
agent       claude
in          /home/ada
Bash        2 lines
1 | echo \\x1b[2J
2 | rm -rf /
1 character in it does not print, shown as \\x1b or <U+202E>
grant       this exact request
because     no rule allows it
hash        hash of a







 a allow  d deny  g remember  e edit  Space more  Enter all  ? help  q quit
";
    assert_eq!(user.screen(), expected);
}

#[test]
fn an_empty_queue_says_so_and_decides_nothing() {
    let mut user = User::sees(Vec::new());

    assert!(user.screen().contains("Nothing waits."), "{}", user.screen());
    assert!(matches!(user.types("adgeA"), Effect::Nothing));
}

#[test]
fn every_size_can_be_drawn() {
    for (width, height) in [(1, 1), (20, 5), (20, 6), (80, 5), (300, 100)] {
        let mut user = User::before(width, height);
        user.hears(vec![bash('a', &"x\n".repeat(50)), question('b', &[true])]);
        user.types("d");
        user.presses(Key::Escape);
        user.types("jA");
    }
}

#[test]
fn a_key_decides_what_is_on_the_screen_under_its_hash() {
    let mut user = User::sees(vec![bash('a', "one"), bash('b', "two")]);
    user.types("j");

    let request = user.decides(Key::Character('a'));

    assert_eq!(
        (request.approval.as_str(), request.request_hash.as_str()),
        ("bbbbbbbb", "hash of b")
    );
    assert_eq!(request.answer, Some(Answer::Allow(v1::AllowAnswer::default())));
}

#[test]
fn a_key_that_comes_just_after_something_else_appeared_decides_nothing() {
    let mut user = User::sees(vec![bash('a', "one"), bash('b', "two")]);

    let typed_blindly = [
        user.model.press(Key::Character('j'), user.now),
        user.model.press(Key::Character('a'), user.now),
    ];

    assert!(matches!(typed_blindly, [Effect::Nothing, Effect::Nothing]));
    user.blinks();
    assert!(matches!(user.model.press(Key::Character('a'), user.now), Effect::Nothing));
    assert!(user.model.notice.contains("just appeared"), "{}", user.model.notice);
    user.looks();
    assert_eq!(user.decides(Key::Character('a')).approval, "bbbbbbbb");
}

#[test]
fn what_is_decided_elsewhere_stays_on_the_screen_and_takes_no_key() {
    let mut user = User::sees(vec![bash('a', "one"), bash('b', "two")]);

    user.hears(vec![ended(bash('a', "one"))]);

    assert!(user.screen().contains("> denied"), "{}", user.screen());
    assert!(matches!(user.types("a"), Effect::Nothing));
    assert!(user.screen().contains("it is denied already"), "{}", user.screen());
    user.types("j");
    assert_eq!(user.decides(Key::Character('a')).approval, "bbbbbbbb");
}

#[test]
fn after_a_decision_the_next_that_waits_is_selected() {
    let mut user = User::sees(vec![bash('a', "one"), bash('b', "two"), bash('c', "three")]);
    user.types("j");
    user.decides(Key::Character('a'));

    let approval = Some(ended(bash('b', "two")));
    let done = v1::DecideApprovalResponse { approval, ..Default::default() };
    user.model.decided("bbbbbbbb", Ok(done));
    user.blinks();

    assert!(user.screen().contains("denied bbbbbbbb in web: Bash two"), "{}", user.screen());
    assert!(user.screen().contains("\ncccccccc pending"), "{}", user.screen());
    assert!(matches!(user.model.press(Key::Character('a'), user.now), Effect::Nothing));
    user.looks();
    assert_eq!(user.decides(Key::Character('a')).approval, "cccccccc");
}

#[test]
fn whoever_has_gone_elsewhere_stays_there_when_the_decision_is_made() {
    let mut user = User::sees(vec![bash('a', "one"), bash('b', "two"), bash('c', "three")]);
    user.decides(Key::Character('a'));
    user.types("jjd");

    let approval = Some(ended(bash('a', "one")));
    let done = v1::DecideApprovalResponse { approval, ..Default::default() };
    user.model.decided("aaaaaaaa", Ok(done));

    user.looks();
    assert_eq!(user.decides(Key::Enter).approval, "cccccccc");
}

#[test]
fn only_keys_that_do_something_are_offered() {
    let bar = |user: &User| user.screen().lines().last().unwrap().to_owned();
    let mut user = User::before(100, 24);
    assert_eq!(
        {
            user.looks();
            bar(&user)
        },
        " ? help  q quit"
    );

    user.hears(vec![question('a', &[false]), bash('b', "x")]);
    assert!(bar(&user).starts_with(" A answer  d deny  Space more"), "{}", bar(&user));
    user.types("j");
    assert!(bar(&user).starts_with(" a allow  d deny  g remember  e edit"), "{}", bar(&user));
    user.presses(Key::Enter);
    assert!(bar(&user).contains("Enter back"), "{}", bar(&user));
    user.types("d");
    assert_eq!(bar(&user), " Esc goes back");
    user.presses(Key::Escape);
    user.hears(vec![ended(bash('b', "x"))]);
    assert!(bar(&user).starts_with(" j next  Space"), "{}", bar(&user));
}

#[test]
fn a_question_mark_tells_what_the_keys_do() {
    let mut user = User::sees(vec![bash('a', "x")]);

    assert!(matches!(user.types("?a"), Effect::Nothing));

    assert!(user.screen().contains("d      deny it, with a message"), "{}", user.screen());
    user.presses(Key::Escape);
    assert_eq!(user.decides(Key::Character('a')).approval, "aaaaaaaa");
}

#[test]
fn a_long_name_moves_no_column() {
    let long = v1::Approval {
        tool: "mcp__tracker__read_issue".into(),
        session_name: "a-rather-long-name".into(),
        ..bash('a', "x")
    };

    let user = User::sees(vec![long]);

    assert!(user.screen().contains("> in 1 hour     a-rather-… mcp__trac… x"), "{}", user.screen());
}

#[test]
fn a_request_that_has_changed_has_to_be_looked_at_again() {
    let mut user = User::sees(vec![bash('a', "one")]);
    let other = v1::Approval { request_hash: "other".into(), ..bash('a', "rm -rf /") };

    user.model.apply(Change::Approvals(vec![other]));

    assert!(matches!(user.model.press(Key::Character('a'), user.now), Effect::Nothing));
}

#[test]
fn what_does_not_fit_has_to_be_read_before_it_is_allowed() {
    let command: String = (1..=30).map(|line| format!("echo {line}\n")).collect();
    let mut user = User::sees(vec![bash('a', &command)]);

    assert!(matches!(user.types("a"), Effect::Nothing));
    assert!(user.screen().contains("more rows of it"), "{}", user.screen());
    user.types("  ");

    assert!(user.screen().contains("30 | echo 30"), "{}", user.screen());
    assert_eq!(user.decides(Key::Character('a')).approval, "aaaaaaaa");
}

#[test]
fn a_denial_has_a_message() {
    let mut user = User::sees(vec![bash('a', "one")]);
    user.types("duse makee");
    user.presses(Key::Backspace);
    user.presses(Key::Pasted("\x1b!".into()));
    assert!(user.screen().contains("> use make\\x1b!_"), "{}", user.screen());

    let request = user.decides(Key::Enter);

    let message = "use make\x1b!".into();
    assert_eq!(request.answer, Some(Answer::Deny(v1::DenyAnswer { message })));
}

#[test]
fn what_is_pasted_decides_nothing() {
    let mut user = User::sees(vec![bash('a', "x")]);

    assert!(matches!(user.presses(Key::Pasted("a".into())), Effect::Nothing));
}

#[test]
fn details_can_have_the_whole_screen() {
    let mut user = User::sees(vec![bash('a', "x"), bash('b', "y")]);

    user.presses(Key::Enter);

    assert!(
        user.screen().starts_with(" approvals: 2 waiting\naaaaaaaa pending"),
        "{}",
        user.screen()
    );
    user.presses(Key::Escape);
    assert!(user.screen().contains("> in 1 hour"), "{}", user.screen());
}

#[test]
fn the_end_of_a_decision_is_told() {
    let mut user = User::sees(vec![bash('a', "x")]);

    user.model.decided("aaaaaaaa", Err("the request is another one\x1b[2J".into()));
    user.looks();

    assert!(user.screen().contains("another one\\x1b[2J"), "{}", user.screen());
}

#[test]
fn an_absent_daemon_is_told_until_it_is_back() {
    let mut user = User::sees(vec![bash('a', "x")]);
    user.model.apply(Change::Away("no daemon answers".into()));
    user.looks();
    assert!(user.screen().contains("no daemon answers: waiting"), "{}", user.screen());

    user.hears(Vec::new());

    assert!(!user.screen().contains("waiting\n a allow"), "{}", user.screen());
}

#[test]
fn q_leaves() {
    let mut user = User::sees(vec![bash('a', "x")]);

    assert!(matches!(user.types("q"), Effect::Leave));
    assert!(matches!(user.presses(Key::Leave), Effect::Leave));
}
