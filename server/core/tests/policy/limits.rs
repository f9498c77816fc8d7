//! Caps drop no denial, and keep the work for one call small.

use std::cell::Cell;

use codeplane_core::policy::{FileFacts, PathFacts, Request, analyse, evaluate};

use crate::kit::{Machine, NOW_MS, bash, hold, ready, request, rules};
use crate::shell::DEVELOPER;

/// Counts what is asked of a machine.
#[derive(Default)]
struct Counting {
    paths: Cell<usize>,
    globs: Cell<usize>,
    below: Cell<usize>,
}

impl FileFacts for Counting {
    fn path(&self, path: &str) -> PathFacts {
        self.paths.set(self.paths.get() + 1);
        Machine.path(path)
    }

    fn expand(&self, glob: &str) -> Option<Vec<String>> {
        self.globs.set(self.globs.get() + 1);
        Machine.expand(glob)
    }

    fn below(&self, directory: &str, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
        self.below.set(self.below.get() + 1);
        Machine.below(directory, wanted)
    }
}

/// What is decided, and how many paths, globs and directories were asked about.
fn counted(lines: &[&str], request: &Request) -> (&'static str, [usize; 3]) {
    let (rules, machine) = (ready(rules(lines)), Counting::default());
    let analysis = analyse(request);
    let facts = analysis.questions().answer_for(rules.at(NOW_MS), &machine);
    let verdict = evaluate(rules.at(NOW_MS), request, &analysis, &facts);
    let asked = [machine.paths.get(), machine.globs.get(), machine.below.get()];
    (verdict.decision.name(), asked)
}

const NO_ENV: [&str; 2] = ["allow Bash", r#"{"effect":"deny","path":"**/.env"}"#];

#[test]
fn nesting_and_length_drop_no_denial() {
    let deep = format!("{}rm x{}", "echo $(".repeat(40), ")".repeat(40));
    let long = format!("{}rm x", "ls;".repeat(1000));
    let parentheses = "(".repeat(3000);
    let opens = "$(".repeat(3000);
    hold(DEVELOPER, &[("deny", &deep), ("deny", &long), ("ask", &parentheses), ("ask", &opens)]);
    let many = "ls;".repeat(300);
    let some = "ls;".repeat(200);
    hold(DEVELOPER, &[("ask", &many), ("allow", &some)]);
}

#[test]
fn what_a_line_says_twice_is_asked_about_once() {
    let same_globs = format!("cat {}", "/*/*/* ".repeat(5000));
    let same_paths = format!("cat {}", "a/b ".repeat(5000));

    let (_, [_, globs, _]) = counted(&NO_ENV, &bash(&same_globs));
    let (decision, [paths, _, _]) = counted(&NO_ENV, &bash(&same_paths));

    assert_eq!(globs, 1);
    assert_eq!(decision, "allow");
    assert!(paths < 10, "{paths}");
}

#[test]
fn more_than_is_looked_at_asks_and_what_its_text_denies_stays_denied() {
    let lists =
        |word: &str, count: usize| (0..count).map(|n| format!("{word}{n}* ")).collect::<String>();
    let many_globs = format!("cat {}", lists("/a", 4000));
    let walks: String = (0..9000).map(|n| format!("s{n} ")).collect();
    let many_walks = format!("grep -r x {walks}");
    let moves: String = (0..5000).map(|n| format!("cd d{n};")).collect();

    for command in [&many_globs, &many_walks, &moves] {
        let (decision, [paths, globs, below]) = counted(&NO_ENV, &bash(command));
        assert_eq!(decision, "ask");
        assert!(paths <= 70_000 && globs <= 256 && below <= 64, "{paths} {globs} {below}");
    }
    let denied = [
        format!("{many_globs} .env"),
        format!("{many_walks} .env"),
        format!("{moves} cat .env"),
        format!("cat {} .env", "*/".repeat(5000)),
        format!("{}cat .env", "cd sub;".repeat(2000)),
        format!("cat .env {}", "[[".repeat(20_000)),
        format!("git {} diff .env", "-C a ".repeat(9000)),
        format!("cat .env {}", "{a,b}".repeat(6000)),
        format!("cat .env {}", "a=:".repeat(15_000)),
    ];
    for command in denied {
        assert_eq!(counted(&NO_ENV, &bash(&command)).0, "deny", "{}", &command[..40]);
    }
}

#[test]
fn a_glob_that_is_too_long_may_lead_anywhere() {
    let stars = format!("cat {}", "*/".repeat(5000));
    let brackets = format!("cat {}", "[a]".repeat(2000));
    let choices = format!("cat {}", "{a,b}".repeat(6000));
    let moves = format!("git {} log", "-C a ".repeat(9000));

    for lines in [&NO_ENV[..], &NO_ENV[..1]] {
        for command in [&stars, &brackets, &choices, &moves] {
            assert_eq!(counted(lines, &bash(command)).0, "ask");
        }
    }
    hold(&NO_ENV, &[("allow", "cat src/[a]*/*.rs"), ("allow", "cat a/*/b/*/c/*.txt")]);
}

#[test]
fn a_tool_may_name_many_paths_and_too_many_ask() {
    let input = |count: usize, more: &str| {
        let paths: Vec<String> = (0..count).map(|n| format!("\"~/a/{n}\"")).collect();
        format!(r#"{{"p":[{}{more}]}}"#, paths.join(","))
    };
    let lines = ["allow Tracker", r#"{"effect":"deny","path":"**/.env"}"#];
    let (some, many) = (input(20_000, ""), input(70_000, ""));
    let denied = input(70_000, r#","/repo/x/.env""#);

    for (expected, input) in [("allow", some), ("ask", many), ("deny", denied)] {
        let (decision, [paths, ..]) = counted(&lines, &request("Tracker", &input));
        assert_eq!(decision, expected);
        assert!(paths <= 70_000, "{paths}");
    }
}
