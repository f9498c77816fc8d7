//! Secrets that can be recognised are not shown and not kept where people look.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex, RegexSet};

/// What stands in the place of a secret.
pub const MASKED: &str = "[masked]";

/// Patterns of secrets; the group is what is masked. What stands before it stays, so that one sees
/// what it was. The prefixes are those that the issuers publish, so that scanners find them.
const PATTERNS: [&str; 26] = [
    // AWS
    r"(?-u:\b)(?:AKIA|ASIA)([A-Z0-9]{16})(?-u:\b)",
    // GitHub, GitLab
    r"(?-u:\b)gh[pousr]_([A-Za-z0-9]{30,})",
    r"(?-u:\b)github_pat_([A-Za-z0-9_]{22,})",
    r"(?-u:\b)glpat-([A-Za-z0-9_-]{20,})",
    // Slack: tokens and the addresses that take messages
    r"(?-u:\b)xox[abceoprs]-([A-Za-z0-9-]{10,})",
    r"(?-u:\b)xapp-([A-Za-z0-9-]{10,})",
    r"hooks\.slack\.com/services/([A-Za-z0-9/]{20,})",
    // Anthropic, OpenAI
    r"(?-u:\b)sk-ant-([A-Za-z0-9_-]{16,})",
    r"(?-u:\b)sk-(?:proj|svcacct|admin)-([A-Za-z0-9_-]{20,})",
    r"(?-u:\b)sk-([A-Za-z0-9]{32,})",
    // Google
    r"(?-u:\b)AIza([A-Za-z0-9_-]{35})",
    r"(?-u:\b)ya29\.([A-Za-z0-9_-]{20,})",
    // Stripe, npm, PyPI, Hugging Face, SendGrid, age
    r"(?-u:\b)[rs]k_(?:live|test)_([A-Za-z0-9]{16,})",
    r"(?-u:\b)npm_([A-Za-z0-9]{36})",
    r"(?-u:\b)pypi-([A-Za-z0-9_-]{50,})",
    r"(?-u:\b)hf_([A-Za-z0-9]{30,})",
    r"(?-u:\b)SG\.([A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})",
    r"AGE-SECRET-KEY-1([0-9A-Z]{50,})",
    // JSON Web Tokens: two objects in base64 and a signature
    r"(?-u:\b)eyJ([A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)",
    // private keys, also where the end is cut off
    r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(.+?)(?:-----END|\z)",
    // headers
    r#"(?i)(?-u:\b)authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|digest)\s+)?([^\s"'$][^\s"']{7,})"#,
    r"(?i)(?-u:\b)bearer\s+([A-Za-z0-9._~+/=-]{16,})",
    // name=value, name = "value" and "name": "value"; one that begins with $ or < stands for another
    r#"(?i)(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|auth[_-]?key)=([^\s"'\\$<=&;|,(){}\[\]][^\s"'\\&;|,(){}\[\]]*)"#,
    r#"(?i)(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|auth[_-]?key)\\?["']?\s*(?:=|:|:=)\s*\\?["']([^"'\\$<\[][^"'\\]*)"#,
    // --password value, and what curl is given as user:password
    r#"(?i)(?:^|\s)--(?:[a-z]+-)*(?:password|passwd|passphrase|secret|token|api-key|secret-key|access-key)\s+["']?([^\s"'$<\[-][^\s"']*)"#,
    // URLs with a password
    r#"(?i)[a-z][a-z0-9+.-]*://[^\s/:@"']*:([^\s/@"'$\[][^\s/@"']*)@"#,
];

struct Patterns {
    any: RegexSet,
    each: Vec<Regex>,
}

#[expect(clippy::expect_used, reason = "the patterns are literals, and a test uses each of them")]
static COMPILED: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    any: RegexSet::new(PATTERNS).expect("patterns are valid"),
    each: PATTERNS.iter().map(|text| Regex::new(text).expect("a pattern is valid")).collect(),
});

/// The text with every secret that can be recognised replaced by [`MASKED`].
///
/// It is for what is shown and kept, and no promise: a secret without a known form stays.
///
/// ```
/// let shown = codeplane_core::secret::mask("curl https://u:hunter2@example.org");
/// assert_eq!(shown, "curl https://u:[masked]@example.org");
/// ```
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let patterns = &*COMPILED;
    let mut masked = Cow::Borrowed(text);
    // One pass finds whether there is anything to do; mostly there is not.
    for index in patterns.any.matches(text) {
        let replaced = patterns.each[index].replace_all(&masked, replace).into_owned();
        masked = Cow::Owned(replaced);
    }
    masked
}

fn replace(captures: &Captures<'_>) -> String {
    let whole = captures.get_match();
    let Some(secret) = captures.get(1) else {
        return whole.as_str().to_owned();
    };
    let before = &whole.as_str()[..secret.start() - whole.start()];
    let after = &whole.as_str()[secret.end() - whole.start()..];
    format!("{before}{MASKED}{after}")
}
