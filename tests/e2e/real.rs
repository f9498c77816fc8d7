//! The real command lines of agents as sessions, with a scripted model. See `tests/README.md`.

mod activity;
mod claude;
mod codex;
mod codex_gate;
mod gate;
mod receipts;
mod sabotage;
