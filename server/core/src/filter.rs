//! The one filter grammar of List and Watch: `field=value AND field=value …`.

use std::fmt;

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// One of the fields the caller allows; `labels.KEY` for a label.
    pub field: String,
    /// What it must equal.
    pub value: String,
}

/// All conditions must hold; none means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<Term>);

/// The text is not a filter, or asks for a field that cannot be filtered on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No `=` in a condition.
    #[error("'{}' is not a condition: write field=value, joined by AND", .0.escape_debug())]
    NotACondition(String),
    /// A quote without its end.
    #[error("a quote is not closed in '{}'", .0.escape_debug())]
    OpenQuote(String),
    /// A field that is not in the list.
    #[error("cannot filter on '{}': one of {allowed}", .field.escape_debug())]
    UnknownField {
        /// The field asked for.
        field: String,
        /// What is allowed, for the message.
        allowed: String,
    },
}

impl Filter {
    /// Reads a filter whose fields are among `allowed`; `labels.` allows every label.
    ///
    /// A value with spaces stands in double quotes; `\"` and `\\` are a quote and a backslash in it.
    ///
    /// # Errors
    /// [`FilterError`] on anything else.
    pub fn parse(text: &str, allowed: &[&str]) -> Result<Self, FilterError> {
        let mut terms = Vec::new();
        for (i, word) in words(text)?.into_iter().enumerate() {
            if i % 2 == 1 {
                if word != "AND" {
                    return Err(FilterError::NotACondition(word));
                }
                continue;
            }
            terms.push(term(&word, allowed)?);
        }
        if text.trim_end().ends_with(" AND") {
            return Err(FilterError::NotACondition("AND".to_owned()));
        }
        Ok(Self(terms))
    }

    /// The conditions.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.0
    }

    /// Whether every condition holds, `holds` judging one.
    pub fn matches(&self, holds: impl Fn(&Term) -> bool) -> bool {
        self.0.iter().all(holds)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.0.iter().enumerate() {
            let and = if i == 0 { "" } else { " AND " };
            let value = term.value.replace('\\', "\\\\").replace('"', "\\\"");
            write!(f, "{and}{}=\"{value}\"", term.field)?;
        }
        Ok(())
    }
}

fn term(word: &str, allowed: &[&str]) -> Result<Term, FilterError> {
    let Some((field, value)) = word.split_once('=') else {
        return Err(FilterError::NotACondition(word.to_owned()));
    };
    let known = allowed.iter().any(|name| match name.strip_suffix('.') {
        Some(_) => field.len() > name.len() && field.starts_with(name),
        None => *name == field,
    });
    if !known {
        return Err(FilterError::UnknownField {
            field: field.to_owned(),
            allowed: allowed.join(", "),
        });
    }
    Ok(Term { field: field.to_owned(), value: value.to_owned() })
}

/// Splits at spaces outside quotes and removes the quotes.
fn words(text: &str) -> Result<Vec<String>, FilterError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => word.extend(chars.next()),
                        Some(other) => word.push(other),
                        None => return Err(FilterError::OpenQuote(text.to_owned())),
                    }
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: [&str; 3] = ["state", "name", "labels."];

    fn pairs(text: &str) -> Result<Vec<(String, String)>, FilterError> {
        let filter = Filter::parse(text, &ALLOWED)?;
        Ok(filter.0.into_iter().map(|term| (term.field, term.value)).collect())
    }

    #[test]
    fn conditions_are_joined_by_and() {
        assert_eq!(pairs(""), Ok(vec![]));
        assert_eq!(
            pairs(r#"state=running AND labels.team="a \"b\" \\c""#),
            Ok(vec![
                ("state".to_owned(), "running".to_owned()),
                ("labels.team".to_owned(), r#"a "b" \c"#.to_owned()),
            ])
        );
    }

    #[test]
    fn what_is_not_a_filter_is_refused() {
        for bad in [
            "state",
            "state=a name=b",
            "state=a AND",
            "colour=red",
            "labels.=x",
            "state=\"a",
            "state=a OR name=b",
        ] {
            assert!(pairs(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_filter_reads_back_what_it_prints() {
        let filter = Filter::parse(r#"name=x AND labels.k="a \" b""#, &ALLOWED).unwrap();

        assert_eq!(Filter::parse(&filter.to_string(), &ALLOWED), Ok(filter));
    }

    #[test]
    fn a_refusal_quotes_nothing_that_acts_on_a_terminal() {
        let hostile = "a\u{1b}]0;b\u{7}\u{9b}\u{202e}\u{2028}";

        for bad in [hostile.to_owned(), format!("{hostile}=c"), format!("name=\"{hostile}")] {
            let told = Filter::parse(&bad, &ALLOWED).unwrap_err().to_string();

            assert!(told.contains("\\u{1b}]0;b\\u{7}\\u{9b}\\u{202e}\\u{2028}"), "{told:?}");
            assert!(!told.contains(char::is_control), "{told:?}");
        }
    }
}
