//! Whether an agent's tool calls are judged.

/// What is known of whether an agent's tool calls are judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Gate {
    /// No agent whose calls could be judged.
    #[default]
    None,
    /// Hooks are set up; no call has been judged yet.
    Unproven,
    /// A call was judged, and none was made without.
    Gated,
    /// A call was made without being judged, or nobody set hooks up.
    Ungated {
        /// Why, for people.
        reason: String,
    },
}

/// What happened that tells whether calls are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateEvidence {
    /// A call was judged.
    Judged,
    /// A tool ran that nobody judged.
    Unjudged {
        /// Which, for people.
        reason: String,
    },
}

impl Gate {
    /// The word on disk and in filters.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unproven => "unproven",
            Self::Gated => "gated",
            Self::Ungated { .. } => "ungated",
        }
    }

    /// Reads the word and its reason.
    #[must_use]
    pub fn parse(word: &str, reason: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "unproven" => Some(Self::Unproven),
            "gated" => Some(Self::Gated),
            "ungated" => Some(Self::Ungated { reason: reason.to_owned() }),
            _ => None,
        }
    }

    /// What is known after `evidence`; none if that is nothing new. A session that was ungated once
    /// stays so: what was done without judgement stays done.
    #[must_use]
    pub fn after(&self, evidence: &GateEvidence) -> Option<Self> {
        match (self, evidence) {
            (Self::None | Self::Unproven, GateEvidence::Judged) => Some(Self::Gated),
            (Self::Gated | Self::Ungated { .. }, GateEvidence::Judged)
            | (Self::Ungated { .. }, GateEvidence::Unjudged { .. }) => None,
            (Self::None | Self::Unproven | Self::Gated, GateEvidence::Unjudged { reason }) => {
                Some(Self::Ungated { reason: reason.clone() })
            }
        }
    }
}

/// Where a person is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GateMode {
    /// The call is held until a person decides through the daemon.
    #[default]
    Held,
    /// The agent shows its own dialog; whoever answers first decides.
    AgentDialog,
}

impl GateMode {
    /// The word on disk.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::AgentDialog => "agent_dialog",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Held, Self::AgentDialog].into_iter().find(|mode| mode.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_judged_call_proves_the_gate_and_the_first_unjudged_one_breaks_it_for_good() {
        let unjudged = GateEvidence::Unjudged { reason: "Bash ran".to_owned() };
        let ungated = Gate::Ungated { reason: "Bash ran".to_owned() };

        assert_eq!(Gate::Unproven.after(&GateEvidence::Judged), Some(Gate::Gated));
        assert_eq!(Gate::Gated.after(&GateEvidence::Judged), None);
        assert_eq!(Gate::Gated.after(&unjudged), Some(ungated.clone()));
        assert_eq!(Gate::Unproven.after(&unjudged), Some(ungated.clone()));
        assert_eq!(ungated.after(&GateEvidence::Judged), None);
    }
}
