//! The directories and the environment of an agent: all it reads, writes and reaches.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{RealAgent, claude, codex, install::Kind};

/// An agent's directories.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) home: PathBuf,
    pub(super) work: PathBuf,
    temporary: PathBuf,
}

impl Home {
    /// Makes them below `directory`, for an agent whose model is at `model`.
    pub(super) fn make(directory: &Path, agent: &RealAgent, model: &str) -> Self {
        let directory = directory.canonicalize().expect("it exists");
        let below = |name: &str| {
            let path = directory.join(name);
            fs::create_dir_all(&path).expect("it can be written");
            path
        };
        let home = Self { home: below("agent"), work: below("work"), temporary: below("tmp") };
        match agent.kind {
            Kind::Claude => claude::prepare(&home.home, &home.work),
            Kind::Codex => codex::prepare(&home.home, &home.work, model),
        }
        home
    }

    /// Everything the agent finds in its environment, but for what a session always has.
    pub(super) fn environment(
        &self,
        agent: &RealAgent,
        model: &str,
    ) -> Vec<(&'static str, String)> {
        let own = match agent.kind {
            Kind::Claude => claude::environment(model),
            Kind::Codex => codex::environment(),
        };
        let path = env::var("PATH").unwrap_or_default();
        let common = vec![
            ("PATH", format!("{}:{path}", agent.bin().display())),
            ("HOME", self.home.display().to_string()),
            ("TMPDIR", self.temporary.display().to_string()),
            // The model refuses to be a proxy and tells who was to be reached.
            ("HTTP_PROXY", model.to_owned()),
            ("HTTPS_PROXY", model.to_owned()),
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
        ];
        [common, own].concat()
    }
}
