//! What agents' hooks report, what they are answered, and what holds when something fails.

mod answers;
mod bad_answers;
mod bad_input;
mod deciding;
mod disk;
mod explaining;
mod faults;
mod grants;
mod kit;
mod lost_answers;
mod notices;
mod provable;
mod receipts;
mod tokens;
