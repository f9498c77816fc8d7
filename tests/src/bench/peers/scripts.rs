//! Hooks as people write them: bash with curl, and node. They keep no sessions.

use std::{fs, time::Duration};

use super::{Nature, Peer, Sessions, argv};
use crate::{
    bench::{Result, connection::Door, home::Home, notes::Notes},
    binary,
};

/// In which language.
#[derive(Clone, Copy, Debug)]
pub(super) enum Language {
    Bash,
    Node,
}

/// A script that posts to a server on loopback.
#[derive(Debug)]
pub(super) struct Script {
    home: Home,
    language: Language,
}

impl Script {
    pub(super) const fn new(home: Home, language: Language) -> Self {
        Self { home, language }
    }
}

impl Peer for Script {
    fn nature(&self) -> Nature {
        Nature { sessions: Sessions::WithClient, ..Nature::default() }
    }

    fn home(&self) -> &Home {
        &self.home
    }

    fn start_judging(&mut self) -> Result<Vec<String>> {
        let benchprog = binary("benchprog").display().to_string();
        let directory = self.home.directory();
        self.home.spawn(&[&benchprog, "judge", &directory.display().to_string()])?;
        let port = directory.join("port");
        Notes::wait_for(&port, Duration::from_secs(5))?;
        let url = format!("http://127.0.0.1:{}/", fs::read_to_string(port)?);
        let (interpreter, name, template) = match self.language {
            Language::Bash => ("bash", "hook.sh", BASH),
            Language::Node => ("node", "hook.cjs", NODE),
        };
        let script = self.home.path(name);
        fs::write(&script, template.replace("URL", &url))?;
        Ok(argv([interpreter, &script]))
    }

    fn create(&mut self, _: &str, _: &[String]) -> Result<()> {
        Ok(())
    }

    fn door(&self, _: &str, argv: &[String]) -> Door {
        Door::Terminal(argv.to_vec())
    }

    fn start_door(&self, argv: &[String]) -> Door {
        Door::Terminal(argv.to_vec())
    }
}

/// One process more than bash, and nothing read twice.
const BASH: &str = "\
curl --silent --show-error --fail --data-binary @- -H 'Content-Type: application/json' URL || exit 2
";

/// Without `fetch`, which loads more than twice as long.
const NODE: &str = "\
const http = require('node:http');
const body = require('node:fs').readFileSync(0);
const fail = (error) => { console.error(error.message); process.exit(2); };
const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
const request = http.request('URL', { method: 'POST', headers }, (response) => {
  if (response.statusCode !== 200) process.exit(2);
  response.pipe(process.stdout);
});
request.on('error', fail);
request.end(body);
";
