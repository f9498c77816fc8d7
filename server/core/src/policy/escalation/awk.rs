//! Programs of awk: which neither run anything nor touch a file of their own.

/// Whether a program holds nothing that runs commands or opens files. Over-approximates.
pub(super) fn is_harmless(program: &str) -> bool {
    // Where literals end is decided below; nothing that runs may hide in a mistake.
    let hides = ["system", "getline"].iter().any(|word| program.contains(word));
    let Some(code) = without_literals(program).filter(|_| !hides) else { return false };
    let runs =
        ["system", "getline", "@", "|&", "fflush", "close", "ARGV", "ENVIRON", "SYMTAB", "FUNCTAB"]
            .iter()
            .any(|word| code.contains(word));
    let pipes = code.replace("||", "  ").contains('|');
    let writes = code.split([';', '\n', '}', '{']).any(|statement| {
        statement
            .find("print")
            .is_some_and(|at| outside_parentheses(&statement[at..]).contains('>'))
    });
    !runs && !pipes && !writes
}

fn outside_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })
        .collect()
}

/// Whether a program holds conditions, after whose parentheses a regular expression may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conditions {
    Some,
    None,
}

/// Words after which a slash begins a regular expression, though they look like names.
const KEYWORDS: &[&str] =
    &["print", "printf", "return", "in", "else", "do", "case", "exit", "delete", "getline"];

/// The program without strings and regular expressions; none where a slash may be either.
fn without_literals(program: &str) -> Option<String> {
    let mut code = String::new();
    let mut chars = program.chars();
    let conditional = ["if", "while", "for"].iter().any(|word| program.contains(word));
    let conditions = if conditional { Conditions::Some } else { Conditions::None };
    while let Some(c) = chars.next() {
        let begins_regex = c == '/' && after_operator(&code, conditions)?;
        if c == '"' || begins_regex {
            loop {
                match chars.next() {
                    Some('\\') => drop(chars.next()),
                    Some(end) if end == c => break,
                    // A literal without an end is no program that can be understood.
                    Some('\n') | None => return None,
                    Some(_) => {}
                }
            }
            code.push('0');
        } else {
            code.push(c);
        }
    }
    Some(code)
}

/// Whether what follows is an operand; none where only a parser could tell.
fn after_operator(code: &str, conditions: Conditions) -> Option<bool> {
    let code = code.trim_end_matches([' ', '\t']);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match code.chars().next_back() {
        Some(')') if conditions == Conditions::Some => None,
        Some(')' | ']') => Some(false),
        Some(c) if is_name(c) => {
            let word = code.rsplit(|c| !is_name(c)).next().unwrap_or_default();
            Some(KEYWORDS.contains(&word))
        }
        Some('+' | '-') if code.ends_with("++") || code.ends_with("--") => None,
        Some(_) | None => Some(true),
    }
}
