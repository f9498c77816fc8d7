//! Scripts of sed: which neither run anything nor touch a file of their own.

/// Whether every command of a script is one of those that only edit text. What is not understood is not.
pub(super) fn is_harmless(script: &str) -> bool {
    let chars: Vec<char> = script.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        match command(&chars, at) {
            Some(next) => at = next,
            None => return false,
        }
    }
    true
}

/// Reads one command; where the next begins, or none when it is not harmless.
fn command(chars: &[char], from: usize) -> Option<usize> {
    let mut at = blanks(chars, from);
    at = address(chars, at)?;
    if chars.get(at) == Some(&',') {
        at = address(chars, blanks(chars, at + 1))?;
    }
    at = blanks(chars, at);
    while chars.get(at) == Some(&'!') {
        at = blanks(chars, at + 1);
    }
    match chars.get(at) {
        None => Some(at),
        Some(
            'p' | 'd' | 'q' | 'Q' | 'D' | 'P' | 'n' | 'N' | 'g' | 'G' | 'h' | 'H' | 'x' | 'l' | '='
            | '{' | '}' | 'z' | 'F',
        ) => end(chars, at + 1),
        Some('s') => {
            let after = delimited(chars, at + 1, 2)?;
            let mut flags = after;
            while chars.get(flags).is_some_and(|c| "gpiImM0123456789".contains(*c)) {
                flags += 1;
            }
            end(chars, flags)
        }
        Some('y') => end(chars, delimited(chars, at + 1, 2)?),
        // A label ends at a semicolon: GNU sed goes on behind it.
        Some('b' | 't' | 'T' | ':') => Some(
            chars[at..]
                .iter()
                .position(|c| matches!(c, '\n' | ';'))
                .map_or(chars.len(), |end| at + end + 1),
        ),
        Some('a' | 'i' | 'c' | '#') => Some(
            chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |line| at + line + 1),
        ),
        Some(_) => None,
    }
}

fn blanks(chars: &[char], mut at: usize) -> usize {
    while chars.get(at).is_some_and(|c| c.is_whitespace() || *c == ';') {
        at += 1;
    }
    at
}

fn address(chars: &[char], mut at: usize) -> Option<usize> {
    match chars.get(at) {
        Some('/') => {
            at = delimited(chars, at, 1)?;
            while matches!(chars.get(at), Some('I' | 'M')) {
                at += 1;
            }
        }
        Some('\\') => at = delimited(chars, at + 1, 1)?,
        Some('$') => at += 1,
        Some(_) | None => {
            while chars.get(at).is_some_and(|c| c.is_ascii_digit() || matches!(c, '~' | '+')) {
                at += 1;
            }
        }
    }
    Some(at)
}

/// Goes past `count` parts, each ended by the delimiter at `at`.
fn delimited(chars: &[char], at: usize, count: usize) -> Option<usize> {
    let delimiter = *chars.get(at)?;
    if delimiter == '\n' || delimiter == '\\' {
        return None;
    }
    let mut at = at + 1;
    for _ in 0..count {
        loop {
            match chars.get(at)? {
                '\\' => at += 2,
                // A delimiter inside brackets is read in two ways by two seds.
                '[' if delimiter != '[' => {
                    at += 1;
                }
                c if *c == delimiter => break,
                _ => at += 1,
            }
        }
        at += 1;
    }
    Some(at)
}

fn end(chars: &[char], at: usize) -> Option<usize> {
    let mut at = at;
    while matches!(chars.get(at), Some(' ' | '\t')) {
        at += 1;
    }
    // `q5` and `l 80` have a number.
    while chars.get(at).is_some_and(char::is_ascii_digit) {
        at += 1;
    }
    match chars.get(at) {
        None | Some(';' | '\n' | '}' | '#') => Some(at),
        Some(_) if matches!(chars.get(at - 1), Some('{' | '}')) => Some(at),
        Some(_) => chars[..at]
            .iter()
            .rev()
            .find(|c| !c.is_whitespace())
            .is_some_and(|c| *c == '{')
            .then_some(at),
    }
}
