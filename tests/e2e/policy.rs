//! Policies as people and services meet them.

mod bindings;
mod commands;
mod files;
mod kit;
mod sessions;
