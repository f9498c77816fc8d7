//! How fast it is: run with `--release -- --ignored --nocapture`.

use std::time::Instant;

use crate::kit::{bash, judge, ready, rules};

#[test]
#[ignore = "a measurement"]
fn evaluations_a_second_with_1000_rules() {
    let mut lines: Vec<String> = (0..400).map(|n| format!("allow Bash(tool{n} sub:*)")).collect();
    lines.extend((0..300).map(|n| format!("deny Bash(bad{n}:*)")));
    lines.extend((0..150).map(|n| format!(r#"{{"effect":"deny","path":"/srv/{n}/**"}}"#)));
    lines.extend((0..149).map(|n| format!("deny WebFetch(domain:d{n}.org)")));
    lines.push("allow Bash(git log:*)".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let rules = ready(rules(&lines));

    for command in
        ["git log --oneline -n 5", "git log --oneline -- src/main.rs | tool7 sub x && tool9 sub y"]
    {
        let start = Instant::now();
        let count = 20_000_u32;
        for _ in 0..count {
            assert_eq!(judge(&rules, &bash(command)).decision.name(), "allow");
        }
        let each = start.elapsed() / count;
        println!("{command}: {each:?} each, {:.0}/s", 1.0 / each.as_secs_f64());
    }
}
