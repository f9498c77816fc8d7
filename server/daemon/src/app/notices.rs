//! What somebody who starts a session should know about how its calls are judged.

use codeplane_core::{Asks, Gate, GateMode, NewSession};

use super::App;
use super::create::Create;
use crate::agents::Agent;

impl App {
    /// Lines about a session that is about to start: that nobody judges it by any policy, or that what was
    /// asked for has no effect.
    pub(super) fn notices_on_rules(
        &self,
        create: &Create,
        session: &NewSession,
        gate: &Gate,
    ) -> Vec<String> {
        let mut notices = self.on_rules(create, session, gate);
        notices.extend(strange_adapter(create));
        notices
    }

    fn on_rules(&self, create: &Create, session: &NewSession, gate: &Gate) -> Vec<String> {
        let is_unknown = create.provider.is_none() && session.provider == Agent::Generic.name();
        match gate {
            Gate::Ungated { .. } => no_effect(create, "none of its calls is judged").collect(),
            Gate::None if is_unknown => {
                no_effect(create, "no adapter knows this program: only what it asks by 'cpctl hook generic' is judged")
                    .collect()
            }
            Gate::None | Gate::Unproven | Gate::Gated => {
                let has_policy =
                    !create.policies.is_empty() || !self.policies_of(session).is_empty();
                unjudged(create.asks).filter(|_| !has_policy).into_iter().collect()
            }
        }
    }
}

/// A line if the options of an agent were added to what may be another program.
fn strange_adapter(create: &Create) -> Option<String> {
    let agent = Agent::named(create.provider.as_deref()?)?;
    let adds = match agent {
        Agent::Claude | Agent::Codex => true,
        Agent::Generic => false,
    };
    let name = agent.name();
    (adds && Agent::recognise(&create.command) != Some(agent)).then(|| {
        format!("options of {name} were added to the command: if it is another program, leave --provider {name} out")
    })
}

/// What becomes of calls where no policy is bound.
fn unjudged(asks: Asks) -> Option<String> {
    let becomes = match asks {
        Asks::Person => "you are asked about each call",
        Asks::Denied => "each call is denied",
        Asks::Allowed => return None,
    };
    Some(format!(
        "no policy judges this session: {becomes} that it has no --allow for; \
         bind one with 'cpctl policy bind NAME --default', see cpctl policy starter"
    ))
}

/// A line if something about judging was asked for.
fn no_effect(create: &Create, why: &str) -> impl Iterator<Item = String> {
    let asked = [
        ("policies", !create.policies.is_empty()),
        ("rules of its own", !create.allow.is_empty()),
        ("unattended", create.asks == Asks::Denied),
        ("dangerous", create.asks == Asks::Allowed),
        ("the agent's dialog", create.mode == GateMode::AgentDialog),
    ];
    let named: Vec<&str> = asked.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    let line = format!("{} may have no effect: {why}", named.join(", "));
    (!named.is_empty()).then_some(line).into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_effect_is_named() {
        let create =
            Create { allow: vec!["Bash".to_owned()], asks: Asks::Denied, ..Create::default() };

        let told: Vec<String> = no_effect(&create, "why").collect();

        assert_eq!(told, ["rules of its own, unattended may have no effect: why"]);
        assert_eq!(no_effect(&Create::default(), "why").count(), 0);
    }

    #[test]
    fn options_added_to_another_program_are_told() {
        let told = |provider: &str, program: &str| {
            let provider = Some(provider.to_owned());
            let command = vec![program.to_owned()];
            strange_adapter(&Create { provider, command, ..Create::default() })
        };

        assert!(told("codex", "claude").unwrap().contains("options of codex were added"));
        assert!(told("claude", "sleep").is_some());
        assert_eq!(told("claude", "claude"), None);
        assert_eq!(told("generic", "sleep"), None);
        assert_eq!(strange_adapter(&Create::default()), None);
    }

    #[test]
    fn where_no_policy_is_bound_it_is_said_what_becomes_of_calls() {
        assert!(unjudged(Asks::Person).unwrap().contains("you are asked about each call"));
        assert!(unjudged(Asks::Denied).unwrap().contains("each call is denied"));
        assert_eq!(unjudged(Asks::Allowed), None);
    }
}
