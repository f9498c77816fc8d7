//! A session whose program reports calls as an agent's hook does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use codeplane_tests::{DaemonOptions, PATIENCE, TestDaemon, binary, wait_until};
use serde_json::{Value, json};

/// A session that makes tool calls when it is told to.
pub(super) struct Caller<'d> {
    daemon: &'d TestDaemon,
    directory: PathBuf,
    pub(super) session: String,
}

/// What a hook was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: i32,
}

impl Answer {
    /// What was decided, and why.
    #[track_caller]
    pub(super) fn decision(&self) -> (String, String) {
        let answer: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no answer: {error}: {self:?}"));
        let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
        (text("decision"), text("reason"))
    }

    #[track_caller]
    pub(super) fn allows(&self) {
        assert_eq!((self.decision().0.as_str(), self.code), ("allow", 0), "{self:?}");
    }

    /// It was denied; answers why.
    #[track_caller]
    pub(super) fn denies(&self) -> String {
        let (decision, reason) = self.decision();
        assert_eq!((decision.as_str(), self.code), ("deny", 2), "{self:?}");
        reason
    }
}

/// A daemon that gives people so long.
pub(super) fn daemon(config: &str) -> TestDaemon {
    let config = Some(config.to_owned());
    TestDaemon::start_with(DaemonOptions { config, ..DaemonOptions::default() })
}

/// A command of a shell, as an agent asks for it.
pub(super) fn call(command: &str) -> String {
    json!({
        "event": "tool_requested", "tool": "Bash", "input": {"command": command},
        "tool_use_id": format!("id of {command}"), "cwd": "/tmp",
    })
    .to_string()
}

/// What a shell does for the session: each file `N.body` is given to a hook; what it says is in `N.out`,
/// `N.err` and at last `N.code`; `N.dialect` has the words of another dialect. Where there is `N.arguments`, the hook gets these, and no token but theirs. `BESIDE` runs
/// beside them.
const SERVE: &str = r#"
[ -z "$BESIDE" ] || eval "$BESIDE" &
while read -r number go; do
  ( while [ -n "$go" ] && [ ! -e "$go" ]; do sleep 0.05; done
    set -- generic
    [ ! -e "$number.dialect" ] || set -- $(cat "$number.dialect")
    [ ! -e "$number.arguments" ] || { unset CODEPLANE_HOOK_TOKEN_FILE; set -- $(cat "$number.arguments"); }
    "$HOOK" hook "$@" < "$number.body" > "$number.out" 2> "$number.err"
    echo $? > "$number.new"; mv "$number.new" "$number.code" ) &
  echo "$!" > "$number.pid"
done
"#;

impl<'d> Caller<'d> {
    /// A session with these options of `cpctl run`.
    #[track_caller]
    pub(super) fn start(daemon: &'d TestDaemon, name: &str, options: &[&str]) -> Self {
        Self::start_in(daemon, (name, name), options)
    }

    /// The same in the directory of another one.
    #[track_caller]
    pub(super) fn start_in(
        daemon: &'d TestDaemon,
        (name, directory): (&str, &str),
        options: &[&str],
    ) -> Self {
        let directory = daemon.home().join(directory);
        fs::create_dir_all(&directory).unwrap();
        let hook = format!("--env=HOOK={}", binary("cpctl").display());
        let cwd = directory.display().to_string();
        let mut run = vec!["run", "-d", "--name", name, "--cwd", &cwd, &hook];
        run.extend(options);
        run.extend(["--", "sh", "-c", SERVE]);
        drop(daemon.cpctl(run).success());
        Self { daemon, directory, session: name.to_owned() }
    }

    /// Has a hook report `body`; the answer is waited for with [`Caller::answer`].
    #[track_caller]
    pub(super) fn report(&self, number: u32, body: &[u8]) {
        fs::write(self.file(number, "body"), body).unwrap();
        let line = format!("{number}\n");
        drop(self.daemon.cpctl(["send", self.session.as_str(), &line]).success());
    }

    /// In which dialect a report to come is, and about what.
    #[track_caller]
    pub(super) fn dialect(&self, number: u32, words: &str) {
        fs::write(self.file(number, "dialect"), words).unwrap();
    }

    /// What the hook of a report to come is given, instead of its dialect and the token of its session.
    #[track_caller]
    pub(super) fn arguments(&self, number: u32, arguments: &str) {
        fs::write(self.file(number, "arguments"), arguments).unwrap();
    }

    /// Has a hook report `body` once there is a file `go`.
    #[track_caller]
    pub(super) fn report_when(&self, number: u32, body: &[u8], go: &str) {
        fs::write(self.file(number, "body"), body).unwrap();
        let line = format!("{number} {go}\n");
        drop(self.daemon.cpctl(["send", self.session.as_str(), &line]).success());
        self.waiter(number);
    }

    /// Lets the hooks of a session go that wait for a file.
    pub(super) fn let_go(daemon: &TestDaemon, name: &str, go: &str) {
        fs::write(daemon.home().join(name).join(go), "").unwrap();
    }

    /// A session that was started before.
    pub(super) fn again(daemon: &'d TestDaemon, name: &str) -> Self {
        Self { daemon, directory: daemon.home().join(name), session: name.to_owned() }
    }

    /// The answer to a report.
    #[track_caller]
    pub(super) fn answer(&self, number: u32) -> Answer {
        let read = |kind: &str| fs::read_to_string(self.file(number, kind)).unwrap_or_default();
        let code = wait_until(&format!("the answer to report {number}"), PATIENCE, || {
            read("code").trim().parse().map_err(|_| (read("out"), read("err"), self.daemon.log()))
        });
        Answer { stdout: read("out"), stderr: read("err"), code }
    }

    /// Reports and waits for the answer.
    #[track_caller]
    pub(super) fn ask(&self, number: u32, body: &str) -> Answer {
        self.report(number, body.as_bytes());
        self.answer(number)
    }

    /// Whether a report has its answer.
    pub(super) fn is_answered(&self, number: u32) -> bool {
        self.file(number, "code").exists()
    }

    /// The process group's leader that waits for the answer.
    #[track_caller]
    pub(super) fn waiter(&self, number: u32) -> i32 {
        wait_until("the hook's process", PATIENCE, || {
            let pid = fs::read_to_string(self.file(number, "pid")).unwrap_or_default();
            pid.trim().parse().map_err(|_| pid)
        })
    }

    fn file(&self, number: u32, kind: &str) -> PathBuf {
        self.directory.join(format!("{number}.{kind}"))
    }
}

/// The token files there are.
pub(super) fn tokens(daemon: &TestDaemon) -> Vec<PathBuf> {
    let files = fs::read_dir(daemon.runtime_dir().join("hook")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|kind| kind == "token")).collect()
}

/// The approvals that wait, the oldest first, once there are so many.
#[track_caller]
pub(super) fn pending(daemon: &TestDaemon, count: usize) -> Vec<Value> {
    wait_until(&format!("{count} calls to wait"), PATIENCE, || {
        let list = approvals(daemon, &[]);
        if list.len() == count { Ok(list) } else { Err(list) }
    })
}

/// The approvals, the oldest first.
#[track_caller]
pub(super) fn approvals(daemon: &TestDaemon, options: &[&str]) -> Vec<Value> {
    let listed = daemon.cpctl([&["approvals", "ls", "-o", "json"], options].concat());
    serde_json::from_str(&listed.success()).unwrap()
}

/// A field that is text.
#[track_caller]
pub(super) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("no text '{field}' in {value}"))
}

/// A program that is a script.
pub(super) fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
