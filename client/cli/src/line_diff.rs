//! What changed between two texts, line by line.

/// Lines shown around a change.
const CONTEXT: usize = 3;
/// Most comparisons: two texts of 4,000 lines that have nothing in common. Above that everything
/// between the common beginning and the common end is shown as changed.
const CELLS: usize = 16_000_000;

/// One line of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Removed(&'a str),
    Added(&'a str),
}

/// The changes in the unified form, without its heading; nothing if there are none.
pub(crate) fn unified(old: &str, new: &str) -> Vec<String> {
    let lines = compared(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
    let is_near = |at: usize| {
        let from = at.saturating_sub(CONTEXT);
        let to = (at + CONTEXT + 1).min(lines.len());
        lines[from..to].iter().any(|line| !matches!(line, Line::Same(_)))
    };
    let mut shown = Vec::new();
    let mut is_in_hunk = false;
    let (mut old_line, mut new_line) = (1, 1);
    for (at, line) in lines.iter().enumerate() {
        let is_shown = is_near(at);
        if is_shown && !is_in_hunk {
            shown.push(format!("@@ -{old_line} +{new_line} @@"));
        }
        is_in_hunk = is_shown;
        let text = match line {
            Line::Same(text) => {
                old_line += 1;
                new_line += 1;
                format!(" {text}")
            }
            Line::Removed(text) => {
                old_line += 1;
                format!("-{text}")
            }
            Line::Added(text) => {
                new_line += 1;
                format!("+{text}")
            }
        };
        if is_shown {
            shown.push(text);
        }
    }
    shown
}

fn compared<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let same =
        |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| pairs.take_while(|(a, b)| a == b).count();
    let start = same(&mut old.iter().zip(new));
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let end = same(&mut old_rest.iter().rev().zip(new_rest.iter().rev()));
    let (old_mid, old_end) = old_rest.split_at(old_rest.len() - end);
    let (new_mid, _) = new_rest.split_at(new_rest.len() - end);
    let mut lines: Vec<Line<'_>> = old[..start].iter().map(|line| Line::Same(line)).collect();
    lines.extend(middle(old_mid, new_mid));
    lines.extend(old_end.iter().map(|line| Line::Same(line)));
    lines
}

/// By the longest common subsequence.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let removed = |line: &&'a str| Line::Removed(line);
    let added = |line: &&'a str| Line::Added(line);
    if old.len().saturating_mul(new.len()) > CELLS {
        return old.iter().map(removed).chain(new.iter().map(added)).collect();
    }
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            lines.push(Line::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
            lines.push(Line::Removed(old[i]));
            i += 1;
        } else {
            lines.push(Line::Added(new[j]));
            j += 1;
        }
    }
    lines.extend(old[i..].iter().map(removed));
    lines.extend(new[j..].iter().map(added));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_no_changes() {
        assert_eq!(unified("a\nb\n", "a\nb\n"), [""; 0]);
        assert_eq!(unified("", ""), [""; 0]);
    }

    #[test]
    fn a_change_is_shown_with_what_is_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";

        assert_eq!(
            unified(old, new),
            ["@@ -2 +2 @@", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8"]
        );
    }

    #[test]
    fn changes_far_apart_are_shown_apart() {
        let old: String = (0..40).map(|line| format!("{line}\n")).collect();
        let new = old.replace("\n5\n", "\nfive\n").replace("\n30\n", "\n");

        let shown = unified(&old, &new);

        assert_eq!(shown.iter().filter(|line| line.starts_with("@@")).count(), 2);
        assert!(shown.contains(&"-30".to_owned()) && shown.contains(&"+five".to_owned()));
    }

    #[test]
    fn everything_is_new_in_a_text_that_was_empty() {
        assert_eq!(unified("", "a\nb\n"), ["@@ -1 +1 @@", "+a", "+b"]);
    }
}
