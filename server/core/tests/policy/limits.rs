//! Caps drop no denial.

use crate::kit::hold;
use crate::shell::DEVELOPER;

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
