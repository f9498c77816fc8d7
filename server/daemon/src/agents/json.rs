//! Where the parts of a JSON document stand, so that what was sent can be kept byte by byte.

use codeplane_core::policy::Value;

/// The members of the object that `text` is, each with the bytes of its value.
///
/// # Errors
/// Not JSON, not an object, a member twice, or a name that is no text.
pub(super) fn members(text: &[u8]) -> Result<Vec<(String, &[u8])>, String> {
    let Value::Map(read) = Value::parse(text)? else {
        return Err("the document is no object".to_owned());
    };
    let mut names: Vec<&str> = read.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("'{}' is there twice", pair[0].escape_debug()));
    }
    parts(text).ok_or_else(|| "the document is no object".to_owned())
}

/// The members of an object of a document that somebody else checks; none if it is no object.
pub(super) fn parts(text: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let mut cursor = Cursor::inside(text, b'{')?;
    let mut found = Vec::new();
    while !cursor.closes(b'}')? {
        let name = cursor.value()?;
        cursor.blanks();
        cursor.take(b':')?;
        let Ok(Value::String(name)) = Value::parse(name) else { return None };
        found.push((name, cursor.value()?));
    }
    Some(found)
}

/// The items of an array of a document that somebody else checks; none if it is no array.
pub(super) fn items(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut cursor = Cursor::inside(text, b'[')?;
    let mut found = Vec::new();
    while !cursor.closes(b']')? {
        found.push(cursor.value()?);
    }
    Some(found)
}

/// The member of that name.
pub(super) fn member<'a>(members: &[(String, &'a [u8])], name: &str) -> Option<&'a [u8]> {
    members.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
}

/// The text that a value is, if it is one and hides nothing.
pub(super) fn text(value: &[u8]) -> Option<String> {
    match Value::parse(value) {
        Ok(value @ Value::String(_)) if value.flaw().is_none() => {
            value.as_str().map(ToOwned::to_owned)
        }
        Ok(_) | Err(_) => None,
    }
}

/// `text` as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether a value was read since the opening bracket.
    begun: bool,
}

impl<'a> Cursor<'a> {
    fn inside(text: &'a [u8], open: u8) -> Option<Self> {
        let mut cursor = Self { text, at: 0, begun: false };
        cursor.blanks();
        cursor.take(open)?;
        Some(cursor)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Whether the bracket closes here; if not, goes past the comma.
    fn closes(&mut self, close: u8) -> Option<bool> {
        self.blanks();
        if self.peek()? == close {
            return Some(true);
        }
        if self.begun {
            self.take(b',')?;
        }
        self.begun = true;
        Some(false)
    }

    fn value(&mut self) -> Option<&'a [u8]> {
        self.blanks();
        let start = self.at;
        let mut open = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    open = open.checked_sub(1)?;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
            let ends = matches!(self.peek(), None | Some(b',' | b':' | b'}' | b']'));
            let blank = self.peek().is_some_and(|byte| byte.is_ascii_whitespace());
            if open == 0 && (ends || blank) {
                return Some(&self.text[start..self.at]);
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        while self.peek()? != b'"' {
            self.at += if self.peek()? == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_is_found_with_the_bytes_it_was_written_with() {
        let text = br#" { "a" : {"x": [1, 2.50, "}\""]} , "\u0062":"c" ,"d":-1e5} "#;

        let found = members(text).unwrap();

        assert_eq!(member(&found, "a"), Some(&br#"{"x": [1, 2.50, "}\""]}"#[..]));
        assert_eq!(member(&found, "b"), Some(&br#""c""#[..]));
        assert_eq!(member(&found, "d"), Some(&b"-1e5"[..]));
    }

    #[test]
    fn a_member_twice_and_what_is_no_object_are_refused() {
        assert_eq!(members(br#"{"a":1,"\u0061":2}"#), Err("'a' is there twice".to_owned()));
        assert!(members(b"[1]").is_err());
        assert!(members(br#"{"a":1} {}"#).is_err());
        assert!(members(b"{").is_err());
    }

    #[test]
    fn broken_text_has_no_parts_and_ends_no_reader() {
        for text in
            [&b"{\"a"[..], b"{\"a\\", b"{\"a\":", b"{\"a\":1", b"{\"a\":}", b"{,}", b"{\"a\":[}"]
        {
            assert_eq!(parts(text), None, "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(items(b"[1, \"a,]\" ,{}]"), Some(vec![&b"1"[..], b"\"a,]\"", b"{}"]));
        assert_eq!(items(b"[]"), Some(vec![]));
    }
}
