//! Naming several sessions at once.

use codeplane_client::{Client, v1};

use crate::exit::{Exit, Failure};
use crate::output;
use crate::parse::Pair;

/// Which sessions: ids or names, those with labels, or all.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Selection {
    /// Ids, beginnings of ids, or names
    #[arg(value_name = "SESSION", conflicts_with_all = ["label", "all"])]
    pub(crate) sessions: Vec<String>,
    /// Every session with this label; given several times, with all of them
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "all")]
    pub(crate) label: Vec<Pair>,
    /// Every session
    #[arg(long)]
    pub(crate) all: bool,
}

/// Which of the selected sessions a verb is for, when they were not named one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Among {
    Live,
    Ended,
    All,
}

impl Selection {
    /// The names as they were given, or the ids of what the selection means now.
    pub(crate) async fn resolve(
        &self,
        client: &Client,
        among: Among,
    ) -> Result<Vec<String>, Failure> {
        if !self.sessions.is_empty() {
            return Ok(self.sessions.clone());
        }
        let sessions = client.all_sessions(&label_filter(&self.label)).await?;
        let ids: Vec<String> = sessions
            .into_iter()
            .filter(|session| among.contains(session.state()))
            .map(|session| session.id)
            .collect();
        if ids.is_empty() {
            output::note(&format!("cpctl: no {}session matches", among.adjective()));
        }
        Ok(ids)
    }
}

impl Among {
    const fn adjective(self) -> &'static str {
        match self {
            Self::Live => "live ",
            Self::Ended => "ended ",
            Self::All => "",
        }
    }

    const fn contains(self, state: v1::SessionState) -> bool {
        match self {
            Self::Live => is_live(state),
            Self::Ended => !is_live(state),
            Self::All => true,
        }
    }
}

/// Whether a process may be there.
pub(crate) const fn is_live(state: v1::SessionState) -> bool {
    match state {
        v1::SessionState::Starting
        | v1::SessionState::Running
        | v1::SessionState::Stopping
        | v1::SessionState::Restarting => true,
        v1::SessionState::Unspecified
        | v1::SessionState::Exited
        | v1::SessionState::Lost
        | v1::SessionState::Failed => false,
    }
}

/// Labels in the daemon's filter grammar.
pub(crate) fn label_filter(labels: &[Pair]) -> String {
    let terms: Vec<String> = labels
        .iter()
        .map(|Pair { key, value }| format!("labels.{key}={}", filter_value(value)))
        .collect();
    terms.join(" AND ")
}

/// A value in the daemon's filter grammar.
pub(crate) fn filter_value(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Tells every failure and ends with the first one's code: one session's trouble is not another's.
pub(crate) fn settle(results: impl IntoIterator<Item = Result<(), Failure>>) -> Exit {
    let mut exit = Exit::Done;
    for failure in results.into_iter().filter_map(Result::err) {
        output::failure(&failure);
        if exit == Exit::Done {
            exit = failure.exit();
        }
    }
    exit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_a_filter() {
        let labels = ["team=a b".parse().unwrap(), "x=\"\\".parse().unwrap()];

        assert_eq!(label_filter(&labels), r#"labels.team="a b" AND labels.x="\"\\""#);
        assert_eq!(label_filter(&[]), "");
    }

    #[test]
    fn the_first_failure_gives_the_code() {
        let failure = |text: &str| Err(Failure::Usage(text.into()));
        let daemon = Err(Failure::Daemon(String::new()));

        assert_eq!(settle([Ok(()), daemon, failure("x")]), Exit::Unavailable);
        assert_eq!(settle([Ok(()), Ok(())]), Exit::Done);
    }
}
