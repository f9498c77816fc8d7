//! Facts as people read them.

use codeplane_client::{v1, visible};
use jiff::Timestamp;
use prost_types::Timestamp as WireTime;

/// Hexadecimal digits of an id that people see; ids are unique long before that.
const SHORT_DIGITS: usize = 8;

/// The beginning of an id.
pub(crate) fn short(id: &str) -> &str {
    id.get(..SHORT_DIGITS).unwrap_or(id)
}

/// What a session is called in a sentence: its name and id, or its id.
pub(crate) fn called(session: &v1::Session) -> String {
    match session.name.as_str() {
        "" => short(&session.id).to_owned(),
        name => format!("{name} ({})", short(&session.id)),
    }
}

/// What a person types to mean it: its name, or the beginning of its id.
pub(crate) fn reference(session: &v1::Session) -> &str {
    if session.name.is_empty() { short(&session.id) } else { &session.name }
}

/// A workspace as people know it: that of a repository is named by its git directory.
pub(crate) fn workspace(path: &str) -> &str {
    path.strip_suffix("/.git").filter(|path| !path.is_empty()).unwrap_or(path)
}

/// The state in one word.
pub(crate) const fn state(state: v1::SessionState) -> &'static str {
    match state {
        v1::SessionState::Unspecified => "unknown",
        v1::SessionState::Starting => "starting",
        v1::SessionState::Running => "running",
        v1::SessionState::Stopping => "stopping",
        v1::SessionState::Restarting => "restarting",
        v1::SessionState::Exited => "exited",
        v1::SessionState::Lost => "lost",
        v1::SessionState::Failed => "failed",
    }
}

/// Who the daemon takes this client for, and what it may do.
pub(crate) fn caller(info: &v1::GetServerInfoResponse) -> String {
    let roles: Vec<&str> = info.roles().map(role).collect();
    match (info.principal.as_str(), roles.is_empty()) {
        // A daemon that does not say.
        ("", _) => "-".to_owned(),
        (principal, true) => visible(principal).into_owned(),
        (principal, false) => format!("{} ({})", visible(principal), roles.join(", ")),
    }
}

const fn role(role: v1::Role) -> &'static str {
    match role {
        v1::Role::Unspecified => "unknown",
        v1::Role::Viewer => "viewer",
        v1::Role::Operator => "operator",
        v1::Role::Approver => "approver",
        v1::Role::Admin => "admin",
        v1::Role::Agent => "agent",
    }
}

/// What the session's agent does, and whether nobody judges it; `-` where nothing is known.
pub(crate) fn agent(session: &v1::Session) -> String {
    let does = match session.activity() {
        v1::Activity::Unspecified | v1::Activity::Unknown => None,
        v1::Activity::Working => Some("working".to_owned()),
        v1::Activity::Idle => Some("idle".to_owned()),
        v1::Activity::WaitingForInput => Some("asks".to_owned()),
        v1::Activity::WaitingForApproval if session.pending_approvals > 1 => {
            Some(format!("{} approvals", session.pending_approvals))
        }
        v1::Activity::WaitingForApproval => Some("approval".to_owned()),
        v1::Activity::RateLimited => Some("rate limited".to_owned()),
    };
    let has_ended = matches!(
        session.state(),
        v1::SessionState::Exited | v1::SessionState::Lost | v1::SessionState::Failed
    );
    let judged = match session.gate() {
        v1::Gate::Unspecified | v1::Gate::None | v1::Gate::Gated => None,
        // It will prove nothing any more.
        v1::Gate::Unproven if has_ended => None,
        v1::Gate::Unproven => Some("unproven".to_owned()),
        v1::Gate::Ungated => Some("UNGATED".to_owned()),
    };
    let words: Vec<String> = [does, judged].into_iter().flatten().collect();
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

/// The state with how it came to it.
pub(crate) fn state_of(session: &v1::Session) -> String {
    let word = state(session.state());
    match session.state() {
        v1::SessionState::Exited => match session.exit_status.and_then(|status| status.status) {
            Some(status) => format!("{word} ({})", exit_status(status)),
            None => word.to_owned(),
        },
        v1::SessionState::Failed => format!("{word} ({})", visible(&session.failed_step)),
        v1::SessionState::Unspecified
        | v1::SessionState::Starting
        | v1::SessionState::Running
        | v1::SessionState::Stopping
        | v1::SessionState::Restarting
        | v1::SessionState::Lost => word.to_owned(),
    }
}

/// `code 3` or `signal HUP`.
pub(crate) fn exit_status(status: v1::exit_status::Status) -> String {
    match status {
        v1::exit_status::Status::Code(code) => format!("code {code}"),
        v1::exit_status::Status::Signal(number) => {
            match nix::sys::signal::Signal::try_from(number) {
                Ok(signal) => format!("signal {}", signal.as_str().trim_start_matches("SIG")),
                Err(_) => format!("signal {number}"),
            }
        }
    }
}

/// A command as one could type it, without anything that acts on a terminal.
pub(crate) fn command(words: &[String]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    quoted.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,~".contains(c);
    let shown = visible(word);
    if !shown.is_empty() && shown.chars().all(plain) {
        return shown.into_owned();
    }
    format!("'{}'", shown.replace('\'', "'\\''"))
}

/// A line of text without anything that acts on a terminal; unlike [`visible`], it leaves
/// backslashes alone, because it is text to be read and not a name to be told apart.
pub(crate) fn printable(line: &str) -> String {
    visible(line).replace("\\\\", "\\")
}

/// A size as `80x24`.
pub(crate) fn size(size: Option<v1::TerminalSize>) -> String {
    size.map(|size| format!("{}x{}", size.cols, size.rows)).unwrap_or_default()
}

/// A position as `1:1024`, which `--from` reads.
pub(crate) fn position(position: Option<v1::OutputPosition>) -> String {
    position.map(|at| format!("{}:{}", at.incarnation, at.offset)).unwrap_or_default()
}

/// A number of bytes in the largest unit that leaves a digit.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let power = (count.ilog2() / 10).min(4);
    let unit = UNITS[usize::try_from(power - 1).unwrap_or_default()];
    let tenths = (u128::from(count) * 10) >> (10 * power);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// RFC 3339 in UTC.
pub(crate) fn rfc3339(seconds: i64, nanos: i32) -> String {
    Timestamp::new(seconds, nanos).map(|time| time.to_string()).unwrap_or_default()
}

/// A time on the wire as RFC 3339.
pub(crate) fn wire_time(time: Option<WireTime>) -> String {
    time.map(|time| rfc3339(time.seconds, time.nanos)).unwrap_or_default()
}

/// How long ago `time` was, seen from `now`.
pub(crate) fn ago(time: Option<WireTime>, now: Timestamp) -> String {
    let Some(time) = time else { return String::new() };
    let seconds = now.as_second() - time.seconds;
    if seconds < 0 {
        // A clock was set back: the time itself is the better answer.
        return rfc3339(time.seconds, 0);
    }
    span(seconds).map_or_else(|| "now".to_owned(), |span| format!("{span} ago"))
}

/// How far `time` is from `now`, which it comes after.
pub(crate) fn until(time: Option<WireTime>, now: Timestamp) -> String {
    let Some(time) = time else { return String::new() };
    span(time.seconds - now.as_second())
        .map_or_else(|| "now".to_owned(), |span| format!("in {span}"))
}

/// A number of seconds in the largest unit; none if there is none.
fn span(seconds: i64) -> Option<String> {
    const UNITS: [(i64, &str); 4] =
        [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (length, name) = UNITS.into_iter().find(|(length, _)| seconds >= *length)?;
    Some(match seconds / length {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<WireTime> {
        Some(WireTime { seconds, nanos: 0 })
    }

    #[test]
    fn times_are_told_in_the_largest_unit() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        for (seconds, text) in [
            (0, "now"),
            (1, "1 second ago"),
            (59, "59 seconds ago"),
            (180, "3 minutes ago"),
            (7200, "2 hours ago"),
            (90_000, "1 day ago"),
        ] {
            assert_eq!(ago(at(1_000_000 - seconds), now), text);
        }
        assert_eq!(ago(at(1_000_001), now), "1970-01-12T13:46:41Z");
        assert_eq!(ago(None, now), "");
        assert_eq!(until(at(1_003_600), now), "in 1 hour");
        assert_eq!(until(at(999_999), now), "now");
    }

    #[test]
    fn a_workspace_is_called_by_its_directory() {
        assert_eq!(workspace("/home/a/site/.git"), "/home/a/site");
        assert_eq!(workspace("/srv/site.git"), "/srv/site.git");
        assert_eq!(workspace("/.git"), "/.git");
    }

    #[test]
    fn commands_are_quoted_and_made_harmless() {
        let words = ["sh", "-c", "echo \x1b[31m 'x'", ""].map(str::to_owned);

        assert_eq!(command(&words), r"sh -c 'echo \x1b[31m '\''x'\''' ''");
    }

    #[test]
    fn bytes_have_a_unit() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_572_864, "1.5 MiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn only_what_runs_is_yet_to_be_proven() {
        let mut session = v1::Session::default();
        session.set_gate(v1::Gate::Unproven);
        for (state, told) in [
            (v1::SessionState::Running, "unproven"),
            (v1::SessionState::Exited, "-"),
            (v1::SessionState::Lost, "-"),
        ] {
            session.set_state(state);
            assert_eq!(agent(&session), told);
        }
    }

    #[test]
    fn an_exit_tells_code_or_signal() {
        let mut session = v1::Session { name: "web".into(), ..Default::default() };
        session.set_state(v1::SessionState::Exited);
        session.exit_status =
            Some(v1::ExitStatus { status: Some(v1::exit_status::Status::Signal(9)) });

        assert_eq!(state_of(&session), "exited (signal KILL)");
    }
}
