//! The client as a service meets it, against small servers that misbehave on purpose.

#[cfg(test)]
mod attachment;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod watch;
