//! Patterns with `*`, `?` and `**`.

/// Whether a glob fits a text: `*` and `?` stop at nothing.
pub(crate) fn fits(glob: &str, text: &str) -> bool {
    matches(&tokens(glob, Stars::Any), &text.chars().collect::<Vec<_>>())
}

/// Whether a glob fits a path: `*` and `?` stay inside a component, `**` does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathGlob {
    tokens: Vec<Token>,
    /// Everything before the first wildcard: most paths are told apart by it.
    prefix: String,
    /// The longest text without wildcards: what lacks it cannot fit.
    needle: String,
    /// Everything after the last wildcard, but for slashes before it: what fits ends so.
    tail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    /// One character of a component.
    One,
    /// Any characters of a component.
    Star,
    /// Any characters.
    Deep,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stars {
    Any,
    Component,
}

fn tokens(glob: &str, stars: Stars) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                let mut deep = stars == Stars::Any;
                while chars.next_if_eq(&'*').is_some() {
                    deep = true;
                }
                tokens.push(if deep { Token::Deep } else { Token::Star });
            }
            '?' => tokens.push(Token::One),
            c => tokens.push(Token::Char(c)),
        }
    }
    tokens
}

impl PathGlob {
    /// A glob of an absolute path.
    pub(crate) fn new(glob: &str) -> Self {
        let end = glob.find(['*', '?']).unwrap_or(glob.len());
        let texts = glob.split(['*', '?']).map(|text| text.trim_matches('/'));
        let needle = texts.max_by_key(|text| text.len()).unwrap_or_default().to_owned();
        let tail = glob.rsplit(['*', '?']).next().unwrap_or_default().trim_start_matches('/');
        let (prefix, tail) = (glob[..end].to_owned(), tail.to_owned());
        Self { tokens: tokens(glob, Stars::Component), prefix, needle, tail }
    }

    /// Whether it fits; `P/**` fits P too, and `/**/` a single slash.
    pub(crate) fn fits(&self, path: &str) -> bool {
        let stem = self.prefix.trim_end_matches('/');
        path.starts_with(stem)
            && path.ends_with(self.tail.as_str())
            && path.contains(self.needle.as_str())
            && match_path(&self.tokens, &path.chars().collect::<Vec<_>>())
    }

    /// Whether some path fits both this and a shell's glob, whose wildcards are at `globs`.
    pub(crate) fn meets(&self, text: &str, globs: &[usize]) -> bool {
        self.meets_tokens(&shell_tokens(text, globs))
    }

    /// The same, where wildcards find slashes and leading dots, too.
    pub(crate) fn meets_any_name(&self, text: &str, globs: &[usize]) -> bool {
        let any = |token: Token| match token {
            Token::Star | Token::One | Token::Deep => Token::Deep,
            Token::Char(c) => Token::Char(c),
        };
        self.meets_tokens(&shell_tokens(text, globs).into_iter().map(any).collect::<Vec<_>>())
    }

    fn meets_tokens(&self, other: &[Token]) -> bool {
        let mut seen = vec![false; (self.tokens.len() + 1) * (other.len() + 1)];
        let ours = without_deep_end(&self.tokens);
        intersect(&self.tokens, other, &mut seen)
            || ours.is_some_and(|ours| {
                let mut seen = vec![false; (ours.len() + 1) * (other.len() + 1)];
                intersect(ours, other, &mut seen)
            })
    }
}

fn without_deep_end(tokens: &[Token]) -> Option<&[Token]> {
    tokens.strip_suffix(&[Token::Char('/'), Token::Deep])
}

fn match_path(tokens: &[Token], path: &[char]) -> bool {
    matches(tokens, path) || without_deep_end(tokens).is_some_and(|tokens| matches(tokens, path))
}

/// Backtracks to the last `*` of each kind only, so that the work stays small.
fn matches(tokens: &[Token], text: &[char]) -> bool {
    let width = text.len() + 1;
    let mut now = vec![false; width];
    now[0] = true;
    let mut index = 0;
    while index < tokens.len() {
        let token = tokens[index];
        let mut next = vec![false; width];
        match token {
            Token::Char(c) => {
                (0..text.len()).for_each(|at| next[at + 1] = now[at] && text[at] == c);
            }
            Token::One => (0..text.len()).for_each(|at| next[at + 1] = now[at] && text[at] != '/'),
            Token::Star | Token::Deep => {
                let mut open = false;
                for at in 0..width {
                    open |= now[at];
                    next[at] = open;
                    let stops = at < text.len() && text[at] == '/' && token == Token::Star;
                    open &= !stops;
                }
                // `**/` is also nothing at all, at the beginning of a component.
                if token == Token::Deep && tokens.get(index + 1) == Some(&Token::Char('/')) {
                    let mut after = vec![false; width];
                    for at in 0..text.len() {
                        after[at + 1] = next[at] && text[at] == '/';
                    }
                    let starts = |at: usize| at == 0 || text[at - 1] == '/';
                    (0..width).for_each(|at| after[at] |= now[at] && starts(at));
                    next = after;
                    index += 1;
                }
            }
        }
        now = next;
        index += 1;
    }
    now[text.len()]
}

/// The places in `globs` are sorted.
fn shell_tokens(text: &str, globs: &[usize]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut skip_until = 0;
    let last_close = text.rfind(']').unwrap_or(0);
    let is_wild = |at: usize| globs.binary_search(&at).is_ok();
    for (at, c) in text.char_indices() {
        match c {
            _ if at < skip_until => {}
            '*' if is_wild(at) => tokens.push(Token::Star),
            '?' if is_wild(at) => tokens.push(Token::One),
            '[' if at < last_close && is_wild(at) => {
                let (token, end) = class(text, at);
                tokens.push(token);
                skip_until = end;
            }
            c => tokens.push(Token::Char(c)),
        }
    }
    tokens
}

/// What a bracket at `at` finds, and where that ends. With classes, quoted characters or a bracket of its own in it, shells
/// disagree on its end: then it is anything up to the next slash.
fn class(text: &str, at: usize) -> (Token, usize) {
    let rest = &text[at + 1..];
    let inside = rest.split(']').next().unwrap_or_default();
    let after = rest.get(inside.len() + 1..).unwrap_or_default();
    // One that closes nothing may have been quoted, and the end is there.
    let closes_again = after.find([']', '[', '/']).is_some_and(|at| after[at..].starts_with(']'));
    let is_plain =
        !closes_again && !matches!(inside, "" | "!" | "^") && !inside.contains(['[', '\\', '/']);
    if is_plain {
        return (Token::One, at + 1 + inside.len() + 1);
    }
    (Token::Star, rest.find('/').map_or(text.len(), |slash| at + 1 + slash))
}

fn intersect(ours: &[Token], theirs: &[Token], seen: &mut [bool]) -> bool {
    let width = theirs.len() + 1;
    let mut waiting = vec![(0, 0)];
    while let Some((i, j)) = waiting.pop() {
        if std::mem::replace(&mut seen[i * width + j], true) {
            continue;
        }
        // A star that has found something is not at the start any more, whatever stands before it.
        let starts = |tokens: &[Token], at: usize| at == 0 || tokens[at - 1] == Token::Char('/');
        let is_start = starts(ours, i) && starts(theirs, j);
        let place = if is_start { Place::Start } else { Place::Within };
        match (ours.get(i), theirs.get(j)) {
            (None, None) => return true,
            (None, Some(Token::Star | Token::Deep)) => waiting.push((i, j + 1)),
            (Some(Token::Star | Token::Deep), None) => waiting.push((i + 1, j)),
            (None, Some(_)) | (Some(_), None) => {}
            (Some(our), Some(their)) => {
                if matches!(our, Token::Star | Token::Deep) {
                    waiting.push((i + 1, j));
                }
                if *our == Token::Deep && ours.get(i + 1) == Some(&Token::Char('/')) {
                    waiting.push((i + 2, j));
                }
                let is_many = matches!(their, Token::Star | Token::Deep);
                if is_many {
                    waiting.push((i, j + 1));
                }
                if common(*our, *their, place) {
                    let next_i = if matches!(our, Token::Star | Token::Deep) { i } else { i + 1 };
                    let next_j = if is_many { j } else { j + 1 };
                    waiting.push((next_i, next_j));
                }
            }
        }
    }
    false
}

/// Where in a component of a path a character stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    Within,
}

/// Whether one character fits both; a shell's wildcard finds no leading dot.
fn common(our: Token, their: Token, place: Place) -> bool {
    match (our, their) {
        (Token::Char(a), Token::Char(b)) => a == b,
        (Token::Char(_), Token::Deep) => true,
        (Token::Char(a), Token::One | Token::Star) => {
            a != '/' && !(a == '.' && place == Place::Start)
        }
        (Token::One | Token::Star, Token::Char(b)) => b != '/',
        (Token::Deep, Token::Char(_)) => true,
        (Token::One | Token::Star | Token::Deep, Token::One | Token::Star | Token::Deep) => true,
    }
}
