use std::borrow::Cow;

use codeplane_core::secret::{MASKED, mask};
use proptest::prelude::*;

/// So many characters that look random.
fn random(length: usize) -> String {
    "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0z".chars().cycle().take(length).collect()
}

#[test]
fn secrets_of_a_known_form_are_masked_and_what_they_were_is_still_seen() {
    let upper = random(16).to_uppercase();
    for (before, secret, after) in [
        ("export ID=AKIA", upper.as_str(), " x"),
        ("git clone https://x:ghp_", &random(36), "@github.com/a/b"),
        ("github_pat_", &random(60), ""),
        ("glpat-", &random(20), ";"),
        ("curl -d token xoxb-", &random(24), ""),
        ("https://hooks.slack.com/services/", &random(24), ""),
        ("sk-ant-", &random(40), "\n"),
        ("sk-proj-", &random(40), ""),
        ("'sk-", &random(48), "'"),
        ("AIza", &random(35), ""),
        ("sk_live_", &random(24), ""),
        ("//registry.npmjs.org/:_x npm_", &random(36), ""),
        ("pypi-", &random(60), ""),
        ("hf_", &random(34), ""),
        ("AGE-SECRET-KEY-1", &random(58).to_uppercase(), ""),
        ("-----BEGIN RSA PRIVATE KEY-----", "\nMIIE\nAAAA\n", "-----END RSA PRIVATE KEY-----"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "\ncut off", ""),
        ("Cookie: eyJ", &format!("{}.eyJ{}.{}", random(20), random(30), random(20)), ""),
        ("curl -H 'Authorization: Bearer ", &random(20), "'"),
        ("Authorization: Basic ", "dXNlcjpwYXNz", ""),
        ("{\"authorization\":\"", &random(20), "\"}"),
        ("PGPASSWORD=", "hunter2", " psql"),
        ("MY_API_KEY='", "k-1", "'"),
        ("{\"client_secret\": \"", "it is not secret", "\"}"),
        ("{\\\"password\\\":\\\"", "hunter2", "\\\"}"),
        ("password = \"", "hunter2", "\""),
        ("mysql --password ", "hunter2", " -u root"),
        ("tool --auth-token ", "abc", ""),
        ("postgres://app:", "p%40ss", "@db/x"),
    ] {
        let shown = mask(&format!("{before}{secret}{after}")).into_owned();

        assert!(!shown.contains(secret), "{shown}");
        assert!(shown.contains(MASKED), "{shown}");
        assert!(shown.ends_with(after), "{shown}");
        let scheme = before.split_inclusive(['=', ' ', ':']).next().unwrap();
        assert!(shown.starts_with(scheme), "{shown}");
    }
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    for text in [
        "",
        "git commit -m 'fix the token refresh and the password prompt'",
        "PWD=/home/user",
        "max_tokens=4096 tokens: 17",
        "cat --password-file /run/secrets/db",
        "PASSWORD=$DB_PASSWORD psql",
        "curl -H \"Authorization: Bearer $TOKEN\"",
        "curl -H \"Authorization: $AUTH\"",
        "password=<password>",
        "let token: Token = lexer.next();",
        "if token == expected { accept(token) }",
        "token==expected",
        "git show 2971c0b7b1c1f4d5e6a7b8c9d0e1f2a3b4c5d6e7",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "7f6b1c2e-6d0f-4d6c-9c6e-0f1d2a3b4c5d",
        "pip install sk-learn scikit-learn sk-video",
        "https://example.org/a@b?c=d",
        "ssh git@github.com",
        "https://user@example.org/",
        "AKIA is a prefix",
        "bearer of bad news",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "cargo test secret::masks",
        "ls ~/.ssh/id_ed25519",
    ] {
        assert!(matches!(mask(text), Cow::Borrowed(_)), "{text} became {}", mask(text));
    }
}

#[test]
fn several_secrets_of_one_text_are_all_masked() {
    let text = format!("A_TOKEN=one B_TOKEN=two sk-ant-{}", random(20));

    let shown = mask(&text);

    assert_eq!(shown, "A_TOKEN=[masked] B_TOKEN=[masked] sk-ant-[masked]");
}

proptest! {
    #[test]
    fn masking_what_is_masked_changes_nothing(
        words in proptest::collection::vec("(password|token|=|: |\"|'|https://|a|:|@| |Bearer |x{20}|--|\\$)", 0..12),
    ) {
        let once = mask(&words.concat()).into_owned();

        prop_assert_eq!(mask(&once), once.clone());
    }
}
