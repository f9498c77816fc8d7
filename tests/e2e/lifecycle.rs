//! Sessions from create to delete, and the daemon around them.

mod activity;
mod commands;
mod daemon;
mod endings;
mod environment;
mod events;
mod sessions;
mod waiting;
