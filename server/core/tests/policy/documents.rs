//! Policy files: what is read from them, and what is told about those that cannot be read.

use codeplane_core::policy::{Document, Effect, Format, starter};

const YAML: &str = "\
# what agents may do here
name: developer
description: everyday work
default: ask
rules:
  - id: log
    effect: allow
    tool: Bash
    command: git log:*
    examples:
      match: [git log --oneline, git log]
      not_match:
        - git log --output=x
        - git push
  - effect: deny
    path: ~/.ssh/**
    reason: keys
    labels: {env: [prod, stage]}
    examples: {match: ~/.ssh/id_rsa, not_match: src/main.rs}
  - effect: ask
    tool: [WebFetch, Bash]
    domain: '*.example.org'
    always_ask: true
    four_eyes: true
    expires_at: 2030-01-01T00:00:00Z
    examples: {match: [a.example.org, 'https://b.example.org/x'], not_match: example.com}
allow:
  - Bash(cargo test:*)
  - Read(src/**)
deny: ['mcp__tracker__delete_*']
";

const TOML: &str = r#"
name = "developer"
description = "everyday work"
default = "ask"
allow = ["Bash(cargo test:*)", "Read(src/**)"]
deny = ["mcp__tracker__delete_*"]

[[rules]]
id = "log"
effect = "allow"
tool = "Bash"
command = "git log:*"
examples.match = ["git log --oneline", "git log"]
examples.not_match = ["git log --output=x", "git push"]

[[rules]]
effect = "deny"
path = "~/.ssh/**"
reason = "keys"
labels = { env = ["prod", "stage"] }
examples = { match = "~/.ssh/id_rsa", not_match = "src/main.rs" }

[[rules]]
effect = "ask"
tool = ["WebFetch", "Bash"]
domain = "*.example.org"
always_ask = true
four_eyes = true
expires_at = 2030-01-01T00:00:00Z
examples = { match = ["a.example.org", "https://b.example.org/x"], not_match = "example.com" }
"#;

fn one(text: &str, format: Format) -> Document {
    let mut documents = Document::read_all(text, format, "p").unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn problems(text: &str, format: Format) -> Vec<String> {
    match Document::read_all(text, format, "p") {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_three_formats_say_the_same() {
    let yaml = one(YAML, Format::Yaml);
    let toml = one(TOML, Format::Toml);
    let json = one(&yaml.to_json(), Format::Json);

    assert_eq!((yaml.name.as_str(), yaml.default), ("developer", Effect::Ask));
    assert_eq!(yaml.lines, [6, 15, 20, 28, 29, 30]);
    let mut rules = yaml.to_json();
    assert_eq!(rules, json.to_json());
    // TOML has its lists before its tables.
    let mut ids: Vec<&str> = toml.rules.iter().map(|rule| rule.id()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["allow-1", "allow-2", "deny-1", "log", "rule-2", "rule-3"]);
    for rule in &toml.rules {
        let text = Document { rules: vec![rule.clone()], ..toml.clone() }.to_json();
        let rule = text.split_once("\"rules\":[").unwrap().1.strip_suffix("]}").unwrap();
        assert!(rules.contains(rule), "{rule}\n{rules}");
        rules = rules.replace(rule, "");
    }
}

#[test]
fn a_file_holds_several_policies() {
    let two = "name: a\n---\nname: b\nrules: []\n";
    let names = |text: &str, format| {
        let documents = Document::read_all(text, format, "p").unwrap();
        documents.into_iter().map(|document| document.name).collect::<Vec<_>>()
    };

    assert_eq!(names(two, Format::Yaml), ["a", "b"]);
    assert_eq!(names("- name: a\n- name: b\n", Format::Yaml), ["a", "b"]);
    assert_eq!(names("policies:\n- name: a\n- name: b\n", Format::Yaml), ["a", "b"]);
    assert_eq!(names(r#"[{"name":"a"},{"name":"b"}]"#, Format::Json), ["a", "b"]);
    assert_eq!(
        names("[[policies]]\nname = 'a'\n[[policies]]\nname = 'b'\n", Format::Toml),
        ["a", "b"]
    );
}

#[test]
fn every_problem_is_told_with_its_place() {
    let text = "\
name: Developer
defualt: ask
default: allow
rules:
  - effect: permit
  - effect: allow
    comand: git status
  - effect: allow
    command: git*
    always_ask: yes
  - id: x
    effect: allow
    command: ls:*
    examples:
      match: [rm x]
      not_match: ls -l
  - id: x
    effect: deny
  - just text
allow: [Bash(a; b), 5]
";

    assert_eq!(
        problems(text, Format::Yaml),
        [
            "p:1:7: name: 'Developer' must be 1 to 63 of a-z, 0-9 and '-', and begin and end with a letter or digit",
            "p:2:1: 'defualt' is not a member of a policy: is it 'default'?",
            "p:3:10: default: 'allow' is neither 'ask' nor 'deny'",
            "p:5:13: effect: 'permit' is no allow, ask or deny",
            "p:7:5: 'comand' is not a member of a rule: is it 'command'?",
            "p:9:14: command: 'git*': '*' stands alone at the end, or after ':'",
            "p:10:17: always_ask: must be true or false",
            "p:15:15: examples: rule 'x' does not fit 'rm x'",
            "p:16:18: examples: rule 'x' fits 'ls -l'",
            "p:17:1: the id 'x' is already on line 11",
            "p:19:5: a rule is an object",
            "p:20:9: allow: 'a; b' is not one command",
            "p:20:21: allow: must be a string",
        ]
    );
}

#[test]
fn what_readers_could_understand_differently_is_refused() {
    let cases = [
        (Format::Yaml, "name: a\nname: b\n", "p:2:1: 'name' is already on line 1"),
        (Format::Yaml, "name: &x a\n", "p:1:10: anchors are not taken in policies"),
        (Format::Yaml, "name: *x\n", "p:1:7: "),
        (Format::Yaml, "name: !!str a\n", "p:1:13: tags are not taken in policies"),
        (Format::Yaml, "name: a\n<<: {default: deny}\n", "p:2:1: '<<' is not a member of a policy"),
        (Format::Yaml, "? [a]\n: b\n", "p:1:3: a name must be text"),
        (Format::Yaml, "name: 5\n", "p:1:7: name: must be a string"),
        (Format::Yaml, "name: a\nrules: {}\n", "p:2:8: rules: must be a list of rules"),
        (Format::Yaml, "name: a\n  b: c\n", "p:2:"),
        (Format::Yaml, "", "p:1:1: no policy"),
        (Format::Yaml, "rules: []", "p:1:1: 'name' is missing in a policy"),
        (Format::Yaml, "name: a\n---\nname: a\n", "p:3:1: the policy 'a' is already on line 1"),
        (Format::Json, r#"{"name":"a","name":"b"}"#, "p:1:13: 'name' is already on line 1"),
        (Format::Json, "{\n \"name\": \"a\",}", "p:2:14: a member without a name"),
        (Format::Json, "{\"name\":\"a\"}\nx", "p:2:1: text after the document"),
        (Format::Json, "[{\"name\":\"é\",\"x\":1}]", "p:1:10: name: 'é' must be"),
        (Format::Json, "{\"name\":\"\\ud800\"}", "p:1:9: half a surrogate pair"),
        (Format::Toml, "name = 'a'\nname = 'b'\n", "p:2:1: duplicate key"),
        (Format::Toml, "name = \n", "p:1:"),
        (Format::Toml, "name = 'a'\nrules = [{effect = 'no'}]\n", "p:2:20: effect: 'no' is no"),
    ];
    for (format, text, expected) in cases {
        let found = problems(text, format);
        assert!(found.first().is_some_and(|f| f.starts_with(expected)), "{text:?}: {found:?}");
    }
}

#[test]
fn bombs_are_bounded() {
    let deep = format!("name: a\nrules: {}", "[".repeat(5000));
    assert!(!problems(&deep, Format::Yaml).is_empty());
    let deep_lists = format!("{}x", "- ".repeat(5000));
    assert!(problems(&deep_lists, Format::Yaml)[0].ends_with("nested too deep"));
    assert!(!problems(&deep.replace("name: a\nrules: ", ""), Format::Json).is_empty());
    assert!(!problems(&format!("a = {}", "[".repeat(5000)), Format::Toml).is_empty());
    let many: String = (0..2001).map(|n| format!("- mcp__tool__{n}\n")).collect();
    let many = problems(&format!("name: a\ndeny:\n{many}"), Format::Yaml);
    assert!(many[0].ends_with("a policy has at most 2000 rules"));
    let values = format!("[{}1]", "1,".repeat(1_000_000));
    assert_eq!(problems(&values, Format::Json).len(), 201);
    let long = " ".repeat(4 * 1024 * 1024 + 1);
    assert!(problems(&long, Format::Yaml)[0].contains("has at most 4194304 bytes"));
}

#[test]
fn lint_finds_what_is_not_meant() {
    let cases = [
        ("{effect: allow}", "allows-everything"),
        ("{effect: allow, tool: Bash}", "allows-any-command"),
        ("{effect: allow, tool: Bash, command: '*'}", "allows-any-command"),
        ("{effect: allow, tool: Read, path: '/**'}", "allows-any-path"),
        ("{effect: allow, tool: WebFetch, domain: '*'}", "allows-any-domain"),
        ("{effect: allow, command: 'python3:*'}", "interpreter"),
        ("{effect: allow, command: 'bash -x:*'}", "interpreter"),
        ("{effect: allow, command: 'sudo:*'}", "wrapper"),
        ("{effect: allow, command: 'xargs:*'}", "wrapper"),
        ("{effect: allow, tool: Bash, path: src/**}", "never-fits"),
        ("{effect: allow, tool: Read, command: ls}", "never-fits"),
        ("{effect: allow, tool: Read, domain: x.org}", "never-fits"),
        ("{effect: deny, command: x, expires_at: '2020-01-01T00:00:00Z'}", "expired"),
        ("{effect: allow, command: 'rm x:*'}", "shadowed"),
        ("{effect: ask, path: /keys/a}", "shadowed"),
        ("{effect: deny, command: 'rm:*'}", "duplicate"),
        ("{effect: deny, command: 'rmdir:*'}", "no-examples"),
        ("{effect: deny, tool: bash}", "unknown-tool"),
        ("{effect: deny, tool: Frobnicate}", "unknown-tool"),
        ("{effect: deny, path: '**/[ab]'}", "literal-bracket"),
    ];
    for (rule, code) in cases {
        let text = format!(
            "name: a\ndeny: ['mcp__x']\nrules:\n- {{id: r, effect: deny, command: 'rm:*', examples: {{match: rm x}}}}\n\
             - {{id: k, effect: deny, path: /keys/**, examples: {{match: /keys/b}}}}\n- {rule}\n"
        );
        let findings = one(&text, Format::Yaml).lint(1_800_000_000_000);
        let codes: Vec<&str> =
            findings.iter().filter(|finding| finding.line == 6).map(|f| f.code).collect();
        assert!(codes.contains(&code), "{rule}: {codes:?}");
        assert!(findings.iter().all(|finding| finding.line == 6), "{findings:?}");
    }
    let fine = one(
        "name: a\nallow: ['Bash(python3 -m pytest:*)', 'Bash(git:*)', 'Bash(timeout 5 make)', 'Read(src/**)']",
        Format::Yaml,
    );
    assert_eq!(fine.lint(0), []);
}

#[test]
fn a_tool_that_is_mistyped_is_told_from_one_of_another_program() {
    let messages = |rule: &str| -> Vec<String> {
        let found = one(&format!("name: a\nrules:\n- {rule}\n"), Format::Yaml).lint(0);
        let tools = found.into_iter().filter(|finding| finding.code == "unknown-tool");
        tools.map(|finding| finding.message).collect()
    };

    let mistyped = messages("{effect: deny, tool: bash}");
    assert_eq!(mistyped, ["there is no tool 'bash': is it 'Bash'?"]);
    assert_eq!(messages("{effect: deny, tool: [mcp__x__y, 'web*', Read]}"), [""; 0]);
    assert_eq!(messages("{effect: deny, tool: Teleport, provider: generic}"), [""; 0]);
}

#[test]
fn a_shorthand_that_is_none_says_what_would_be_one() {
    let problem =
        |text: &str| problems(&format!("name: a\nallow: ['{text}']\n"), Format::Yaml).remove(0);

    assert!(
        problem("git log").ends_with("'git log' is no tool: a command is written Bash(git log)")
    );
    assert!(problem("bash(ls:*)").ends_with("'bash(ls:*)': is it Bash(ls:*)?"));
    assert!(problem("Task(x)").ends_with("Task takes nothing in parentheses"));
}

#[test]
fn the_starter_policies_load_and_are_clean() {
    for (name, text) in starter::all() {
        let document = Document::read_all(text, Format::Yaml, name)
            .map(|mut documents| documents.remove(0))
            .unwrap_or_else(|problems| panic!("{}", problems[0]));

        assert_eq!(document.name, name);
        assert_eq!(document.lint(0), [], "{name}");
        let again = Document::read_all(&document.to_json(), Format::Json, name).unwrap();
        assert_eq!(again[0].to_json(), document.to_json());
    }
}
