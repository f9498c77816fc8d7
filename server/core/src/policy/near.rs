//! What somebody most likely meant.

/// So many letters may be wrong, missing or too many.
const MISTAKES: usize = 2;

/// The known word that is nearest to one that is not known, if one is near.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let near = known.into_iter().map(|known| {
        let same = word.eq_ignore_ascii_case(known);
        (if same { 0 } else { distance(word, known) }, known)
    });
    // Of a short word two letters are most of it.
    let most = MISTAKES.min(word.chars().count() / 3);
    near.filter(|(distance, _)| *distance <= most).min().map(|(_, known)| known)
}

/// How many letters have to be put in, taken out or exchanged to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = at + 1;
        for (column, wanted) in other.iter().enumerate() {
            let exchanged = before + usize::from(letter != *wanted);
            before = row[column + 1];
            row[column + 1] = exchanged.min(before + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_is_found_and_another_one_is_not() {
        let known = ["command", "path", "default", "Bash", "LS"];

        for (word, meant) in [("comand", "command"), ("defualt", "default"), ("bash", "Bash")] {
            assert_eq!(nearest(word, known), Some(meant));
        }
        for other in ["", "x", "ls2", "arguments", "Frobnicate"] {
            assert_eq!(nearest(other, known), None, "{other}");
        }
    }
}
