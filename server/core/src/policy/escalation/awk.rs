//! Programs of awk: which neither run anything nor touch a file of their own.

/// Whether a program holds nothing that runs commands or opens files. Over-approximates.
pub(super) fn is_harmless(program: &str) -> bool {
    let code = without_literals(program);
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

/// The program without strings and regular expressions.
fn without_literals(program: &str) -> String {
    let mut code = String::new();
    let mut chars = program.chars();
    let mut before = '(';
    while let Some(c) = chars.next() {
        let begins_regex = c == '/' && "(,~!&|{;\n=".contains(before);
        if c == '"' || begins_regex {
            loop {
                match chars.next() {
                    Some('\\') => drop(chars.next()),
                    Some(end) if end == c => break,
                    // A literal without an end is no program that can be understood.
                    Some('\n') | None => return "system".to_owned(),
                    Some(_) => {}
                }
            }
            code.push('0');
            before = '0';
        } else {
            code.push(c);
            before = if c.is_whitespace() { before } else { c };
        }
    }
    code
}
