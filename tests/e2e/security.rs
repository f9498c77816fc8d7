//! Who gets in, and what can be read by whom.

mod doors;
mod escape;

use std::{
    fs,
    io::Read,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
};

use codeplane_client::v1::{CreateSessionRequest, EnvVar, SessionState, exit_status::Status};
use codeplane_proto::REQUIRED_ROLES;
use codeplane_tests::{
    PATIENCE, TestDaemon, as_root_only,
    attached::control,
    binary,
    processes::{Process, Signal},
    run, scripted, wait_until,
};

/// A user that is not us.
const NOBODY: u32 = 65534;

/// What the knocking process was answered, once it has knocked everywhere.
fn answers(file: &Path) -> Vec<String> {
    let text = wait_until("the answers", PATIENCE, || fs::read_to_string(file).ok());
    text.lines().map(str::to_owned).collect()
}

/// Every call was refused because of who called.
#[track_caller]
fn assert_refused(answers: &[String], because: &str) {
    assert_eq!(answers.len(), REQUIRED_ROLES.len(), "{answers:?}");
    for answer in answers {
        assert!(answer.contains("PermissionDenied"), "{answer}");
        assert!(answer.contains(because), "{answer}");
    }
}

fn knock(daemon: &TestDaemon, file: &Path) -> String {
    format!("knock {} {}", daemon.socket().display(), file.display())
}

#[tokio::test]
async fn who_is_in_no_session_is_answered() {
    let daemon = TestDaemon::start();
    let file = daemon.home().join("answers");

    let finished = run(daemon.command("scripted-agent").arg(knock(&daemon, &file)), b"", PATIENCE);
    assert_eq!(finished.success(), "");

    let answers = answers(&file);
    assert_eq!(answers.len(), REQUIRED_ROLES.len());
    assert!(!answers.iter().any(|answer| answer.contains("PermissionDenied")), "{answers:?}");
}

#[tokio::test]
async fn a_program_in_a_session_is_refused_every_call() {
    let daemon = TestDaemon::start();
    let file = daemon.home().join("answers");

    let session = daemon.create(&[&knock(&daemon, &file), "exit 0"]).await;

    assert_refused(&answers(&file), "inside a session");
    daemon.reaches(&session.id, SessionState::Exited).await;
}

#[tokio::test]
async fn it_is_refused_also_from_another_session_of_processes_and_as_an_orphan() {
    let mut daemon = TestDaemon::start();
    let (first, second) = (daemon.home().join("first"), daemon.home().join("second"));

    let aside = format!("aside {}", knock(&daemon, &first));
    let session = daemon.create(&[&aside, "serve"]).await;
    assert_refused(&answers(&first), "inside a session");
    daemon.restart();
    daemon.type_text(&session.id, format!("aside {}\n", knock(&daemon, &second))).await;

    assert_refused(&answers(&second), "inside a session");
}

#[tokio::test]
async fn it_is_refused_when_it_was_started_before_the_daemon() {
    let mut daemon = TestDaemon::start();
    let (file, go) = (daemon.home().join("answers"), daemon.home().join("go"));
    let script = [format!("await {}", go.display()), knock(&daemon, &file), "forever".to_owned()];
    daemon.create(&script.each_ref().map(String::as_str)).await;

    daemon.restart();
    fs::write(go, "").unwrap();

    assert_refused(&answers(&file), "inside a session");
}

#[tokio::test]
async fn who_outlives_the_shim_that_was_killed_under_it_is_still_no_operator() {
    let daemon = TestDaemon::start();
    let (file, go) = (daemon.home().join("answers"), daemon.home().join("go"));
    let pid = daemon.home().join("pid");
    let later = [
        format!("aside pid {}", pid.display()),
        format!("await {}", go.display()),
        knock(&daemon, &file),
    ];
    let session = daemon.create(&[&later.join(" && "), "forever"]).await;
    let escapee = wait_until("a pid", PATIENCE, || {
        Process::read(fs::read_to_string(&pid).ok()?.trim().parse().ok()?)
    });
    let [shim] = &daemon.shims()[..] else { panic!("one shim") };
    shim.signal(Signal::KILL);
    daemon.reaches(&session.id, SessionState::Lost).await;

    fs::write(go, "").unwrap();

    // It is dead, or it is refused.
    let answers = wait_until("its end or its answers", PATIENCE, || {
        if !escapee.is_alive() && !file.exists() {
            return Ok(None);
        }
        fs::read_to_string(&file).map(Some)
    });
    if let Some(answers) = answers {
        let answers: Vec<String> = answers.lines().map(str::to_owned).collect();
        assert_refused(&answers, "");
    }
}

#[tokio::test]
async fn another_user_is_refused_every_call_even_if_the_door_stands_open() {
    if !as_root_only("become another user") {
        return;
    }
    let daemon = TestDaemon::start();
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("scripted-agent");
    fs::copy(binary("scripted-agent"), &program).unwrap();
    for path in [daemon.directory(), place.path()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let as_nobody = |file: &str| {
        let file = place.path().join(file);
        let mut command = std::process::Command::new(&program);
        command.arg(knock(&daemon, &file)).uid(NOBODY).gid(NOBODY);
        assert_eq!(run(&mut command, b"", PATIENCE).success(), "");
        answers(&file)
    };

    let closed = as_nobody("closed");
    let op = daemon.socket().parent().unwrap().to_path_buf();
    fs::set_permissions(op, fs::Permissions::from_mode(0o711)).unwrap();
    fs::set_permissions(daemon.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    let open = as_nobody("open");

    assert!(closed[0].starts_with("no connection") && closed[0].contains("denied"), "{closed:?}");
    assert_refused(&open, "uid 65534");
}

#[tokio::test]
async fn a_daemon_cannot_be_started_inside_a_session() {
    let daemon = TestDaemon::start();
    let cpd = binary("cpd").display().to_string();
    let inside = daemon.home().join("inside");
    let command = vec![cpd, "--state-dir".into(), inside.display().to_string()];
    let request = CreateSessionRequest { command, ..CreateSessionRequest::default() };

    let session = daemon.client().await.create_session(request).await.unwrap();

    let ended = daemon.reaches(&session.id, SessionState::Exited).await;
    assert_eq!(ended.exit_status.unwrap().status, Some(Status::Code(1)));
    let said = String::from_utf8(daemon.output(&session.id).await).unwrap();
    assert!(said.contains("inside session"), "{said}");
    assert!(!inside.exists());
}

#[tokio::test]
async fn directories_files_and_sockets_are_closed_to_others() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["say something", "forever"]).await;
    daemon.printed(&session.id, "something").await;
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().mode() & 0o7777;
    let run = daemon.runtime_dir();

    for (path, wanted) in [
        (run.clone(), 0o711),
        (run.join("op"), 0o700),
        (run.join("shim"), 0o700),
        (run.join("hook"), 0o711),
        (daemon.socket(), 0o600),
        // Whoever connects says by a token of a file like the next which session it reports for.
        (run.join("hook/hook.sock"), 0o666),
        (run.join("hook").join(format!("{}.1.token", session.id)), 0o600),
        (run.join("shim").join(format!("{}.sock", &session.id[..8])), 0o600),
        (daemon.state_dir().join("sessions"), 0o700),
    ] {
        assert_eq!(format!("{:o}", mode(&path)), format!("{wanted:o}"), "{}", path.display());
    }
    for path in files_below(&daemon.state_dir()) {
        assert_eq!(mode(&path) & 0o077, 0, "{} is open: {:o}", path.display(), mode(&path));
        assert_eq!(fs::symlink_metadata(&path).unwrap().uid(), nix::unistd::geteuid().as_raw());
    }
}

#[tokio::test]
async fn no_secret_is_in_arguments_environments_logs_or_files() {
    let config = Some("[log]\nlevel = \"trace\"\n".to_owned());
    let options = codeplane_tests::DaemonOptions { config, ..Default::default() };
    let mut daemon = TestDaemon::start_with(options);
    let (value, typed) = ("s3cr3t-value-of-a-variable", "s3cr3t-that-is-typed");
    let request = CreateSessionRequest {
        env: vec![EnvVar { name: "TOKEN".into(), value: value.into() }],
        client_env: vec![EnvVar { name: "LC_ALL".into(), value: value.into() }],
        ..scripted(&["raw", "say ready", "sleep 100000"])
    };
    let client = daemon.client().await;
    let session = client.create_session(request).await.unwrap();
    daemon.printed(&session.id, "ready").await;
    let mut attached = daemon.attach(control(&session.id)).await;
    let seq = attached.type_text(typed).await;
    attached.acknowledged(seq).await;
    daemon.type_text(&session.id, typed).await;
    let token: Vec<u8> = attached.first.resume_token.to_vec();
    let hex: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
    let secrets = [value.as_bytes(), typed.as_bytes(), &token, hex.as_bytes()];

    for _ in 0..2 {
        let told = format!("{:?}", daemon.session(&session.id).await)
            + &format!("{:?}", daemon.events("").await);
        assert_absent(&secrets, told.as_bytes(), "what Get and List say");
        let daemon_itself = Process::read(daemon.pid()).unwrap();
        for process in daemon.shims().into_iter().chain([daemon_itself]) {
            for what in ["cmdline", "environ"] {
                let path = PathBuf::from(format!("/proc/{}/{what}", process.pid));
                assert_absent(&secrets, &fs::read(&path).unwrap(), &path.display().to_string());
            }
        }
        assert_absent(&secrets, daemon.log().as_bytes(), "the log");
        for path in files_below(daemon.directory()) {
            assert_absent(&secrets, &fs::read(&path).unwrap(), &path.display().to_string());
        }
        daemon.restart();
    }
}

#[track_caller]
fn assert_absent(secrets: &[&[u8]], haystack: &[u8], place: &str) {
    for secret in secrets {
        let found = haystack.windows(secret.len()).any(|piece| piece == *secret);
        assert!(!found, "{} is in {place}", String::from_utf8_lossy(secret));
    }
}

/// All plain files, however deep.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files.extend(files_below(&entry.path()));
        } else if kind.is_file() {
            // It may be a temporary file that is gone by now.
            let readable = fs::File::open(entry.path()).and_then(|mut file| file.read(&mut []));
            files.extend(readable.ok().map(|_| entry.path()));
        }
    }
    files
}
