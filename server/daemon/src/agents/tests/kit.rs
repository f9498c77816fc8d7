//! A launch with files that exist only here.

use std::collections::BTreeMap;
use std::path::Path;

use codeplane_core::GateMode;

use super::super::{Agent, Launch, LaunchContext};

/// What is there before an agent starts.
#[derive(Default)]
pub(super) struct Scene {
    pub(super) files: BTreeMap<&'static str, &'static str>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) gate: GateMode,
}

impl Scene {
    pub(super) fn file(mut self, path: &'static str, text: &'static str) -> Self {
        self.files.insert(path, text);
        self
    }

    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn launch(&self, agent: Agent, command: &[&str]) -> Result<Launch, String> {
        let command = words(command);
        let read = |path: &Path| {
            self.files.get(path.to_str().unwrap()).map(|text| text.as_bytes().to_vec())
        };
        agent.launch(&LaunchContext {
            command: &command,
            cwd: Path::new("/w/project"),
            home: Path::new("/h"),
            env: &self.env,
            directory: Path::new("/run/1"),
            hook: &words(&["/opt/code plane/cpctl"]),
            hook_seconds: 7230,
            gate: self.gate,
            conversation: Some("6f3dbb0e-5b1c-4a55-9d5e-0123456789ab"),
            read: &read,
        })
    }
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
