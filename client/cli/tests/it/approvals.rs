//! People decide: what they see, what the daemon gets, what is refused.

mod desk;
mod lines;
mod screen;
mod tty;
mod verbs;
