//! The one place that says whether what an agent did is what was decided.
//!
//! Hooks and transcripts both tell of calls that ran, in any order, and of the same call more than once: a violation is
//! written once for each call, whoever finds it.

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{
    AgentEvent, Breach, Decision, DecisionSource, EventKind, GateEvidence, GateMode, Outcome,
    Settled,
};
use codeplane_store::{Found, Learnt};

use super::super::hooks::{Asked, Follows, request_digest, shortened};
use super::super::{App, Error};
use super::difference::difference;
use crate::agents::ToolCall;
use crate::session::Live;

/// Who tells of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Witness {
    /// A hook: the input is what was executed.
    Hook,
    /// A transcript: the input is what the model asked for.
    Transcript,
}

/// What is wrong with a call that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) enum Problem {
    /// Nobody had judged it: what happened, for people.
    Unjudged(String),
    /// It was judged, and is not what was allowed: what happened, for people.
    Against(String),
}

impl Problem {
    fn text(&self) -> &str {
        match self {
            Self::Unjudged(text) | Self::Against(text) => text,
        }
    }

    const fn is_judged(&self) -> bool {
        match self {
            Self::Unjudged(_) => false,
            Self::Against(_) => true,
        }
    }

    /// What it tells of the session's gate.
    pub(in crate::app) fn evidence(&self, tool: &str) -> Option<GateEvidence> {
        match self {
            // Whatever let it run, the gate did not hold it.
            Self::Unjudged(text) | Self::Against(text) => {
                Some(GateEvidence::Unjudged { reason: format!("{}: {text}", shortened(tool)) })
            }
        }
    }
}

impl App {
    /// What is wrong with a call that ran; none: it is what was decided.
    ///
    /// # Errors
    /// Those of the store.
    pub(in crate::app) async fn compare(
        &self,
        live: &Live,
        ran: Asked<'_>,
        witness: Witness,
    ) -> Result<Option<Problem>, Error> {
        let session = live.id();
        let found = match &ran.tool.tool_use_id {
            Some(id) => self.store.decision_of_call(session, id.clone()).await,
            None => self.store.decision_of_request(session, request_digest(&ran)).await,
        };
        let Some(decision) = found.map_err(|error| self.store_error(error))? else {
            if witness == Witness::Transcript && self.is_of_another(live, ran.tool).await? {
                return Ok(None);
            }
            let problem = "it ran and nobody had judged it".to_owned();
            return Ok(Some(Problem::Unjudged(problem)));
        };
        let against = match &decision.settled {
            Some(settled) => against(&decision, settled, &ran, witness),
            None => self.undecided(&decision).await?,
        };
        Ok(against.map(Problem::Against))
    }

    /// Whether a call in a transcript was asked for in another session that went on with the same conversation: that one
    /// compares it. The agent writes both into one file, and says in no line which process made a call.
    async fn is_of_another(&self, live: &Live, tool: &ToolCall) -> Result<bool, Error> {
        let (Some(call), Some(own)) = (&tool.tool_use_id, live.agent().conversation) else {
            return Ok(false);
        };
        let is_other = |other: &Live| {
            other.id() != live.id() && other.agent().conversation.as_ref() == Some(&own)
        };
        for other in self.registry.all().iter().filter(|other| is_other(other)) {
            let found = self.store.decision_of_call(other.id(), call.clone()).await;
            if found.map_err(|error| self.store_error(error))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is wrong with a call that ran while a person is asked. Nothing, if it is asked about by the agent itself: that
    /// knows the answer before the daemon does.
    async fn undecided(&self, decision: &Decision) -> Result<Option<String>, Error> {
        let mode = self.approval_of(decision).await?.map(|approval| approval.asked.mode);
        Ok(match mode {
            Some(GateMode::AgentDialog) => None,
            Some(GateMode::Held) | None => Some("it ran before anybody had decided".to_owned()),
        })
    }

    /// A violation, ready to be written. `call` names it where the agent does not.
    pub(in crate::app) fn breach(
        &self,
        live: &Live,
        tool: &ToolCall,
        call: &str,
        problem: &Problem,
    ) -> Found {
        let (session, now) = (live.id(), self.clock.now());
        let tool_use_id = shortened(tool.tool_use_id.as_deref().unwrap_or_default());
        let call = if tool_use_id.is_empty() { call } else { &tool_use_id };
        let (name, problem_text) = (shortened(&tool.tool), problem.text().to_owned());
        let audit = NewAudit::by_daemon(now, AuditKind::Violation)
            .about(session, Some(live.incarnation()))
            .at(live.end_position())
            .with("tool", name.clone())
            .with("tool_use_id", tool_use_id.clone())
            .with("problem", problem_text.clone());
        let breach = Breach {
            session,
            call: call.to_owned(),
            tool: name.clone(),
            problem: problem_text.clone(),
            judged: problem.is_judged(),
            found_at: now,
        };
        let event = AgentEvent::Violation { tool_use_id, tool: name, problem: problem_text };
        let event = self.event(session, EventKind::Agent(event));
        Found { breach, events: vec![event], audit: vec![audit] }
    }

    /// Writes down what a transcript shows to be wrong.
    pub(super) async fn report_breach(&self, live: &Live, tool: &ToolCall, problem: &Problem) {
        let found = self.breach(live, tool, "?", problem);
        let mut follows = Follows::default();
        if let Some(evidence) = problem.evidence(&tool.tool) {
            self.learn_gate(live, &evidence, &mut follows);
        }
        let Follows { agent, events, audit, .. } = follows;
        self.count_breach(live, &found.breach);
        match self.store.found(found, Learnt { agent, events, audit }).await {
            Ok(true) => warn_of(live, tool, problem),
            // A hook has told of it.
            Ok(false) => {}
            Err(error) => {
                let session = live.id();
                tracing::error!(session.id = %session, %error, "a violation of session {session} was not written down");
            }
        }
    }

    /// Counts a violation that is, or will be, on disk.
    pub(in crate::app) fn count_breach(&self, live: &Live, breach: &Breach) {
        if !breach.judged {
            live.count_unjudged(&breach.call);
        }
    }
}

/// Has the log tell of a violation.
pub(in crate::app) fn warn_of(live: &Live, tool: &ToolCall, problem: &Problem) {
    let (session, text) = (live.id(), problem.text());
    tracing::warn!(session.id = %session, "session {session}: {}: {text}", tool.tool.escape_debug());
}

/// What is wrong with a call that ran, if it is not what was decided.
fn against(
    decision: &Decision,
    settled: &Settled,
    ran: &Asked<'_>,
    witness: Witness,
) -> Option<String> {
    match (settled.outcome, settled.source) {
        // That somebody said no in the agent's own dialog is only concluded; that it ran is known better.
        (Outcome::Denied, DecisionSource::Dialog(_)) => None,
        (Outcome::Denied, _) => Some("it ran although it was denied".to_owned()),
        (Outcome::Allowed, _) => {
            let asked = &decision.request.input;
            let inputs = match (&settled.updated_input, witness) {
                (Some(updated), Witness::Hook) => vec![updated],
                // It has the model's own words, whatever was made of them.
                (Some(updated), Witness::Transcript) => vec![updated, asked],
                (None, Witness::Hook | Witness::Transcript) => vec![asked],
            };
            let differs = |input: &String| difference((decision, input), ran, witness);
            let different: Option<Vec<String>> = inputs.into_iter().map(differs).collect();
            let what = different?.pop()?;
            Some(format!("it ran with another {what} than the one that was judged"))
        }
    }
}

#[cfg(test)]
mod tests {
    use codeplane_core::{
        ApprovalId, DecisionId, HookEventId, Incarnation, RequestDigest, SessionId, Timestamp,
        ToolRequest,
    };

    use super::super::difference::INPUT_BYTES;
    use super::*;
    use crate::agents::Agent;

    fn input(command: &str) -> String {
        format!("{{\"command\": \"{command}\"}}")
    }

    fn decision(tool: &str, input: String) -> Decision {
        Decision {
            id: DecisionId::random(),
            session: SessionId::random(),
            incarnation: Incarnation::FIRST,
            event: HookEventId::random(),
            request: ToolRequest {
                provider: "claude".to_owned(),
                tool: tool.to_owned(),
                input,
                tool_use_id: Some("a".to_owned()),
                cwd: Some("/w".to_owned()),
                subagent: None,
            },
            digest: RequestDigest::from_bytes([0; 32]),
            verdict: String::new(),
            policies: Vec::new(),
            facts: String::new(),
            asked_at: Timestamp::default(),
            settled: None,
        }
    }

    fn settled(outcome: Outcome, source: DecisionSource) -> Settled {
        Settled {
            outcome,
            source,
            by: "daemon".to_owned(),
            reason: String::new(),
            updated_input: None,
            at: Timestamp::default(),
        }
    }

    /// What is wrong with `ran` where `asked` was decided so.
    fn wrong(
        (tool, asked, ran): (&str, &str, &str),
        settled: &Settled,
        witness: Witness,
    ) -> Option<String> {
        let call = ToolCall {
            tool: tool.to_owned(),
            input: codeplane_core::policy::Value::parse(ran.as_bytes()),
            input_text: ran.as_bytes().to_vec(),
            tool_use_id: Some("a".to_owned()),
        };
        // A transcript does not say where.
        let ran = Asked { agent: Agent::Claude, tool: &call, cwd: None };
        against(&decision(tool, asked.to_owned()), settled, &ran, witness)
    }

    #[test]
    fn a_command_that_runs_as_it_was_allowed_is_in_order_however_it_is_described() {
        let allowed = settled(Outcome::Allowed, DecisionSource::Rules);
        let described = "{\"command\": \"make\", \"description\": \"Build\"}";

        for witness in [Witness::Hook, Witness::Transcript] {
            assert_eq!(wrong(("Bash", &input("make"), described), &allowed, witness), None);
            let other = wrong(("Bash", &input("make"), &input("rm x")), &allowed, witness);
            assert_eq!(
                other.as_deref(),
                Some("it ran with another command than the one that was judged")
            );
        }
    }

    #[test]
    fn a_transcript_may_have_the_models_words_for_what_was_edited_and_a_hook_may_not() {
        let updated_input = Some(input("make test"));
        let allowed = Settled {
            updated_input,
            ..settled(Outcome::Allowed, DecisionSource::Person(ApprovalId::random()))
        };
        let (model, edited) = (input("make"), input("make test"));

        let of = |ran: &str, witness| wrong(("Bash", &model, ran), &allowed, witness);

        assert_eq!(of(&model, Witness::Transcript), None);
        assert_eq!(of(&edited, Witness::Transcript), None);
        assert_eq!(of(&edited, Witness::Hook), None);
        assert!(of(&model, Witness::Hook).is_some());
    }

    #[test]
    fn a_denial_that_was_only_concluded_from_a_dialog_is_no_evidence_against_a_call() {
        let call = ("Read", "{}", "{}");
        let denied = settled(Outcome::Denied, DecisionSource::Rules);
        let concluded = settled(Outcome::Denied, DecisionSource::Dialog(ApprovalId::random()));

        let problem = wrong(call, &denied, Witness::Transcript);

        assert_eq!(problem.as_deref(), Some("it ran although it was denied"));
        assert_eq!(wrong(call, &concluded, Witness::Transcript), None);
    }

    #[test]
    fn a_call_is_what_was_judged_however_its_agent_completes_it() {
        let allowed = settled(Outcome::Allowed, DecisionSource::Rules);
        let edit = r#"{"file_path": "b/../a", "old_string": "x", "new_string": "y"}"#;
        let long = input(&"x".repeat(INPUT_BYTES));
        for (tool, asked, ran) in [
            (
                "Edit",
                edit,
                r#"{"file_path": "/w/a", "old_string": "x", "new_string": "y", "replace_all": false}"#,
            ),
            ("Bash", r#"{"command": "ls"}"#, r#"{"run_in_background": false, "command": "ls"}"#),
            ("Bash", &long[..INPUT_BYTES], long.as_str()),
        ] {
            assert_eq!(wrong((tool, asked, ran), &allowed, Witness::Hook), None, "{tool}");
        }
        let words = r#"{"file_path": "/w/a", "old_string": "x ", "new_string": "y"}"#;
        assert_eq!(wrong(("Edit", words, edit), &allowed, Witness::Transcript), None);
    }

    #[test]
    fn a_call_that_does_something_else_than_was_judged_is_told() {
        let allowed = settled(Outcome::Allowed, DecisionSource::Rules);
        let write = |path: &str, content: &str| {
            format!("{{\"file_path\": \"{path}\", \"content\": \"{content}\"}}")
        };
        let asked = write("/w/fine", "x");
        let anywhere = [Witness::Hook, Witness::Transcript];
        for (tool, asked, ran, what, witnesses) in [
            ("Write", asked.clone(), write("/w/out", "x"), "file_path", &anywhere[..]),
            ("Write", asked.clone(), write("/w/fine", "y"), "content", &anywhere[..1]),
            ("Grep", "{}".to_owned(), r#"{"path": "/etc"}"#.to_owned(), "path", &anywhere),
            (
                "Bash",
                input("ls"),
                r#"{"command": "ls", "dangerouslyDisableSandbox": true}"#.to_owned(),
                "command",
                &anywhere[..1],
            ),
        ] {
            for witness in witnesses {
                let told = wrong((tool, &asked, &ran), &allowed, *witness);
                let expected = format!("it ran with another {what} than the one that was judged");
                assert_eq!(told, Some(expected), "{tool} {witness:?}");
            }
        }
    }

    #[test]
    fn a_decision_about_another_tool_covers_nothing() {
        let allowed = settled(Outcome::Allowed, DecisionSource::Rules);
        let text = r#"{"file_path": "/etc/passwd"}"#;
        let call = ToolCall {
            tool: "Write".to_owned(),
            input: codeplane_core::policy::Value::parse(text.as_bytes()),
            input_text: text.as_bytes().to_vec(),
            tool_use_id: Some("a".to_owned()),
        };
        let ran = Asked { agent: Agent::Claude, tool: &call, cwd: None };

        let told = against(&decision("Bash", input("ls")), &allowed, &ran, Witness::Transcript);

        assert_eq!(told.as_deref(), Some("it ran with another tool than the one that was judged"));
    }
}
