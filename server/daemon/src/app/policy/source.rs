//! What was written of each policy, where one file holds several.

use codeplane_core::policy::{Document, Format};

/// The text of each document and its format: the file's own words where they can be told apart, one
/// JSON text of what they mean where not.
pub(super) fn of_each(text: &str, format: Format, documents: &[Document]) -> Vec<(String, Format)> {
    if let [_] = documents {
        return vec![(text.to_owned(), format)];
    }
    let pieces = match format {
        Format::Yaml => pieces(text),
        Format::Toml | Format::Json => Vec::new(),
    };
    let fit = pieces.len() == documents.len()
        && pieces.iter().zip(documents).all(|(piece, document)| says(piece, document));
    if fit {
        return pieces.into_iter().map(|piece| (piece, format)).collect();
    }
    documents.iter().map(|document| (indented(document), Format::Json)).collect()
}

/// A YAML file, cut before each `---` but the first.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut has_content = false;
    for line in text.split_inclusive('\n') {
        let is_mark = line.trim_end() == "---" || line.starts_with("--- ");
        if is_mark && has_content {
            pieces.push(std::mem::take(&mut piece));
        }
        // Comments before the first mark belong to the first document.
        has_content = is_mark || has_content || !is_blank(line);
        piece.push_str(line);
    }
    pieces.push(piece);
    pieces
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// Whether a piece alone means the document.
fn says(piece: &str, document: &Document) -> bool {
    let read = Document::read_all(piece, Format::Yaml, "");
    read.is_ok_and(|read| matches!(&read[..], [one] if one.to_json() == document.to_json()))
}

fn indented(document: &Document) -> String {
    let json = document.to_json();
    let value: Option<serde_json::Value> = serde_json::from_str(&json).ok();
    value.map_or(json, |value| format!("{value:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str, format: Format) -> Vec<(String, Format)> {
        of_each(text, format, &Document::read_all(text, format, "f").unwrap())
    }

    #[test]
    fn one_document_is_kept_as_it_was_written() {
        let text = "# mine\nname: a\nallow: [Read]\n";
        assert_eq!(sources(text, Format::Yaml), [(text.to_owned(), Format::Yaml)]);
    }

    #[test]
    fn documents_of_one_yaml_file_keep_their_own_words() {
        let text = "# first\n---\nname: a\nallow: [Read]\n---\n# second\nname: b\ndeny: [Bash]\n";

        let told: Vec<String> =
            sources(text, Format::Yaml).into_iter().map(|(text, _)| text).collect();

        assert_eq!(
            told,
            ["# first\n---\nname: a\nallow: [Read]\n", "---\n# second\nname: b\ndeny: [Bash]\n"]
        );
    }

    #[test]
    fn documents_that_cannot_be_told_apart_are_kept_as_what_they_mean() {
        let text = r#"[{"name": "a", "allow": ["Read"]}, {"name": "b", "deny": ["Bash"]}]"#;

        for (text, format) in sources(text, Format::Json) {
            assert_eq!(format, Format::Json);
            assert_eq!(Document::read_all(&text, format, "f").unwrap().len(), 1);
        }
    }
}
