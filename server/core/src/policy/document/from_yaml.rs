//! YAML with places. What makes YAML dangerous (anchors, aliases, tags) is refused.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::super::json::Value;
use super::node::{Content, DEPTH, Member, Node};
use super::{Place, Problems};

pub(super) fn read(text: &str, problems: &mut Problems) -> Vec<Node> {
    let mut builder = Builder { problems, open: Vec::new(), documents: Vec::new() };
    for event in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        let taken = match event {
            Ok((event, span)) => builder.take(event, &span),
            Err(error) => Err((place(error.marker()), error.info().to_owned())),
        };
        if let Err((place, problem)) = taken {
            // What follows could only be guessed at.
            builder.problems.add(place, problem);
            return Vec::new();
        }
    }
    builder.documents
}

type Taken = Result<(), (Place, String)>;

struct Builder<'a> {
    problems: &'a mut Problems,
    /// Lists and objects that have not ended, outermost first.
    open: Vec<Open>,
    documents: Vec<Node>,
}

struct Open {
    node: Node,
    /// A name that waits for its value.
    name: Option<(Place, String)>,
}

fn place(at: &Marker) -> Place {
    Place { line: at.line(), column: at.col() + 1 }
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Taken {
        let place = place(&span.start);
        match event {
            Event::Alias(_) => Err((place, "aliases are not taken in policies".to_owned())),
            Event::Scalar(text, style, anchor, tag) => {
                check(place, anchor, tag.as_deref())?;
                let is_name = self.open.last().is_some_and(Open::wants_name);
                let value = if is_name || style != ScalarStyle::Plain {
                    Value::String(text.into_owned())
                } else {
                    plain(&text)
                };
                self.add(Node::plain(place, value))
            }
            Event::SequenceStart(anchor, tag) => {
                check(place, anchor, tag.as_deref())?;
                self.begin(Node { place, content: Content::List(Vec::new()) })
            }
            Event::MappingStart(anchor, tag) => {
                check(place, anchor, tag.as_deref())?;
                self.begin(Node { place, content: Content::Map(Vec::new()) })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.add(open.node),
                None => Ok(()),
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, node: Node) -> Taken {
        if self.open.len() >= DEPTH {
            return Err((node.place, "nested too deep".to_owned()));
        }
        if self.open.last().is_some_and(Open::wants_name) {
            return Err((node.place, "a name must be text".to_owned()));
        }
        self.open.push(Open { node, name: None });
        Ok(())
    }

    fn add(&mut self, node: Node) -> Taken {
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match (&mut open.node.content, open.name.take()) {
            (Content::List(items), _) => items.push(node),
            (Content::Map(members), Some((place, name))) => {
                members.push(Member { place, name, node });
            }
            (Content::Map(_), None) => match node.content {
                Content::Plain(Value::String(name)) => open.name = Some((node.place, name)),
                Content::Plain(_) | Content::List(_) | Content::Map(_) => {
                    return Err((node.place, "a name must be text".to_owned()));
                }
            },
            (Content::Plain(_), _) => {}
        }
        Ok(())
    }
}

impl Open {
    fn wants_name(&self) -> bool {
        self.name.is_none() && self.node.members().is_some()
    }
}

fn check(place: Place, anchor: usize, tag: Option<&Tag>) -> Taken {
    if anchor > 0 {
        return Err((place, "anchors are not taken in policies".to_owned()));
    }
    if tag.is_some() {
        return Err((place, "tags are not taken in policies".to_owned()));
    }
    Ok(())
}

/// A word without quotes, by the core schema of YAML 1.2: `no` and `on` are text.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        text if is_number(text) => Value::Number(text.to_owned()),
        text => Value::String(text.to_owned()),
    }
}

/// Numbers that JSON would write in the same way.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && matches!(Value::parse(text.as_bytes()), Ok(Value::Number(_)))
}
