//! `cpctl hook`: an agent's hook, which asks the daemon and does what it is told.
//!
//! Agents take every failure of a hook for consent, so each way out of here is an answer: of the
//! daemon, or, when there is none, the refusal of [`refusal`]. It is taken without the command line's
//! parser and without a thread pool, because the agent waits for it before each of its steps.

mod arguments;
mod body;
mod refusal;
mod trial;

use std::ffi::OsString;
use std::panic;
use std::path::PathBuf;
use std::time::Duration;

use codeplane_client::{HookEvent, HookReporter, Patience, v1};
use jiff::Timestamp;
use tokio::time::Instant;

pub(crate) use self::arguments::{Arguments, Mistake, Provider};
use self::body::Body;
use self::refusal::{Event, Refusal};
pub(crate) use self::trial::trial;
use crate::os::{self, LastWord};
use crate::output;

/// Names the token file where no `--token-file` does; the daemon sets it for what it runs.
const TOKEN_VARIABLE: &str = "CODEPLANE_HOOK_TOKEN_FILE";

/// How long the agent may take to write its event. It has it when it starts the hook.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// While nobody has to decide. A daemon that is restarted is back well within the first; a verdict
/// takes milliseconds, and seconds where a disk under load takes its time to keep the record.
const PATIENCE: Patience =
    Patience { absent: Duration::from_secs(5), silent: Duration::from_secs(10) };
/// For a line on the agent's screen, which it asks for again and again.
const STATUS_PATIENCE: Patience =
    Patience { absent: Duration::ZERO, silent: Duration::from_secs(1) };
/// How long after an approval's end its answer may come: the daemon tells that nobody decided. The
/// agents' own limit for the hook is 30 s after that end.
const AFTER_APPROVAL: Duration = Duration::from_secs(25);
/// Longest wait for a person, whatever end the approval has: what a clock can add.
const LONGEST_WAIT: Duration = Duration::from_secs(7 * 24 * 3600);
/// So much before the agent gives up on its hook this one says no: some agents go on without an answer.
const BEFORE_AGENT: Duration = Duration::from_secs(3);
/// How long everything else may take on top before the process ends itself: printing the answer.
const MARGIN: Duration = Duration::from_secs(2);
/// The exit code that no hook may have: agents take it for "no opinion".
const NO_OPINION: u32 = 1;
/// The exit code that agents take for "no", or for nothing worse.
const BLOCKED: u8 = 2;

/// The arguments of a hook, if this is one; `arguments` are those of the process, with its name. A
/// question for help is none.
pub(crate) fn arguments(arguments: &[OsString]) -> Option<Result<Arguments, Mistake>> {
    let (verb, rest) = arguments.get(1..)?.split_first()?;
    let asks_for_help = matches!(rest, [only] if only == "--help" || only == "-h");
    (verb == "hook" && !asks_for_help).then(|| Arguments::parse(rest))
}

/// Answers the agent and returns the exit code. Whatever goes wrong is an answer too.
pub(crate) fn answer(arguments: Result<Arguments, Mistake>) -> u8 {
    let (arguments, mistake) = match arguments {
        Ok(arguments) => (arguments, None),
        Err(Mistake { understood, problem }) => (understood, Some(problem)),
    };
    let mut refusal = Refusal::new(arguments.provider, Event::named(arguments.event.as_deref()));
    // What a panic would print is no answer.
    panic::set_hook(Box::new(|_| {}));
    let answered = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        let body = read(&arguments, &mut refusal)?;
        match mistake {
            Some(problem) => Err(problem),
            None => report(&arguments, body, &refusal),
        }
    }));
    let told = answered.unwrap_or_else(|_| Err("cpctl failed within: report it".to_owned()));
    let answer = told.map_or_else(|problem| refusal.because(&problem), LastWord::from);
    say(&answer, &refusal)
}

/// Reads the event. From then on it is known how to refuse it.
fn read(arguments: &Arguments, refusal: &mut Refusal) -> Result<Body, String> {
    let ended = "the hook was ended by a signal: ask again";
    let cannot = |error: std::io::Error| format!("cpctl cannot watch over itself ({error})");
    os::on_end_say(refusal.because(ended)).map_err(cannot)?;
    os::end_after(READ_LIMIT + MARGIN);
    let body = Body::read(std::time::Instant::now() + READ_LIMIT)?;
    let event = Event::of(arguments.event.as_deref(), body.event_name(arguments.provider));
    *refusal = Refusal::new(arguments.provider, event);
    os::on_end_say(refusal.because(ended)).map_err(cannot)?;
    Ok(body)
}

fn report(arguments: &Arguments, body: Body, refusal: &Refusal) -> Result<v1::HookAnswer, String> {
    // What came before is at most the time that reading may take.
    let begun = Instant::now();
    let provider = arguments.provider.ok_or("no provider is named")?;
    let patience = if refusal.is_status_line() { STATUS_PATIENCE } else { PATIENCE };
    os::end_after(patience.absent + patience.silent + MARGIN);
    let reporter = HookReporter::open(&token_file(arguments)?).map_err(told)?;
    let event = HookEvent {
        provider: provider.name().to_owned(),
        event: arguments.event.clone().unwrap_or_default(),
        body: body.bytes,
        oversized_bytes: body.oversized_bytes,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cpctl cannot start ({error})"))?;
    let agent_gives_up = arguments.agent_timeout.and_then(|timeout| begun.checked_add(timeout));
    let until = |waiting: &v1::HookWaiting| person_decides(waiting, agent_gives_up);
    runtime.block_on(reporter.report(event, patience, until)).map_err(told)
}

/// Until when to wait for a person.
fn person_decides(waiting: &v1::HookWaiting, agent_gives_up: Option<Instant>) -> Instant {
    let ends = waiting.expire_time.map_or(0, |time| time.seconds);
    let left = ends.saturating_sub(Timestamp::now().as_second());
    let left = Duration::from_secs(u64::try_from(left).unwrap_or_default()).min(LONGEST_WAIT);
    let of_agent = agent_gives_up.map(|end| end.saturating_duration_since(Instant::now()));
    let of_agent = of_agent.unwrap_or(LONGEST_WAIT).saturating_sub(BEFORE_AGENT);
    let left = (left + AFTER_APPROVAL).min(of_agent);
    os::end_after(left + MARGIN);
    // An agent that is gone reads no answer: its approval has no purpose any more.
    os::end_when_unread().ok();
    Instant::now() + left
}

fn token_file(arguments: &Arguments) -> Result<PathBuf, String> {
    let named = arguments.token_file.clone().or_else(|| {
        std::env::var_os(TOKEN_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
    });
    named.ok_or_else(|| {
        format!("neither --token-file nor {TOKEN_VARIABLE} is set: run the agent by 'cpctl run'")
    })
}

fn told(error: impl std::error::Error) -> String {
    output::with_causes(&error)
}

/// Prints the answer and ends with its code; what cannot be said is a refusal.
fn say(answer: &LastWord, refusal: &Refusal) -> u8 {
    let unsaid = refusal.unsaid();
    // A signal that comes in between must not mix two answers.
    let quiet = LastWord { code: unsaid, ..LastWord::default() };
    let unread = !answer.stdout.is_empty() && os::stdout_is_null_device();
    let said = os::on_end_say(quiet)
        .and_then(|()| os::write_stdout(&answer.stdout))
        // Nobody may be there to read it: it decides nothing.
        .map(|()| drop(os::write_stderr(&answer.stderr)));
    if said.is_err() || unread {
        return answer.code.max(unsaid);
    }
    answer.code
}

impl From<v1::HookAnswer> for LastWord {
    fn from(answer: v1::HookAnswer) -> Self {
        let code = match answer.exit_code {
            NO_OPINION => BLOCKED,
            code => u8::try_from(code).unwrap_or(BLOCKED),
        };
        Self { stdout: answer.stdout.into(), stderr: answer.stderr.into(), code }
    }
}
