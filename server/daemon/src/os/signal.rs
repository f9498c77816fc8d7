//! Names of signals.

use std::str::FromStr;

use nix::sys::signal::Signal;

/// The number of a signal by its name, with or without `SIG`, in any case; or by its number.
#[must_use]
pub(crate) fn signal_number(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let name = text.to_uppercase();
    let name = if name.starts_with("SIG") { name } else { format!("SIG{name}") };
    Signal::from_str(&name).ok().map(|signal| signal as i32)
}

#[cfg(test)]
mod tests {
    use super::signal_number;

    #[test]
    fn a_signal_has_a_name_and_a_number() {
        for text in ["KILL", "SIGKILL", "kill", "9"] {
            assert_eq!(signal_number(text), Some(9), "{text}");
        }
        for bad in ["", "0", "65", "SIG", "NOPE"] {
            assert_eq!(signal_number(bad), None, "{bad}");
        }
    }
}
