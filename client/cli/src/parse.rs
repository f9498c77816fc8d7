//! Values on the command line.

use std::str::FromStr;
use std::time::Duration;

use codeplane_client::v1;

/// A duration such as `10s`, `500ms`, `2m`, `1h30m`; a number alone is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("'{text}' is not a duration: write 500ms, 10s, 2m or 1h30m");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (number, tail) = rest.split_at(digits);
        let units = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(units);
        let number: u64 = number.parse().map_err(|_| bad())?;
        let milliseconds = match unit {
            "ms" => Some(number),
            "s" => number.checked_mul(1000),
            "m" => number.checked_mul(60_000),
            "h" => number.checked_mul(3_600_000),
            "d" => number.checked_mul(86_400_000),
            _ => None,
        };
        let part = Duration::from_millis(milliseconds.ok_or_else(bad)?);
        total = total.checked_add(part).ok_or_else(bad)?;
        rest = tail;
    }
    if text.is_empty() { Err(bad()) } else { Ok(total) }
}

/// A moment: RFC 3339 (`2026-11-20T08:00:00Z`), or how long ago it was (`2h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(jiff::Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse() {
            return Ok(Self(time));
        }
        let ago = duration(text).ok().and_then(|ago| jiff::SignedDuration::try_from(ago).ok());
        let time = ago.and_then(|ago| jiff::Timestamp::now().checked_sub(ago).ok());
        time.map(Self).ok_or_else(|| {
            format!("'{text}' is not a time: write 2026-11-20T08:00:00Z, or 2h for so long ago")
        })
    }
}

impl From<Moment> for prost_types::Timestamp {
    fn from(Moment(time): Moment) -> Self {
        Self { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
    }
}

/// The wire's form of a duration.
pub(crate) fn wire(duration: Duration) -> prost_types::Duration {
    // The daemon's limits are far below what does not fit.
    duration.try_into().unwrap_or(prost_types::Duration { seconds: i64::MAX, nanos: 0 })
}

/// A size such as `120x30`: columns, then rows.
pub(crate) fn size(text: &str) -> Result<v1::TerminalSize, String> {
    let parts = text.split_once(['x', 'X']);
    let parsed = parts.and_then(|(cols, rows)| Some((cols.parse().ok()?, rows.parse().ok()?)));
    let Some((cols, rows)) = parsed else {
        return Err(format!("'{text}' is not a size: write COLUMNSxROWS, such as 120x30"));
    };
    if !(2..=1000).contains(&cols) || !(1..=500).contains(&rows) {
        return Err(format!("'{text}' is not possible: 2 to 1000 columns, 1 to 500 rows"));
    }
    Ok(v1::TerminalSize { cols, rows })
}

/// `KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                Ok(Self { key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err(format!("'{text}' is not a pair: write KEY=VALUE")),
        }
    }
}

/// A change of a label: `KEY=VALUE` sets it, `KEY-` removes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LabelChange {
    Set(Pair),
    Remove(String),
}

impl FromStr for LabelChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_suffix('-') {
            Some(key) if !key.is_empty() && !key.contains('=') => Ok(Self::Remove(key.to_owned())),
            _ => match text.parse() {
                Ok(pair) => Ok(Self::Set(pair)),
                Err(_) => Err(format!("'{text}' changes no label: write KEY=VALUE or KEY-")),
            },
        }
    }
}

/// A place in the output on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The oldest byte of the present run.
    Start,
    /// The present end.
    End,
    /// A byte of the present run.
    Offset(u64),
    /// A byte of a certain run.
    Position(v1::OutputPosition),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad =
            || format!("'{text}' is no position: write start, end, OFFSET or INCARNATION:OFFSET");
        match text {
            "start" => return Ok(Self::Start),
            "end" => return Ok(Self::End),
            _ => {}
        }
        match text.split_once(':') {
            None => Ok(Self::Offset(text.parse().map_err(|_| bad())?)),
            Some((incarnation, offset)) => Ok(Self::Position(v1::OutputPosition {
                incarnation: incarnation.parse().map_err(|_| bad())?,
                offset: offset.parse().map_err(|_| bad())?,
            })),
        }
    }
}

/// What `wait` waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Exit,
    Quiet(Duration),
    Output(String),
    State(v1::SessionState),
    Activity(v1::Activity),
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "exit" => Ok(Self::Exit),
            None if text == "approval" => Ok(Self::Activity(v1::Activity::WaitingForApproval)),
            None if text == "input" => Ok(Self::Activity(v1::Activity::WaitingForInput)),
            None if activity(text).is_ok() => activity(text).map(Self::Activity),
            Some(("activity", name)) => Ok(Self::Activity(activity(name)?)),
            Some(("quiet", time)) => Ok(Self::Quiet(duration(time)?)),
            Some(("output", regex)) => Ok(Self::Output(regex.to_owned())),
            Some(("state", name)) => Ok(Self::State(state(name)?)),
            _ => Err(format!(
                "'{text}' is nothing to wait for: write exit, idle, approval, input, quiet=TIME, output=REGEX, \
                 state=NAME or activity=NAME"
            )),
        }
    }
}

/// The activity called `name`, in any case.
pub(crate) fn activity(name: &str) -> Result<v1::Activity, String> {
    v1::Activity::from_str_name(&format!("ACTIVITY_{}", name.to_ascii_uppercase()))
        .filter(|activity| *activity != v1::Activity::Unspecified)
        .ok_or_else(|| {
            format!(
                "'{name}' is no activity: write working, idle, waiting_for_input, waiting_for_approval, \
                 rate_limited or unknown"
            )
        })
}

/// The state called `name`, in any case.
pub(crate) fn state(name: &str) -> Result<v1::SessionState, String> {
    v1::SessionState::from_str_name(&format!("SESSION_STATE_{}", name.to_ascii_uppercase()))
        .filter(|state| *state != v1::SessionState::Unspecified)
        .ok_or_else(|| {
            format!(
                "'{name}' is no state: write starting, running, stopping, restarting, exited, lost \
                 or failed"
            )
        })
}

/// A signal's name or number, in the form the daemon takes.
pub(crate) fn signal(text: &str) -> Result<String, String> {
    use nix::sys::signal::Signal;
    let bad = || format!("'{text}' is no signal: write a name such as TERM, HUP or KILL");
    if let Ok(number) = text.parse::<i32>() {
        return Signal::try_from(number)
            .map(|signal| signal.as_str().to_owned())
            .map_err(|_| bad());
    }
    let upper = text.to_ascii_uppercase();
    let name = if upper.starts_with("SIG") { upper } else { format!("SIG{upper}") };
    match name.parse::<Signal>() {
        Ok(signal) => Ok(signal.as_str().to_owned()),
        Err(_) => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_or_are_seconds() {
        for (text, ms) in
            [("10", 10_000), ("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("1h30m", 5_400_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "s", "10x", "-1s", "1.5s", "10 s", "99999999999999999999d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_columns_by_rows_within_the_limits() {
        assert_eq!(size("120x30"), Ok(v1::TerminalSize { cols: 120, rows: 30 }));
        for bad in ["", "120", "x", "120x", "1x24", "80x0", "1001x24", "80x501", "80 x 24"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_moment_is_a_time_or_so_long_ago() {
        let at = |text: &str| text.parse::<Moment>().map(prost_types::Timestamp::from);
        let epoch = prost_types::Timestamp { seconds: 1, nanos: 500_000_000 };

        assert_eq!(at("1970-01-01T00:00:01.5Z"), Ok(epoch));
        assert_eq!(at("1970-01-01T02:00:01.5+02:00"), Ok(epoch));
        assert!(at("1d").unwrap().seconds > 1_600_000_000);
        assert!(at("2h").unwrap().seconds > at("1d").unwrap().seconds);
        for bad in ["", "yesterday", "2026-11-20", "9999999999999d"] {
            assert!(at(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_label_is_set_or_removed() {
        let pair = Pair { key: "team".into(), value: "a=b".into() };
        assert_eq!("team=a=b".parse(), Ok(LabelChange::Set(pair)));
        assert_eq!("team-".parse(), Ok(LabelChange::Remove("team".into())));
        assert_eq!("a=-".parse::<LabelChange>(), Ok(LabelChange::Set("a=-".parse().unwrap())));
        for bad in ["", "-", "team", "=x"] {
            assert!(bad.parse::<LabelChange>().is_err(), "{bad}");
        }
    }

    #[test]
    fn positions_name_a_byte_of_this_run_or_of_another() {
        assert_eq!("start".parse(), Ok(Place::Start));
        assert_eq!("1024".parse(), Ok(Place::Offset(1024)));
        let position = v1::OutputPosition { incarnation: 2, offset: 7 };
        assert_eq!("2:7".parse(), Ok(Place::Position(position)));
        for bad in ["", "x", "1:", ":1", "-1"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wait_names_its_condition() {
        assert_eq!("exit".parse(), Ok(Condition::Exit));
        assert_eq!("quiet=500ms".parse(), Ok(Condition::Quiet(Duration::from_millis(500))));
        assert_eq!("output=a=b".parse(), Ok(Condition::Output("a=b".into())));
        assert_eq!("state=Running".parse(), Ok(Condition::State(v1::SessionState::Running)));
        let waits = Condition::Activity(v1::Activity::WaitingForApproval);
        assert_eq!("approval".parse(), Ok(waits));
        assert_eq!("idle".parse(), Ok(Condition::Activity(v1::Activity::Idle)));
        assert_eq!("activity=Working".parse(), Ok(Condition::Activity(v1::Activity::Working)));
        for bad in ["", "exit=1", "quiet", "state=unspecified", "state=gone"] {
            assert!(bad.parse::<Condition>().is_err(), "{bad}");
        }
    }

    #[test]
    fn signals_are_known_by_name_and_number() {
        for text in ["TERM", "sigterm", "SIGTERM", "15"] {
            assert_eq!(signal(text), Ok("SIGTERM".to_owned()), "{text}");
        }
        for bad in ["", "SIG", "NOPE", "0", "99"] {
            assert!(signal(bad).is_err(), "{bad}");
        }
    }
}
