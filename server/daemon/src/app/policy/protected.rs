//! What no rule opens on this machine: where the daemon keeps what it decides by.

use codeplane_core::policy::{Effect, FileFacts, Places, Rule, RuleSet, Value};

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
        let rules = rules.into_iter().map(|rule| rule.for_users(uid)).chain(self.kept_rules());
        let rules = rules.collect();
        RuleSet::new(rules, default, places, facts).protecting(&protected)
    }

    /// Rules that ask about everything where keys and tokens lie: what is protected may still be read.
    fn kept_rules(&self) -> impl Iterator<Item = Rule> + '_ {
        let directories = [&self.directories.state, &self.directories.runtime];
        directories.into_iter().enumerate().filter_map(|(number, directory)| {
            // What a path holds that is not plain text would mean something else in a rule.
            let path = directory.to_str().filter(|path| !path.contains(['*', '?', '[', '{']))?;
            let rule = Value::Map(vec![
                ("id".to_owned(), Value::String(format!("@codeplane/own-{}", number + 1))),
                ("effect".to_owned(), Value::String("ask".to_owned())),
                ("path".to_owned(), Value::String(format!("{path}/**"))),
                ("always_ask".to_owned(), Value::Bool(true)),
                ("reason".to_owned(), Value::String("codeplane keeps its keys there".to_owned())),
            ]);
            Rule::read(&rule, 0).ok()
        })
    }

    /// State, sockets, configuration, the file with the audit log's checkpoints, and the programs that judge.
    fn own_places(&self) -> Vec<String> {
        let (directories, config) = (&self.directories, &self.config);
        let programs = std::env::current_exe().ok().into_iter().chain(self.hook_program());
        [&directories.state, &directories.runtime]
            .into_iter()
            .chain(&config.file)
            .chain(&config.audit.checkpoint_file)
            .cloned()
            .chain(programs)
            .filter_map(|path| path.to_str().map(str::to_owned))
            .collect()
    }
}
