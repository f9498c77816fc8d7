//! A language model that says what a test wrote down, for the real command lines of agents.
//!
//! It listens on loopback and speaks the Anthropic Messages API, as Claude Code calls it, and the
//! `OpenAI` Responses API, as Codex does. A prompt chooses the [`Turn`]s by a mark: `[[build]] go`
//! plays the script `build`. Which turn is next is read from the request alone, so an agent that
//! retries, resumes or forks its conversation gets the right one. What an agent asks on the side (a
//! title, whether the model is there) is answered with something harmless and uses no turn up.
//!
//! Everything it is asked is kept, so that a test can see what the model was told.

mod conversation;
mod journal;
mod messages;
mod responses;
mod script;
mod serve;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use self::{journal::Journal, script::Scripts};
pub use self::{
    journal::{Exchange, ToolResult},
    script::{Gate, Turn, call, call_with_text, fail, say, think},
};
use crate::{AGENT_PATIENCE, wait_until};

/// A model that listens until it is dropped.
#[derive(Debug)]
pub struct Model {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

/// What the answers depend on, and what was asked.
#[derive(Debug, Default)]
struct State {
    scripts: Mutex<Scripts>,
    journal: Mutex<Journal>,
}

impl Model {
    /// A model without scripts, on a port of its own.
    ///
    /// # Panics
    /// If loopback has no port left.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let state = Arc::new(State::default());
        let (stop, stopped) = oneshot::channel();
        let served = state.clone();
        let server = thread::spawn(move || serve::until(stopped, listener, served));
        Self { address, state, stop: Some(stop), server: Some(server) }
    }

    /// Where it listens, as a base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is played to a prompt that holds `[[name]]`: a turn for each time the agent asks.
    ///
    /// # Panics
    /// If `name` holds what a mark cannot: it is made of letters, digits, `-` and `_`.
    pub fn script(&self, name: &str, turns: impl IntoIterator<Item = Turn>) {
        assert!(script::is_name(name), "{name:?} is no name of a script");
        self.scripts().add(name, turns.into_iter().collect());
    }

    /// Everything the model was asked so far, oldest first.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.journal().exchanges.clone()
    }

    /// What the model was told of the tool calls of script `name`, in the order of the calls; a
    /// result that was told again and again, as the conversation goes on, is there once.
    #[must_use]
    pub fn tool_results(&self, name: &str) -> Vec<ToolResult> {
        self.journal().results_of(name)
    }

    /// Waits until the model was told of a tool call of script `name` something that holds `text`.
    ///
    /// # Panics
    /// At the deadline of [`AGENT_PATIENCE`], with what it was told.
    #[track_caller]
    pub fn expect_tool_result(&self, name: &str, text: &str) -> ToolResult {
        wait_until(&format!("{text:?} as a result of [[{name}]]"), AGENT_PATIENCE, || {
            let results = self.tool_results(name);
            let found = results.iter().find(|result| result.text.contains(text)).cloned();
            found.ok_or_else(|| format!("{results:?} of\n{}", self.summary()))
        })
    }

    /// Waits until the model was asked for a turn of script `name`, counted from 0: the agent has
    /// the results of all turns before, and waits for this one.
    ///
    /// # Panics
    /// At the deadline of [`AGENT_PATIENCE`], with what it was asked.
    #[track_caller]
    pub fn expect_turn(&self, name: &str, turn: usize) -> Exchange {
        wait_until(&format!("turn {turn} of [[{name}]]"), AGENT_PATIENCE, || {
            let played = Some((name.to_owned(), turn));
            let mut exchanges = self.exchanges().into_iter();
            exchanges.find(|exchange| exchange.played == played).ok_or_else(|| self.summary())
        })
    }

    /// Hosts that an agent wanted to reach beside the model, through the proxy that the model is.
    #[must_use]
    pub fn outsiders(&self) -> Vec<String> {
        self.journal().outsiders.clone()
    }

    /// What the model was asked, a line each, for the message of a failed test.
    #[must_use]
    pub fn summary(&self) -> String {
        self.journal().to_string()
    }

    fn scripts(&self) -> std::sync::MutexGuard<'_, Scripts> {
        self.state.scripts.lock().expect("no panic holds it")
    }

    fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.state.journal.lock().expect("no panic holds it")
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by a panic of its own.
            stop.send(()).ok();
        }
        if let Some(server) = self.server.take() {
            drop(server.join());
        }
    }
}
