//! Whatever is wrong with a call or a start is said at once, by field or file, and nothing is
//! half-done.

mod calls;
mod create;
mod starting;
mod terminals;
