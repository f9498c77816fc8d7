//! JSON, read strictly: what two readers could understand differently is kept visible.

use std::{fmt, str};

/// How deep a document may nest before the rest of a branch is kept as [`Value::Bad`].
const DEPTH: usize = 64;

/// A JSON value that hides nothing: members stay in order, and twice if written twice.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A string.
    String(String),
    /// An array.
    List(Vec<Self>),
    /// An object, with every member that was written.
    Map(Vec<(String, Self)>),
    /// What is JSON in form, but cannot be trusted: why.
    Bad(&'static str),
}

impl Value {
    /// Reads one document and nothing after it.
    ///
    /// # Errors
    /// What is wrong, and at which byte.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let read = Self::parse_with_places(bytes);
        read.map(|(value, _)| value).map_err(|(problem, at)| format!("{problem} at byte {at}"))
    }

    /// Reads one document, and says at which bytes its parts begin: each value before what it
    /// holds, each name of a member before its value.
    pub(super) fn parse_with_places(
        bytes: &[u8],
    ) -> Result<(Self, Vec<usize>), (&'static str, usize)> {
        let mut reader = Reader { bytes, at: 0, places: Vec::new() };
        let value = reader.value(0).and_then(|value| {
            reader.blanks();
            if reader.at == bytes.len() { Ok(value) } else { Err("text after the document") }
        });
        match value {
            Ok(value) => Ok((value, reader.places)),
            Err(problem) => Err((problem, reader.at)),
        }
    }

    /// The member of that name; of several, the first.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(members) => members.iter().find(|(key, _)| key == name).map(|(_, v)| v),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::String(_)
            | Self::List(_)
            | Self::Bad(_) => None,
        }
    }

    /// The text, if it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Bad(_) => None,
        }
    }

    /// Why nobody should rely on it: duplicate names, NUL, broken text, or too deep.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => None,
            Self::Bad(why) => Some(why),
            Self::String(text) => text.contains('\0').then_some("NUL in a string"),
            Self::List(items) => items.iter().find_map(Self::flaw),
            Self::Map(members) => {
                let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                if names.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Some("a name twice in one object");
                }
                if names.iter().any(|name| name.contains('\0')) {
                    return Some("NUL in a name");
                }
                members.iter().find_map(|(_, value)| value.flaw())
            }
        }
    }

    /// Every string in it, names of members left out.
    pub fn strings(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.collect_strings(&mut found);
        found
    }

    fn collect_strings<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::String(text) => found.push(text),
            Self::List(items) => items.iter().for_each(|item| item.collect_strings(found)),
            Self::Map(members) => members.iter().for_each(|(_, v)| v.collect_strings(found)),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Bad(_) => {}
        }
    }
}

/// Compact JSON; what cannot be trusted is `null`.
impl fmt::Display for Value {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null | Self::Bad(_) => to.write_str("null"),
            Self::Bool(flag) => write!(to, "{flag}"),
            Self::Number(text) => to.write_str(text),
            Self::String(text) => write_string(to, text),
            Self::List(items) => {
                to.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    to.write_str(if at > 0 { "," } else { "" })?;
                    item.fmt(to)?;
                }
                to.write_str("]")
            }
            Self::Map(members) => {
                to.write_str("{")?;
                for (at, (name, value)) in members.iter().enumerate() {
                    to.write_str(if at > 0 { "," } else { "" })?;
                    write_string(to, name)?;
                    to.write_str(":")?;
                    value.fmt(to)?;
                }
                to.write_str("}")
            }
        }
    }
}

fn write_string(to: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    to.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(to, "\\{c}")?,
            c if c.is_control() => write!(to, "\\u{:04x}", u32::from(c))?,
            c => write!(to, "{c}")?,
        }
    }
    to.write_str("\"")
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    places: Vec<usize>,
}

type Read<T> = Result<T, &'static str>;

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        self.blanks();
        self.places.push(self.at);
        match self.peek() {
            Some(b'{' | b'[') if depth >= DEPTH => self.skip_nested(),
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(self.string()?.map_or_else(Value::Bad, Value::String)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.name(),
            None => Err("the document ends early"),
        }
    }

    fn name(&mut self) -> Read<Value> {
        for (name, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if self.bytes[self.at..].starts_with(name.as_bytes()) {
                self.at += name.len();
                return Ok(value);
            }
        }
        Err("no JSON value")
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits()?;
        if leading_zero && digits > 1 {
            return Err("a number with a leading zero");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = String::from_utf8_lossy(&self.bytes[start..self.at]);
        Ok(Value::Number(text.into_owned()))
    }

    fn digits(&mut self) -> Read<usize> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err("a number without digits") } else { Ok(self.at - start) }
    }

    fn list(&mut self, depth: usize) -> Read<Value> {
        let mut items = Vec::new();
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.ends(b']')? {
                return Ok(Value::List(items));
            }
        }
    }

    fn map(&mut self, depth: usize) -> Read<Value> {
        let mut members = Vec::new();
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(members));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err("a member without a name");
            }
            self.places.push(self.at);
            // A broken name keeps its member, as something that cannot be trusted.
            let (name, broken) = match self.string()? {
                Ok(name) => (name, None),
                Err(why) => (String::new(), Some(why)),
            };
            self.blanks();
            if self.peek() != Some(b':') {
                return Err("a member without a value");
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            members.push((name, broken.map_or(value, Value::Bad)));
            if self.ends(b'}')? {
                return Ok(Value::Map(members));
            }
        }
    }

    fn ends(&mut self, close: u8) -> Read<bool> {
        self.blanks();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            Some(_) | None => Err("neither a comma nor an end"),
        }
    }

    /// Goes past a value that is too deep to be kept, without recursion.
    fn skip_nested(&mut self) -> Read<Value> {
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    open -= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
            if open == 0 {
                return Ok(Value::Bad("nested too deep"));
            }
        }
        Err("the document ends early")
    }

    /// The inner result is why a well-delimited string is no text.
    fn string(&mut self) -> Read<Result<String, &'static str>> {
        let mut text = Vec::new();
        let mut flaw = None;
        self.at += 1;
        loop {
            let byte = self.peek().ok_or("a string without an end")?;
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => match self.escape()? {
                    Some(c) => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    None => flaw = Some("half a surrogate pair"),
                },
                0..=0x1f => return Err("a raw control character in a string"),
                byte => text.push(byte),
            }
        }
        Ok(match (flaw, String::from_utf8(text)) {
            (Some(why), _) => Err(why),
            (None, Ok(text)) => Ok(text),
            (None, Err(_)) => Err("invalid UTF-8"),
        })
    }

    fn escape(&mut self) -> Read<Option<char>> {
        let byte = self.peek().ok_or("a string without an end")?;
        self.at += 1;
        Ok(Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err("an unknown escape"),
        }))
    }

    fn unicode(&mut self) -> Read<Option<char>> {
        let high = self.hex4()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high));
        }
        if self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                return Ok(char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)));
            }
        }
        Ok(None)
    }

    fn hex4(&mut self) -> Read<u32> {
        let digits = self.bytes.get(self.at..self.at + 4).ok_or("a short escape")?;
        self.at += 4;
        let text = str::from_utf8(digits).map_err(|_| "an escape without digits")?;
        if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("an escape without digits");
        }
        u32::from_str_radix(text, 16).map_err(|_| "an escape without digits")
    }
}
