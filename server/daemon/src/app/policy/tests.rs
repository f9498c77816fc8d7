//! Who is judged by what, and when that changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use codeplane_core::policy::Effect;
use codeplane_core::{
    Asks, BindingTarget, HostId, Labels, Mandate, NewSession, PolicyBinding, PolicyRef, Role,
    Roles, SessionAgent, SessionId, TerminalSize, Timestamp,
};
use codeplane_store::Applied;

use super::*;
use crate::app::tests::Fixture;
use crate::app::{App, Caller, Error, UpdateRequest};

fn session(directory: &str) -> NewSession {
    NewSession {
        id: SessionId::random(),
        host: HostId::from_bytes([2; 16]),
        name: None,
        labels: Labels::new([("team".to_owned(), "a".to_owned())]).unwrap(),
        command: vec!["true".to_owned()],
        cwd: directory.to_owned(),
        size: TerminalSize::DEFAULT,
        provider: "claude".to_owned(),
        source: "test".to_owned(),
        parent: None,
        keep: false,
        mandate: Mandate {
            workspace: format!("{directory}/.git"),
            directory: directory.to_owned(),
            ..Mandate::default()
        },
        created_at: Timestamp::from_micros(1),
    }
}

fn file(text: &str) -> ApplyRequest {
    ApplyRequest {
        file: PolicyFile { text: text.to_owned(), format: None, name: "p.yaml".to_owned() },
        mode: ApplyMode::Write,
        note: String::new(),
        expected: BTreeMap::new(),
    }
}

async fn apply(app: &App, text: &str) {
    app.apply_policies(&Caller::local(1), file(text), None).await.unwrap();
}

/// Binds without looking at any directory.
async fn bind(app: &App, name: &str, target: BindingTarget) {
    let binding = PolicyBinding {
        policy: codeplane_core::PolicyName::new(name).unwrap(),
        target,
        principal: "uid:1".to_owned(),
        bound_at: Timestamp::from_micros(1),
    };
    app.policies.adopt(app.store.bind_policy(binding, None).await.unwrap());
}

fn agent() -> SessionAgent {
    SessionAgent { home: "/home/u".to_owned(), ..SessionAgent::default() }
}

/// What becomes of a command in a session.
fn decision(app: &App, session: &NewSession, command: &str) -> Effect {
    decision_of(app, (session, &agent()), command)
}

fn decision_of(app: &App, who: (&NewSession, &SessionAgent), command: &str) -> Effect {
    let (session, agent) = who;
    let bound = app.bound_rules(session, agent);
    let call = serde_json::json!({
        "tool": "Bash", "input": {"command": command}, "cwd": session.cwd, "provider": "claude",
    });
    let call = codeplane_core::policy::Value::parse(call.to_string().as_bytes()).unwrap();
    let mut call = simulate::request(&call, "/home/u").unwrap();
    call.labels = Some(BTreeMap::new());
    let now_ms = app.clock.now().as_micros() / 1000;
    let analysis = codeplane_core::policy::analyse(&call);
    let facts = analysis.questions().answer(&Files);
    let verdict =
        codeplane_core::policy::evaluate(bound.rules.at(now_ms), &call, &analysis, &facts);
    bound::settle(session.mandate.asks, verdict.decision)
}

#[tokio::test]
async fn no_rule_opens_the_daemons_own_places_nor_settings_that_the_session_names() {
    let fixture = Fixture::new(|config| config.file = Some("/x/cpd.toml".into()));
    let app = &fixture.app;
    let other = tempfile::tempdir().unwrap();
    let path = |name: &str| other.path().join(name).display().to_string();
    std::os::unix::fs::symlink(&app.directories.state, path("state")).unwrap();
    std::fs::create_dir(path("settings")).unwrap();
    std::os::unix::fs::symlink(path("settings"), path("named")).unwrap();
    apply(app, "name: wide\nallow: ['Bash(rm:*)']\n").await;
    bind(app, "wide", BindingTarget::Default).await;
    let agent = SessionAgent { settings: vec![path("named")], ..agent() };
    let session = session("/w");
    let decides = |path: &str| decision_of(app, (&session, &agent), &format!("rm {path}"));

    assert_eq!(decides("/w/x"), Effect::Allow);
    let (state, runtime) = (app.directories.state.display(), app.directories.runtime.display());
    assert_eq!(decides(&format!("{state}/codeplane.db")), Effect::Ask);
    assert_eq!(decides(&format!("{runtime}/hook/x.token")), Effect::Ask);
    assert_eq!(decides(&path("state/codeplane.db")), Effect::Ask);
    assert_eq!(decides("/x/cpd.toml"), Effect::Ask);
    assert_eq!(decides("/x/other.toml"), Effect::Allow);
    assert_eq!(decides(&path("named/settings.json")), Effect::Ask);
    assert_eq!(decides(&path("settings/settings.json")), Effect::Ask);
}

#[tokio::test]
async fn a_simulation_knows_the_daemons_own_places() {
    let fixture = Fixture::new(|_| {});
    let file = fixture.app.directories.state.join("codeplane.db");
    let call = serde_json::json!({
        "tool": "Write", "input": {"file_path": file, "content": ""}, "cwd": "/w",
    });
    let request = SimulateRequest {
        request: call.to_string(),
        rules: Some(r#"[{"effect": "allow", "tool": "Write"}]"#.to_owned()),
        ..SimulateRequest::default()
    };

    let judged = fixture.app.simulate_policy(request).await.unwrap();

    assert_eq!(judged.decision, Effect::Ask, "{:?}", judged.verdict);
}

const ALLOW: &str = "name: allows\nallow: ['Bash(echo:*)']\n";
const DENY: &str = "name: denies\ndefault: deny\ndeny: ['Bash(echo no)']\n";

#[tokio::test]
async fn a_session_is_judged_by_all_policies_bound_to_what_it_is() {
    let fixture = Fixture::new(|_| {});
    let app = &fixture.app;
    let session = session("/w");
    let label = |value: &str| BindingTarget::Label { key: "team".into(), value: value.into() };
    let workspace = |identity: &str, directory: &str| BindingTarget::Workspace {
        identity: identity.to_owned(),
        directory: directory.to_owned(),
    };
    let targets = [
        (BindingTarget::Default, true),
        (label("a"), true),
        (label("b"), false),
        (workspace("/w/.git", "/elsewhere"), true),
        (workspace("/gone/.git", "/w"), true),
        (workspace("/gone/.git", "/"), true),
        (workspace("/gone/.git", "/w/sub"), false),
        (workspace("/gone/.git", "/ww"), false),
        (BindingTarget::Session(SessionId::random()), false),
    ];
    for (number, (target, _)) in targets.iter().enumerate() {
        apply(app, &format!("name: p{number}\nallow: [Read]\n")).await;
        let session_row = matches!(target, BindingTarget::Session(_));
        if !session_row {
            bind(app, &format!("p{number}"), target.clone()).await;
        }
    }

    let names: Vec<String> = app.policies_of(&session).into_iter().map(|one| one.name).collect();

    let expected: Vec<String> = (0..targets.len())
        .filter(|number| targets[*number].1)
        .map(|number| format!("p{number}"))
        .collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn rules_form_one_union_and_the_strictest_default_holds() {
    let fixture = Fixture::new(|_| {});
    let (app, session) = (&fixture.app, session("/"));
    assert_eq!(decision(app, &session, "echo yes"), Effect::Ask);
    apply(app, &format!("{ALLOW}---\n{DENY}")).await;

    bind(app, "allows", BindingTarget::Default).await;
    assert_eq!(decision(app, &session, "echo no"), Effect::Allow);
    assert_eq!(decision(app, &session, "ls"), Effect::Ask);

    bind(app, "denies", BindingTarget::Default).await;
    assert_eq!(decision(app, &session, "echo no"), Effect::Deny);
    assert_eq!(decision(app, &session, "echo yes"), Effect::Allow);
    assert_eq!(decision(app, &session, "ls"), Effect::Deny);
    let named = app.bound_rules(&session, &agent()).policies.clone();
    let reference = |name: &str| PolicyRef { name: name.to_owned(), revision: 1 };
    assert_eq!(named, [reference("allows"), reference("denies")]);
}

#[tokio::test]
async fn what_nobody_is_there_to_answer_is_denied_and_what_is_dangerous_keeps_its_denials() {
    let fixture = Fixture::new(|_| {});
    let app = &fixture.app;
    apply(app, "name: p\nallow: ['Bash(echo yes)']\nask: ['Bash(ls)']\ndeny: ['Bash(echo no)']\n")
        .await;
    bind(app, "p", BindingTarget::Default).await;
    let with = |asks| {
        let mut session = session("/");
        session.mandate.asks = asks;
        session
    };

    for (asks, expected) in [
        (Asks::Person, [Effect::Allow, Effect::Ask, Effect::Deny, Effect::Ask]),
        (Asks::Denied, [Effect::Allow, Effect::Deny, Effect::Deny, Effect::Deny]),
        (Asks::Allowed, [Effect::Allow, Effect::Allow, Effect::Deny, Effect::Allow]),
    ] {
        for (command, expected) in ["echo yes", "ls", "echo no", "pwd"].into_iter().zip(expected) {
            assert_eq!(decision(app, &with(asks), command), expected, "{asks:?} {command}");
        }
    }
}

#[tokio::test]
async fn rules_of_its_own_allow_in_one_session_only() {
    let fixture = Fixture::new(|_| {});
    let app = &fixture.app;
    let mut own = session("/");
    own.mandate.allow =
        vec!["Bash(echo:*)".to_owned(), r#"{"tool": "Bash", "command": "ls"}"#.to_owned()];

    assert_eq!(decision(app, &own, "echo yes"), Effect::Allow);
    assert_eq!(decision(app, &own, "ls"), Effect::Allow);
    assert_eq!(decision(app, &session("/"), "ls"), Effect::Ask);
}

#[test]
fn rules_of_its_own_deny_nothing_and_are_read_strictly() {
    assert!(own_rule("Read(~/x/**)").is_ok());
    assert!(own_rule(r#"{"effect": "allow", "tool": "Read"}"#).is_ok());
    for bad in ["", "Bash(", r#"{"effect": "deny", "tool": "Bash"}"#, r#"{"tols": "Bash"}"#, "{"] {
        assert!(own_rule(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn ready_rules_are_kept_until_something_changes_and_lose_those_that_expire() {
    let fixture = Fixture::new(|_| {});
    let (app, session) = (&fixture.app, session("/"));
    // The clock of the fixture begins with 2026.
    apply(
        app,
        "name: p\nrules:\n- {effect: allow, tool: Bash, command: ls, expires_at: '2026-01-02T00:00:00Z'}\n",
    )
    .await;
    bind(app, "p", BindingTarget::Default).await;
    let first = app.bound_rules(&session, &agent());
    assert!(Arc::ptr_eq(&first, &app.bound_rules(&session, &agent())));
    assert_eq!(decision(app, &session, "ls"), Effect::Allow);

    fixture.clock.fetch_add(2 * 86_400_000_000, Ordering::Relaxed);
    assert_eq!(decision(app, &session, "ls"), Effect::Ask);
    assert!(Arc::ptr_eq(&first, &app.bound_rules(&session, &agent())));

    apply(app, "name: p\nallow: ['Bash(ls)']\n").await;
    assert_eq!(decision(app, &session, "ls"), Effect::Allow);
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_any_more_denies_what_it_judges() {
    let fixture = Fixture::new(|_| {});
    let (app, session) = (&fixture.app, session("/"));
    apply(app, ALLOW).await;
    bind(app, "allows", BindingTarget::Default).await;
    let mut snapshot = app.store.policies().await.unwrap();
    snapshot.generation += 1;
    snapshot.policies[0].current.document = "{\"of\": \"another version\"}".to_owned();

    app.policies.adopt(snapshot);

    assert_eq!(decision(app, &session, "echo yes"), Effect::Deny);
}

#[tokio::test]
async fn an_older_state_does_not_replace_a_newer_one() {
    let fixture = Fixture::new(|_| {});
    let app = &fixture.app;
    let before = app.store.policies().await.unwrap();
    apply(app, ALLOW).await;

    app.policies.adopt(before);

    assert_eq!(app.list_policies(10, None).items.len(), 1);
}

#[tokio::test]
async fn every_problem_of_a_file_is_told_with_its_place_and_nothing_is_applied() {
    let fixture = Fixture::new(|_| {});
    let text = "name: a\nallow: [Read]\n---\nname: b\nallow: ['Bash(']\ndefault: allow\n";

    let refused = fixture.app.apply_policies(&Caller::local(1), file(text), None).await;

    let Err(Error::Invalid(violations)) = refused else { panic!("it was applied") };
    let fields: Vec<&str> = violations.as_slice().iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields.len(), 2, "{fields:?}");
    assert!(fields.iter().all(|field| field.starts_with("p.yaml:")), "{fields:?}");
    assert!(fixture.app.list_policies(10, None).items.is_empty());
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_done() {
    let fixture = Fixture::new(|_| {});
    let dry = ApplyRequest { mode: ApplyMode::DryRun, ..file(ALLOW) };

    let told = fixture.app.apply_policies(&Caller::local(1), dry, None).await.unwrap();

    assert_eq!(told.policies[0].applied, Applied::Created);
    assert!(fixture.app.list_policies(10, None).items.is_empty());
}

#[tokio::test]
async fn who_may_not_say_what_is_allowed_may_not_move_a_session_to_other_rules() {
    let fixture = Fixture::new(|_| {});
    let app = &fixture.app;
    apply(app, "name: team\nrules: []\n").await;
    let target = BindingTarget::Label { key: "team".to_owned(), value: "a".to_owned() };
    bind(app, "team", target).await;
    let id = fixture.ended_session().await.to_string();
    app.recover().await.unwrap();
    let set = |caller: Caller, key: &str| {
        let set_labels = vec![(key.to_owned(), "b".to_owned())];
        let request = UpdateRequest { set_labels, ..UpdateRequest::default() };
        let id = id.clone();
        async move { app.update_description(&caller, &id, request, None).await }
    };
    let operator = || Caller::user(1001, 1, Roles::from_iter([Role::Operator]));

    let refused = set(operator(), "team").await;

    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    assert!(set(operator(), "colour").await.is_ok());
    assert!(set(Caller::local(1), "team").await.is_ok());
}
