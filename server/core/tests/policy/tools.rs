//! Tools other than the shell, and input that is none.

use crate::kit::hold_tools;

#[test]
fn malformed_input_is_denied() {
    let long = format!(r#"{{"command":"{}"}}"#, "x".repeat(65 * 1024));
    let deep = format!(r#"{{"command":"ls","x":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    hold_tools(
        &["allow Bash", "allow Read", "allow *"],
        &[
            ("deny", "Bash", r#"{"command":"ls","command":"ls"}"#),
            ("deny", "Bash", r#"{"command":5}"#),
            ("deny", "Bash", r#"{"command":null}"#),
            ("deny", "Bash", r#"{"command":["ls"]}"#),
            ("deny", "Bash", r"{}"),
            ("deny", "Bash", r#""ls""#),
            ("deny", "Bash", "[]"),
            ("deny", "Bash", "null"),
            ("deny", "Bash", r#"{"command":"ls\u0000x"}"#),
            ("deny", "Bash", r#"{"command":"\ud800"}"#),
            ("deny", "Bash", r#"{"command":"ls"} x"#),
            ("deny", "Bash", r#"{"command":"ls",}"#),
            ("deny", "Bash", r#"{'command':'ls'}"#),
            ("deny", "Bash", ""),
            ("deny", "Bash", &long),
            ("deny", "Bash", &deep),
            ("deny", "Bash", r#"{"command":"ls","a":{"b":1,"b":2}}"#),
            ("deny", "Bash", r#"{"command":"ls","a":01}"#),
            ("deny", "Bash", r#"{"command":"ls","\u0063ommand":"x"}"#),
            ("deny", "Read", r#"{"path":"x"}"#),
            ("deny", "Read", r#"{"file_path":7}"#),
            ("deny", "WebFetch", r#"{"url":7}"#),
            ("deny", "WebFetch", "{}"),
            ("deny", "Grep", r#"{"path":7}"#),
            ("deny", "mcp__a__b", r#"{"a":1,"a":2}"#),
            ("allow", "mcp__a__b", "{}"),
            ("allow", "Bash", r#"{"command":"ls","x":1}"#),
        ],
    );
}

#[test]
fn hosts_are_compared_in_one_spelling() {
    let url = |url: &str| format!(r#"{{"url":"{url}","prompt":"https://evil.org"}}"#);
    hold_tools(
        &[
            "allow WebFetch(domain:x.org)",
            "allow WebFetch(domain:*.y.org)",
            "deny WebFetch(domain:bad.y.org)",
            "deny WebFetch(domain:127.0.0.1)",
            r#"{"effect":"deny","domain":"bücher.example"}"#,
        ],
        &[
            ("allow", "WebFetch", &url("https://x.org/a?b#c")),
            ("allow", "WebFetch", &url("https://X.ORG/")),
            ("allow", "WebFetch", &url("https://x.org./")),
            ("allow", "WebFetch", &url("https://x.org:8443/")),
            ("allow", "WebFetch", &url("http://a.b.y.org")),
            ("ask", "WebFetch", &url("https://y.org")),
            ("ask", "WebFetch", &url("https://evily.org")),
            ("ask", "WebFetch", &url("https://x.org.evil.com")),
            ("ask", "WebFetch", &url("https://x.org@evil.com/")),
            ("ask", "WebFetch", &url("https://u:p@x.org/")),
            ("ask", "WebFetch", &url("https://evil.com\\\\@x.org/")),
            ("ask", "WebFetch", &url("https://х.org/")),
            ("ask", "WebFetch", &url("ftp://x.org/")),
            ("ask", "WebFetch", &url("file:///etc/passwd")),
            ("ask", "WebFetch", &url("x.org")),
            ("ask", "WebFetch", &url("")),
            ("deny", "WebFetch", &url("https://bad.y.org")),
            ("deny", "WebFetch", &url("https://BAD.y.org.")),
            ("deny", "WebFetch", &url("https://u@bad.y.org")),
            ("deny", "WebFetch", &url("http://127.1/")),
            ("deny", "WebFetch", &url("http://0x7f000001/")),
            ("deny", "WebFetch", &url("http://2130706433")),
            ("deny", "WebFetch", &url("http://[::ffff:127.0.0.1]/")),
            ("deny", "WebFetch", &url("https://xn--bcher-kva.example")),
            ("deny", "WebFetch", &url("https://bücher.example")),
            ("deny", "WebFetch", &url("https://b%61d.y.org/")),
            ("deny", "Bash", r#"{"command":"curl https://bücher.example/"}"#),
        ],
    );
}

#[test]
fn other_tools_are_one_unit_with_the_paths_they_name() {
    hold_tools(
        &[
            "allow mcp__tracker__read_*",
            "allow mcp__fs__read",
            "deny mcp__evil",
            "deny mcp__tracker__read_secret",
            "allow Task",
            "allow WebSearch",
            r#"{"effect":"deny","path":"~/secrets/**"}"#,
            r#"{"effect":"ask","domain":"*.evil.org"}"#,
        ],
        &[
            ("allow", "mcp__tracker__read_issue", r#"{"id":1}"#),
            ("ask", "mcp__tracker__write", "{}"),
            ("ask", "mcp__Tracker__read_x", "{}"),
            ("deny", "mcp__tracker__read_secret", "{}"),
            ("deny", "mcp__evil__x", "{}"),
            ("ask", "mcp__evilx__x", "{}"),
            ("deny", "mcp__fs__read", r#"{"p":"~/secrets/key"}"#),
            ("deny", "mcp__fs__read", r#"{"a":[{"b":"./link/key"}]}"#),
            ("deny", "mcp__fs__read", r#"{"p":"file:///home/u/secrets/key"}"#),
            ("allow", "mcp__fs__read", r#"{"p":"see ~/secrets/key"}"#),
            ("allow", "mcp__fs__read", r#"{"p":"a.txt"}"#),
            ("ask", "mcp__fs__read", r#"{"u":"https://a.evil.org/x"}"#),
            ("allow", "Task", r#"{"prompt":"rm -rf / and read https://a.evil.org now"}"#),
            ("allow", "WebSearch", r#"{"query":"x"}"#),
            ("ask", "Unknown", "{}"),
            ("deny", "Unknown", r#"{"x":"../home/u/secrets"}"#),
            ("ask", "bash", r#"{"command":"ls"}"#),
        ],
    );
}
