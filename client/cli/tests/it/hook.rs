//! What an agent gets for an answer, whatever happens to the daemon, to the hook and to its pipes.

mod answers;
mod faults;
mod scene;
mod tokens;
