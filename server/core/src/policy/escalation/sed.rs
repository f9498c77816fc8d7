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
        Some('b' | 't' | 'T' | ':') => label(chars, at + 1),
        Some('a' | 'i' | 'c' | '#') => Some(
            chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |line| at + line + 1),
        ),
        Some(_) => None,
    }
}

/// Goes past a label. Where it ends differs: GNU sed 4.9 goes on behind white space and semicolons,
/// others behind the line or a brace. Nothing may follow that one of them runs.
fn label(chars: &[char], at: usize) -> Option<usize> {
    let is_blank = |c: &char| matches!(c, ' ' | '\t');
    let past = |from: usize, is_part: &dyn Fn(&char) -> bool| {
        chars[from..].iter().position(|c| !is_part(c)).map_or(chars.len(), |end| from + end)
    };
    let name = past(at, &is_blank);
    let end = past(name, &|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let end = past(end, &|c| is_blank(c) || *c == '}');
    chars.get(end).is_none_or(|c| matches!(c, '\n' | ';')).then_some(end)
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
    for part in 0..count {
        loop {
            match chars.get(at)? {
                '\\' => at += 2,
                '[' if part == 0 => at = brackets(chars, at + 1, delimiter)?,
                // Behind `a\` such a line may be text, and the next one commands.
                '\n' => return None,
                c if *c == delimiter => break,
                _ => at += 1,
            }
        }
        at += 1;
    }
    Some(at)
}

/// Goes past what stands in brackets; none where seds may differ about where that ends: GNU sed 4.9
/// takes a delimiter in there for a plain character, others for the end of the part.
fn brackets(chars: &[char], at: usize, delimiter: char) -> Option<usize> {
    let mut at = at + usize::from(chars.get(at) == Some(&'^'));
    at += usize::from(chars.get(at) == Some(&']') && delimiter != ']');
    loop {
        let next = chars.get(at + 1).copied();
        match (*chars.get(at)?, next) {
            (c, _) if c == delimiter || c == '\n' => return None,
            (']', _) => return Some(at + 1),
            // A bracket behind a backslash closes for some.
            ('\\', Some(']')) => return None,
            ('\\', Some(c)) if c == '\\' || c == delimiter => at += 2,
            ('[', Some(':' | '.' | '=')) => at = class(chars, at + 2, delimiter)?,
            _ => at += 1,
        }
    }
}

/// Goes past a class such as `[:alpha:]`, from its name on.
fn class(chars: &[char], at: usize, delimiter: char) -> Option<usize> {
    let kind = *chars.get(at.checked_sub(1)?)?;
    let letters = chars[at..].iter().position(|c| !c.is_ascii_alphabetic())?;
    let end = at + letters;
    let is_closed = chars.get(end) == Some(&kind) && chars.get(end + 1) == Some(&']');
    let is_whole = !chars[at - 2..(end + 2).min(chars.len())].contains(&delimiter);
    (is_closed && is_whole).then_some(end + 2)
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
