//! Which door leads to what, and for whom.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use codeplane_client::v1::{CreateSessionRequest, Role, SessionState};
use codeplane_proto::REQUIRED_ROLES;
use codeplane_tests::{
    DaemonOptions, PATIENCE, TestDaemon, as_root_only, binary,
    processes::{Process, Signal},
    run, wait_until,
};
use tempfile::TempDir;

use super::{NOBODY, answers};

/// What every method answers at `socket`, a line each.
fn knock(daemon: &TestDaemon, socket: &Path, file: &Path) -> Vec<String> {
    let command = format!("knock {} {}", socket.display(), file.display());
    let finished = run(daemon.command("scripted-agent").arg(command), b"", PATIENCE);
    assert_eq!(finished.success(), "");
    answers(file)
}

/// Each method with the role it needs and its answer.
fn by_role(answers: &[String]) -> impl Iterator<Item = (Role, &str)> {
    assert_eq!(answers.len(), REQUIRED_ROLES.len(), "{answers:?}");
    REQUIRED_ROLES.iter().zip(answers).map(|((path, role), answer)| {
        let answer = answer.strip_prefix(path).expect("they come in order");
        (*role, answer.trim())
    })
}

/// Opens the operators' door to all users of the machine; answers a directory where they may write.
fn opened(daemon: &TestDaemon) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let op = daemon.socket().parent().unwrap().to_path_buf();
    for (path, mode) in [
        (daemon.directory(), 0o711),
        (place.path(), 0o777),
        (&op, 0o711),
        (&daemon.socket(), 0o666),
    ] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    place
}

/// A program of ours, run by a user that is not us, which cannot reach where it was built.
fn as_nobody(place: &TempDir, name: &str) -> Command {
    let program = place.path().join(name);
    if !program.exists() {
        fs::copy(binary(name), &program).unwrap();
    }
    let mut command = Command::new(program);
    command.env_clear().env("HOME", place.path()).uid(NOBODY).gid(NOBODY);
    command
}

#[tokio::test]
async fn the_hooks_door_leads_to_the_hooks_call_and_no_other_door_does() {
    let daemon = TestDaemon::start();
    let hooks = daemon.runtime_dir().join("hook").join("hook.sock");

    let at_hooks = knock(&daemon, &hooks, &daemon.home().join("hooks"));
    let at_operators = knock(&daemon, &daemon.socket(), &daemon.home().join("operators"));

    for ((role, hook), (_, operator)) in by_role(&at_hooks).zip(by_role(&at_operators)) {
        let is_hooks = role == Role::Agent;
        assert_eq!(hook.starts_with("Unimplemented"), !is_hooks, "{hook}");
        assert_eq!(operator.starts_with("Unimplemented"), is_hooks, "{operator}");
        assert!(!operator.starts_with("PermissionDenied"), "{operator}");
    }
}

#[tokio::test]
async fn another_user_may_do_what_its_roles_say_and_nothing_else() {
    if !as_root_only("become another user") {
        return;
    }
    for (word, held) in [("viewer", Role::Viewer), ("approver", Role::Approver)] {
        let config = Some(format!("[roles]\n{NOBODY} = [\"{word}\"]\n"));
        let daemon = TestDaemon::start_with(DaemonOptions { config, ..Default::default() });
        let place = opened(&daemon);

        let file = place.path().join("answers");
        let knock = format!("knock {} {}", daemon.socket().display(), file.display());
        let mut command = as_nobody(&place, "scripted-agent");
        assert_eq!(run(command.arg(knock), b"", PATIENCE).success(), "");

        for (role, answer) in by_role(&answers(&file)) {
            let expected = if role == Role::Agent {
                answer.starts_with("Unimplemented")
            } else if role == held {
                !answer.starts_with("PermissionDenied")
            } else {
                answer.starts_with("PermissionDenied") && answer.contains("this needs the role")
            };
            assert!(expected, "{role:?} as {word}: {answer}");
        }
    }
}

#[tokio::test]
async fn who_may_type_but_not_approve_answers_no_dialog() {
    if !as_root_only("become another user") {
        return;
    }
    let config = Some(format!("[roles]\n{NOBODY} = [\"viewer\", \"operator\"]\n"));
    let daemon = TestDaemon::start_with(DaemonOptions { config, ..Default::default() });
    let place = opened(&daemon);
    let got = daemon.home().join("got");
    let session = daemon.create(&["raw", "serve"]).await.id;
    daemon.printed(&session, "serving").await;
    let endpoint = format!("unix:{}", daemon.socket().display());
    let type_there = |args: &[&str]| {
        let mut command = as_nobody(&place, "cpctl");
        run(command.args(["--endpoint", &endpoint]).args(args), b"", PATIENCE)
    };

    drop(type_there(&["send", &session, "say typed", "--enter"]).success());
    daemon.printed(&session, "typed").await;
    let ask = r"say \e]7501;state=blocked:kind=permission\a";
    daemon.type_text(&session, format!("{ask}\nreceive 3 {}\n", got.display())).await;
    drop(daemon.cpctl(["wait", &session, "--for", "approval", "--timeout", "60s"]).success());
    for refused in [&["send", &session, "yes"][..], &["keys", &session, "enter"]] {
        let complaint = type_there(refused).failure(4);
        assert!(complaint.contains("needs the role approver"), "{complaint}");
    }
    drop(type_there(&["keys", &session, "ctrl+c", "escape"]).success());
    drop(daemon.cpctl(["keys", &session, "y"]).success());

    daemon.printed(&session, "received").await;
    assert_eq!(fs::read(got).unwrap(), b"\x03\x1by");
}

#[tokio::test]
async fn everybody_is_told_who_the_daemon_takes_it_for() {
    let daemon = TestDaemon::start();

    let told = daemon.cpctl(["daemon", "status"]).success();

    let uid = nix::unistd::geteuid();
    let line = told.lines().find(|line| line.starts_with("you ")).unwrap().to_owned();
    assert!(line.ends_with(&format!("uid:{uid} (viewer, operator, approver, admin)")), "{line}");
}

/// What a person could be made to regret, and what only looks.
pub(super) const COMMANDS: [&str; 12] = [
    "approvals ls",
    "approvals allow 00000000",
    "approvals deny 00000000",
    "grants ls",
    "policy ls",
    "policy bind developer --default",
    "policy unbind developer --default",
    "audit ls",
    "attach 00000000",
    "send 00000000 yes",
    "rm --all",
    "daemon status",
];

/// Runs every command inside a session, and writes down what came of each: its code and complaint.
/// `before` stands in the script before them.
pub(super) fn script(daemon: &TestDaemon, file: &Path, before: &str) -> String {
    let cpctl = format!(
        "{} --no-autostart --endpoint unix:{}",
        binary("cpctl").display(),
        daemon.socket().display()
    );
    let (new, file) = (file.with_extension("new").display().to_string(), file.display());
    let mut script = format!("{before}\n");
    for command in COMMANDS {
        script.push_str(&format!(
            "complaint=$({cpctl} {command} 2>&1 </dev/null | tr '\\n' ' '); \
             echo \"{command}: $complaint\" >> {new}\n"
        ));
    }
    script + &format!("mv {new} {file}\n")
}

pub(super) async fn create(daemon: &TestDaemon, script: &str) -> String {
    let command = vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
    let request = CreateSessionRequest { command, ..CreateSessionRequest::default() };
    daemon.client().await.create_session(request).await.unwrap().id
}

#[track_caller]
pub(super) fn assert_all_refused(way: &str, told: &[String]) {
    assert_eq!(told.len(), COMMANDS.len(), "{way}: {told:?}");
    for (command, line) in COMMANDS.iter().zip(told) {
        assert!(line.starts_with(command) && line.contains("inside a session"), "{way}: {line}");
    }
}

#[tokio::test]
async fn no_command_of_a_person_works_inside_a_session_however_it_is_called() {
    let daemon = TestDaemon::start();
    let ways = [
        ("plainly", "sh"),
        ("in a session of processes of its own", "setsid -f sh"),
        ("as an orphan", "double"),
        ("with nothing in its environment", "env -i PATH=/usr/bin:/bin HOME=/ sh"),
    ];

    for (number, (way, how)) in ways.into_iter().enumerate() {
        let file = daemon.home().join(format!("told{number}"));
        let body = daemon.home().join(format!("script{number}"));
        fs::write(&body, script(&daemon, &file, "")).unwrap();
        let start = match how {
            // Its parent ends at once, and whoever adopts it is the next of kin.
            "double" => format!("( ( sh {} & ) & )", body.display()),
            how => format!("{how} {}", body.display()),
        };
        create(&daemon, &format!("{start}\nexec sleep 100000")).await;

        assert_all_refused(way, &answers(&file));
    }
}

#[tokio::test]
async fn no_command_of_a_person_works_for_who_outlived_its_shim() {
    let daemon = TestDaemon::start();
    let at = |name: &str| daemon.home().join(name);
    let (file, body, pid, go) = (at("told"), at("script"), at("pid"), at("go"));
    let wait = format!(
        "echo $$ > {0}.new; mv {0}.new {0}; until [ -e {1} ]; do sleep 0.02; done",
        pid.display(),
        go.display()
    );
    fs::write(&body, script(&daemon, &file, &wait)).unwrap();
    let session =
        create(&daemon, &format!("setsid -f sh {}\nexec sleep 100000", body.display())).await;
    let escapee = wait_until("a pid", PATIENCE, || {
        Process::read(fs::read_to_string(&pid).ok()?.trim().parse().ok()?)
    });
    let [shim] = &daemon.shims()[..] else { panic!("one shim") };
    shim.signal(Signal::KILL);
    daemon.reaches(&session, SessionState::Lost).await;

    fs::write(go, "").unwrap();

    // It is dead, or it is refused.
    let told = wait_until("its end or what it was told", PATIENCE, || {
        if !escapee.is_alive() && !file.exists() {
            return Ok(None);
        }
        fs::read_to_string(&file).map(Some)
    });
    if let Some(told) = told {
        let told: Vec<String> = told.lines().map(str::to_owned).collect();
        assert_all_refused("without its shim", &told);
    }
}
