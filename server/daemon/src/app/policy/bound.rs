//! The rules that hold in a session.

use codeplane_core::PolicyRef;
use codeplane_core::policy::{Effect, Places, RuleSet};

use super::super::App;
use super::Files;
use crate::session::Live;

/// What is bound to a session.
#[derive(Debug)]
pub(in crate::app) struct BoundRules {
    /// The rules of all of it.
    pub(in crate::app) rules: RuleSet,
    /// Where they come from.
    pub(in crate::app) policies: Vec<PolicyRef>,
}

impl App {
    /// The rules that hold in a session.
    pub(in crate::app) fn bound_rules(&self, live: &Live) -> BoundRules {
        let places = Places { home: live.agent().home, workspace: Some(live.session().spec.cwd) };
        let now_ms = self.clock.now().as_micros() / 1000;
        let rules = RuleSet::new(Vec::new(), Effect::Ask, &places, &Files, now_ms);
        BoundRules { rules, policies: Vec::new() }
    }
}
