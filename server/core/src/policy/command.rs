//! Patterns over the words of a command.

use super::shell::{self, Word};

/// What a rule says about a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandPattern {
    /// The words it begins with.
    pub(crate) words: Vec<String>,
    pub(crate) rest: Rest,
    /// The last component of the first word.
    base: String,
}

/// What may follow the words of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Nothing,
    Anything,
}

impl CommandPattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if matches!(text, "*" | ":*") {
            return Ok(Self { words: Vec::new(), rest: Rest::Anything, base: String::new() });
        }
        let (text, mut rest) =
            text.strip_suffix(":*").map_or((text, Rest::Nothing), |text| (text, Rest::Anything));
        let script = shell::read(text, 0);
        let [command] = &script.commands[..] else {
            return Err(format!("'{text}' is not one command"));
        };
        let mut words = command.words.clone();
        if words.last().is_some_and(|word| word.text == "*" && word.is_glob()) {
            words.pop();
            rest = Rest::Anything;
        }
        let only_words = command.assignments.is_empty()
            && command.redirects.is_empty()
            && command.documents.is_empty();
        if !script.opaque.is_empty() || !only_words || !words.iter().all(Word::is_literal) {
            return Err(format!("'{text}' is not one command of plain words"));
        }
        if words.iter().any(|word| word.globs.iter().any(|at| word.text[*at..].starts_with('*'))) {
            return Err(format!("'{text}': '*' stands alone at the end, or after ':'"));
        }
        if words.is_empty() {
            return Err("an empty command".to_owned());
        }
        let words: Vec<String> = words.into_iter().map(|word| word.text).collect();
        Ok(Self { base: base_name(&words[0]).to_owned(), words, rest })
    }

    /// Whether it allows exactly these words; how many of them it spells.
    pub(crate) fn allows(&self, words: &[Word]) -> Option<usize> {
        let count = self.words.len();
        let spelled = words.len() >= count
            && self
                .words
                .iter()
                .zip(words)
                .all(|(ours, word)| *ours == word.text && word.is_literal() && !word.is_glob());
        let fits = match self.rest {
            Rest::Nothing => words.len() == count,
            Rest::Anything => true,
        };
        (spelled && fits).then_some(count)
    }

    /// Whether these words may mean what it forbids.
    pub(crate) fn reaches(&self, argv: &[String]) -> bool {
        let Some((_, tokens)) = self.words.split_first() else { return !argv.is_empty() };
        let Some((command, args)) = argv.split_first() else { return false };
        if !command.ends_with(&self.base) || base_name(command) != self.base {
            return false;
        }
        let (options, positional): (Vec<&String>, Vec<&String>) =
            tokens.iter().partition(|token| token.starts_with('-') && token.len() > 1);
        let Some(left) = self.walk(&positional, args) else { return false };
        options.iter().all(|option| covers(option, args, command))
            && (self.rest == Rest::Anything
                || left.iter().all(|arg| {
                    options.iter().any(|o| covers(o, std::slice::from_ref(arg), command))
                }))
    }

    /// Finds the plain words in order; what lies between may be options and their values. Gives
    /// what an exact pattern does not account for.
    fn walk(&self, positional: &[&String], args: &[String]) -> Option<Vec<String>> {
        let mut wanted = positional.iter().peekable();
        let mut left = Vec::new();
        let mut after_option = false;
        for arg in args {
            let is_option = arg.starts_with('-') && arg.len() > 1;
            match wanted.peek() {
                Some(token) if **token == arg => {
                    wanted.next();
                    after_option = false;
                    // Options before the first word are those of the program itself.
                    if self.rest == Rest::Nothing && wanted.len() + 1 == positional.len() {
                        left.clear();
                    }
                    continue;
                }
                Some(_) if !is_option && !after_option => return None,
                Some(_) | None => {}
            }
            left.push(arg.clone());
            after_option = is_option && !arg.contains('=');
        }
        wanted.next().is_none().then_some(left)
    }
}

/// Long names of short options where programs agree, for rules that deny.
const LONG_NAMES: &[(&str, char, &str)] = &[
    ("rm", 'r', "--recursive"),
    ("rm", 'R', "--recursive"),
    ("rm", 'f', "--force"),
    ("git", 'f', "--force"),
    ("git", 'n', "--no-verify"),
    ("git", 'd', "--delete"),
    ("chmod", 'R', "--recursive"),
    ("chown", 'R', "--recursive"),
    ("cp", 'r', "--recursive"),
    ("cp", 'R', "--recursive"),
    ("curl", 'o', "--output"),
    ("curl", 'X', "--request"),
    ("curl", 'k', "--insecure"),
    ("npm", 'g', "--global"),
];

/// Whether arguments hold an option in one of its spellings.
pub(crate) fn covers(option: &str, args: &[String], command: &str) -> bool {
    let command = base_name(command);
    if args.iter().any(|arg| arg == option) {
        return true;
    }
    if option.starts_with("--") {
        let short = LONG_NAMES.iter().filter(|(c, _, long)| *c == command && *long == option);
        return args.iter().any(|arg| is_long(option, arg))
            || short.into_iter().any(|(_, letter, _)| has_letter(*letter, args))
            || (command == "git"
                && option == "--force"
                && args.iter().any(|a| a.starts_with('+')));
    }
    let letters: Vec<char> = option.chars().skip(1).collect();
    if letters.len() > 3 {
        return args.iter().any(|arg| arg.split('=').next() == Some(option));
    }
    letters.iter().all(|letter| {
        has_letter(*letter, args)
            || LONG_NAMES
                .iter()
                .filter(|(c, l, _)| *c == command && same_letter(command, *l, *letter))
                .any(|(_, _, long)| args.iter().any(|arg| is_long(long, arg)))
            || (command == "rm"
                && "rR".contains(*letter)
                && (has_letter('r', args) || has_letter('R', args)))
            || (command == "git" && *letter == 'f' && args.iter().any(|a| a.starts_with('+')))
    })
}

fn same_letter(command: &str, ours: char, theirs: char) -> bool {
    ours == theirs || (command == "rm" && ours.eq_ignore_ascii_case(&theirs))
}

fn has_letter(letter: char, args: &[String]) -> bool {
    args.iter().any(|arg| {
        arg.starts_with('-') && !arg.starts_with("--") && arg.chars().skip(1).any(|c| c == letter)
    })
}

/// Whether an argument is a long option, abbreviated or with a value.
pub(crate) fn is_long(option: &str, arg: &str) -> bool {
    let name = arg.split('=').next().unwrap_or(arg);
    name.starts_with("--") && name.len() > 2 && option.starts_with(name)
}

/// The last component: what a command is called wherever it lies.
pub(crate) fn base_name(command: &str) -> &str {
    command.rsplit('/').next().unwrap_or(command)
}
