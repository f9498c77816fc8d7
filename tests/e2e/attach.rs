//! Clients on terminals: what they receive, who types, whose size it is, who answers queries.

mod control;
mod following;
mod input;
mod looking;
mod many;
mod queries;
mod sizes;
