//! What leaves its session by every cheap way is no operator; who never was in one is.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use codeplane_client::v1::SessionState;
use codeplane_tests::{
    PATIENCE, TestDaemon, as_root_only, binary,
    processes::{Process, Signal},
    run, wait_until,
};

use super::{
    answers,
    doors::{assert_all_refused, create, script},
};

/// Leaves every control group that can be left.
const LEAVE_GROUPS: &str = "for group in $(sed -n 's/^[^ ]* \\([^ ]*\\) cgroup2\\{0,1\\} .*/\\1/p' \
                            /proc/mounts); do echo $$ > $group/cgroup.procs; done 2>/dev/null";

/// A process of a session that leaves its environment, control group, process session and parents.
struct Escapee {
    process: Process,
    told: PathBuf,
    go: PathBuf,
    session: String,
}

impl Escapee {
    /// Its shim still lives. `more` is what else it does.
    async fn start(daemon: &TestDaemon, more: &str) -> Self {
        let at = |name: &str| daemon.home().join(name);
        let (told, body, pid, go) = (at("told"), at("script"), at("pid"), at("go"));
        let before = format!(
            "{LEAVE_GROUPS}\n{more}\necho $$ > {0}.new; mv {0}.new {0}\n\
             until [ -e {1} ]; do sleep 0.02; done",
            pid.display(),
            go.display()
        );
        fs::write(&body, script(daemon, &told, &before)).unwrap();
        let leave = format!("setsid -f env -i PATH=$PATH HOME=/ sh {}", body.display());
        let session = create(daemon, &format!("{leave}\nexec sleep 100000")).await;
        let process = wait_until("a pid", PATIENCE, || {
            Process::read(fs::read_to_string(&pid).ok()?.trim().parse().ok()?)
        });
        Self { process, told, go, session }
    }

    /// Has its shim killed, as it could itself: nothing of its session is above it any more.
    async fn lose_shim(&self, daemon: &TestDaemon) {
        let [shim] = &daemon.shims()[..] else { panic!("one shim") };
        shim.signal(Signal::KILL);
        daemon.reaches(&self.session, SessionState::Lost).await;
    }

    /// What every command was answered.
    fn asks(&self) -> Vec<String> {
        assert!(self.process.is_alive(), "it was ended");
        fs::write(&self.go, "").unwrap();
        answers(&self.told)
    }
}

#[tokio::test]
async fn what_leaves_everything_and_loses_its_shim_is_ended_by_the_daemon_that_started_it() {
    let daemon = TestDaemon::start();
    let escapee = Escapee::start(&daemon, "").await;

    escapee.lose_shim(&daemon).await;

    wait_until("its end", PATIENCE, || !escapee.process.is_alive());
    wait_until("the warning", PATIENCE, || daemon.log().contains("outlived the shim"));
    assert!(Process::all().iter().all(|one| one.parent != daemon.pid() || one.state != 'Z'));
}

#[tokio::test]
async fn what_leaves_everything_is_no_operator_of_a_daemon_that_did_not_start_its_shim() {
    let mut daemon = TestDaemon::start();
    let escapee = Escapee::start(&daemon, "").await;
    daemon.restart();

    escapee.lose_shim(&daemon).await;

    let told = escapee.asks();
    assert_all_refused("by its limit", &told);
    assert!(told.iter().all(|line| line.contains("limit of file locks")), "{told:?}");
}

#[tokio::test]
async fn it_is_none_either_when_its_session_was_deleted() {
    let mut daemon = TestDaemon::start();
    let escapee = Escapee::start(&daemon, "").await;
    daemon.restart();
    escapee.lose_shim(&daemon).await;

    drop(daemon.cpctl(["rm", &escapee.session]).success());

    assert_all_refused("without its session", &escapee.asks());
}

#[tokio::test]
async fn root_that_raises_its_limit_is_known_as_an_orphan() {
    let raise = "prlimit --pid $$ --locks=unlimited:unlimited";
    let try_it = format!("{raise} 2>/dev/null || echo cannot");
    let mut shell = Command::new("prlimit");
    shell.args(["--locks=5:5", "sh", "-c", &try_it]);
    if run(&mut shell, b"", PATIENCE).success().contains("cannot") {
        eprintln!("skipped: only with CAP_SYS_RESOURCE a hard limit is raised");
        return;
    }
    let daemon = TestDaemon::start();
    let escapee = Escapee::start(&daemon, raise).await;

    escapee.lose_shim(&daemon).await;

    let told = escapee.asks();
    assert_all_refused("as an orphan", &told);
    assert!(told.iter().all(|line| line.contains("the daemon took its place")), "{told:?}");
}

#[tokio::test]
async fn what_left_its_session_starts_no_daemon() {
    let daemon = TestDaemon::start();
    let own = daemon.home().join("own");
    let start = format!(
        "{} --state-dir {} --runtime-dir {}",
        binary("cpd").display(),
        own.join("s").display(),
        own.join("r").display()
    );
    let more =
        format!("{start} > {0}.new 2>&1; mv {0}.new {0}", own.with_extension("said").display());
    // Not below a shim with that name, which would be seen first.
    let body = daemon.home().join("start");
    fs::write(&body, &more).unwrap();
    let limit = "prlimit --locks=4611686018427387904:4611686018427387904";

    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec {limit} sh {}", body.display())]).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    drop(run(&mut command, b"", PATIENCE).success());

    let said = fs::read_to_string(own.with_extension("said")).unwrap();
    assert!(said.contains("inside session"), "{said}");
    assert!(!own.join("s").exists());
}

/// Asks as an operator and leaves the answer in `file`.
fn ask(daemon: &TestDaemon, file: &Path) -> String {
    format!(
        "{cpctl} --no-autostart --endpoint unix:{socket} daemon status > {file}.new 2>&1; \
         echo \"code $?\" >> {file}.new; mv {file}.new {file}",
        cpctl = binary("cpctl").display(),
        socket = daemon.socket().display(),
        file = file.display()
    )
}

#[track_caller]
fn assert_answered(way: &str, file: &Path) {
    let told = answers(file);
    assert_eq!(told.last().map(String::as_str), Some("code 0"), "{way}: {told:?}");
}

#[tokio::test]
async fn operators_are_answered_however_they_were_started() {
    let daemon = TestDaemon::start();
    let ways = [
        ("from a shell", "sh {}"),
        ("by a service manager or cron, with a session of its own", "setsid -f sh {}"),
        ("as an orphan", "( ( sh {} & ) & )"),
        ("with nothing in its environment", "env -i PATH=/usr/bin:/bin HOME=/ sh {}"),
        ("with a mark that is no session's", "CODEPLANE_SESSION=mine sh {}"),
        ("with other limits than the daemon", "sh -c 'ulimit -n 256; ulimit -Sx 5; sh {}'"),
        ("in a process namespace", "unshare -Urpf sh {} || sh {}"),
    ];

    for (number, (way, how)) in ways.into_iter().enumerate() {
        let file = daemon.home().join(format!("told{number}"));
        let body = daemon.home().join(format!("ask{number}"));
        fs::write(&body, ask(&daemon, &file)).unwrap();
        let how = how.replace("{}", &body.display().to_string());
        drop(run(Command::new("sh").args(["-c", &how]), b"", PATIENCE));

        assert_answered(way, &file);
    }
}

#[tokio::test]
async fn a_terminal_multiplexer_that_was_there_before_the_daemon_runs_operators() {
    let mut daemon = TestDaemon::prepare(codeplane_tests::DaemonOptions::default());
    let (file, go) = (daemon.home().join("told"), daemon.home().join("go"));
    let body =
        format!("until [ -e {} ]; do sleep 0.02; done; {}", go.display(), ask(&daemon, &file));
    let start = ["-c", "setsid -f sh -c \"$1\" </dev/null >/dev/null 2>&1", "start", &body];
    drop(run(Command::new("sh").args(start), b"", PATIENCE).success());

    daemon.launch();
    fs::write(&go, "").unwrap();
    assert_answered("before", &file);
    fs::remove_file(&file).unwrap();
    fs::remove_file(&go).unwrap();
    drop(run(Command::new("sh").args(start), b"", PATIENCE).success());
    daemon.restart();
    fs::write(&go, "").unwrap();

    assert_answered("between two daemons", &file);
}

/// A container: process namespace, file system of processes, first process.
fn in_a_container(daemon: &TestDaemon, script: &str) -> Command {
    let mut command = daemon.command("cpd");
    let args: Vec<_> = command.get_args().map(std::ffi::OsStr::to_owned).collect();
    let envs: Vec<_> =
        command.get_envs().map(|(n, v)| (n.to_owned(), v.map(ToOwned::to_owned))).collect();
    let cpd = command.get_program().to_owned();
    command = Command::new("unshare");
    command.args(["-p", "-f", "-m", "--mount-proc", "--kill-child", "sh", "-c", script]).arg(cpd);
    command.args(args).env_clear();
    for (name, value) in envs {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn operators_in_a_container_are_answered_whatever_its_first_process_is() {
    if !as_root_only("make a container") {
        return;
    }
    for (first, start) in
        [("a shell", "\"$0\" \"$@\" & {}; wait"), ("the daemon", "{} & exec \"$0\" \"$@\"")]
    {
        let daemon = TestDaemon::prepare(codeplane_tests::DaemonOptions::default());
        let file = daemon.home().join("told");
        let operator = format!(
            "(until [ -e {} ]; do sleep 0.02; done; {})",
            daemon.socket().display(),
            ask(&daemon, &file)
        );

        let mut container =
            in_a_container(&daemon, &start.replace("{}", &operator)).spawn().unwrap();

        assert_answered(first, &file);
        container.kill().unwrap();
        container.wait().unwrap();
    }
}
