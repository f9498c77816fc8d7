//! What no rule opens on this machine: where the daemon keeps what it decides by.

use codeplane_core::policy::{Effect, FileFacts, Places, Rule, RuleSet};

use crate::app::App;
use crate::os;

impl App {
    /// Makes rules ready to which the daemon's own places and `more` are protected, whatever they say.
    /// Asks where they and the beginnings of patterns lead: `facts` may block.
    pub(super) fn rule_set(
        &self,
        (rules, default): (Vec<Rule>, Effect),
        places: &Places,
        more: &[String],
        facts: &dyn FileFacts,
    ) -> RuleSet {
        let own = self.own_places();
        let mut protected: Vec<String> = own.iter().chain(more).cloned().collect();
        // A path is compared as its text says and as the kernel has it: so are these.
        let resolved = protected.iter().filter_map(|path| facts.path(path).resolved);
        let resolved: Vec<String> = resolved.collect();
        protected.extend(resolved);
        protected.sort_unstable();
        protected.dedup();
        // Sessions are of principals; people write names.
        let uid = |name: &str| os::user_id(name).map(|uid| format!("uid:{uid}"));
        let rules = rules.into_iter().map(|rule| rule.for_users(uid)).collect();
        RuleSet::new(rules, default, places, facts).protecting(&protected)
    }

    /// State, sockets, configuration, and the file with the audit log's checkpoints.
    fn own_places(&self) -> Vec<String> {
        let (directories, config) = (&self.directories, &self.config);
        [&directories.state, &directories.runtime]
            .into_iter()
            .chain(&config.file)
            .chain(&config.audit.checkpoint_file)
            .filter_map(|path| path.to_str().map(str::to_owned))
            .collect()
    }
}
