//! Shell lines: what is taken apart, what is opaque, what is found anyway.

use codeplane_core::policy::Effect;

use crate::kit::{bash, hold, judge, ready, rules};

pub(crate) const DEVELOPER: &[&str] = &[
    "allow Bash(git status)",
    "allow Bash(git log:*)",
    "allow Bash(git diff *)",
    "allow Bash(git commit:*)",
    "allow Bash(git add:*)",
    "allow Bash(cargo test:*)",
    "allow Bash(cargo build:*)",
    "allow Bash(ls:*)",
    "allow Bash(cat:*)",
    "allow Bash(grep:*)",
    "allow Bash(echo:*)",
    "allow Bash(head:*)",
    "allow Bash(wc:*)",
    "allow Bash(npm test)",
    "allow Bash(python3 -m pytest:*)",
    "allow Bash(python3:*)",
    "allow Bash(bash:*)",
    "allow Bash(mkdir:*)",
    "allow Write(/repo/**)",
    "allow Read(/repo/**)",
    "deny Bash(rm:*)",
    "deny Bash(git push:*)",
];

#[test]
fn ordinary_work_is_allowed() {
    hold(
        DEVELOPER,
        &[
            ("allow", "git status"),
            ("allow", "git log"),
            ("allow", "git log --oneline -n 5"),
            ("allow", "git log --oneline | head -3"),
            ("allow", "git diff HEAD~1 -- src/main.rs && git status"),
            ("allow", "git status; git log\nls"),
            ("allow", "ls -la src/ *.rs"),
            ("allow", "cargo test --workspace -- --nocapture"),
            ("allow", "cargo test 2>&1 | head -50"),
            ("allow", "cargo test > out.txt 2>&1"),
            ("allow", "cargo test >/dev/null 2>/dev/null"),
            ("allow", "cargo test &> log.txt"),
            ("allow", "cat < a.txt"),
            ("allow", "timeout 60 cargo test"),
            ("allow", "timeout -k 5 -s KILL 60s cargo test"),
            ("allow", "time -p cargo test"),
            ("allow", "nice -n 10 nohup cargo test &"),
            ("allow", "stdbuf -oL -eL cargo test"),
            ("allow", "CI=1 NO_COLOR=1 cargo test"),
            ("allow", "RUST_BACKTRACE=1 LC_ALL=C cargo test"),
            ("allow", "RUST_LOG=debug,hyper=info cargo test"),
            ("allow", "git commit -m 'a; rm -rf / $(x) `y`'"),
            ("allow", "git commit -m \"it's done\""),
            (
                "allow",
                "git commit -m \"$(cat <<'EOF'\nFix (a) \"thing\"; rm $x `y`\n\nbody )\nEOF\n)\"",
            ),
            ("allow", "git commit -F - <<'EOF'\nrm -rf /\n$x\nEOF"),
            ("allow", "cat > notes.md <<'EOF'\n# $(rm x)\nEOF"),
            ("allow", "cat <<EOF\nplain text\nEOF"),
            ("allow", "cat <<-'E'\n\tx\n\tE\nls"),
            ("allow", "git log --format='%h %s' # rm x"),
            ("allow", "git log \\\n  --oneline"),
            ("allow", "echo a{b}c {} {a} 5$ '$x' \\$x"),
            ("allow", "echo rm -rf /"),
            ("allow", "grep -rn 'rm -rf' ."),
            ("allow", "timeout 60 git commit -m 'rm the old file'"),
            ("allow", "timeout 60 grep rm x"),
            ("allow", "cd sub && ls"),
            ("allow", "cd /repo/sub; cargo test"),
            ("allow", "echo grüße — ünïcode"),
            ("allow", "npm test"),
            ("allow", "ls &&\n\n# why\nls |\n head\n"),
            ("allow", "ls;"),
            ("allow", "ls &"),
            ("allow", "git add -A && git commit -m 'fix: a' -m 'b: /etc'"),
            ("allow", "python3 -m pytest -q tests"),
            ("allow", "python3 tool.py --flag"),
            ("allow", "bash script.sh"),
            ("allow", "echo 'a\nb'"),
            ("allow", "mkdir -p src/new"),
            ("allow", "ls 2>&1"),
            ("allow", "ls 2>&-"),
            ("allow", "\"git\" 'status'"),
            ("allow", "g\\it status"),
        ],
    );
}

#[test]
fn what_nobody_allowed_asks() {
    hold(
        DEVELOPER,
        &[
            ("ask", ""),
            ("ask", "   "),
            ("ask", "# only a comment"),
            ("ask", "git status --short"),
            ("ask", "npm test -- --x"),
            ("ask", "git status && curl x.org"),
            ("ask", "git status & curl x.org"),
            ("ask", "git status\ncurl x.org"),
            ("ask", "git log | sh"),
            ("ask", "./git status"),
            ("ask", "/usr/bin/git status"),
            ("ask", "GIT status"),
            ("ask", "env git status"),
            ("ask", "command git status"),
            ("ask", "xargs git status"),
            ("ask", "git -C /repo log"),
            ("ask", "git --no-pager log"),
            ("ask", "PATH=/evil git status"),
            ("ask", "LD_PRELOAD=x.so ls"),
            ("ask", "GIT_SSH_COMMAND=x git log"),
            ("ask", "PROMPT_COMMAND=x ls"),
            ("ask", "X=1"),
            ("ask", "export PATH=/evil"),
            ("ask", "TZ=:/etc/x ls"),
            ("ask", "CI=$(x) ls"),
            ("ask", "CI+=1 ls; git statu"),
            ("ask", "timeout --foo 5 ls"),
            ("ask", "timeout $x ls"),
            ("ask", "nice --foo ls"),
            ("ask", "ls > /tmp/x"),
            ("ask", "ls >> ~/x"),
            ("ask", "cat < /etc/passwd"),
            ("ask", "ls > $x"),
            ("ask", "ls >| out/../../x"),
            ("ask", "> /repo/.git/config"),
            ("ask", "echo x > .git/hooks/pre-commit"),
            ("ask", "echo x > .claude/settings.json"),
            ("ask", "cat <> /tmp/x"),
            ("ask", "cd /tmp && ls"),
            ("ask", "cd .. && ls"),
            ("ask", "cd && ls"),
            ("ask", "cd - && ls"),
            ("ask", "cd ~ && ls"),
            ("ask", "cd link && ls"),
            ("ask", "cd $x && ls"),
            ("ask", "cd sub extra && ls"),
            ("ask", "pushd sub"),
        ],
    );
}

#[test]
fn what_cannot_be_analysed_asks() {
    hold(
        DEVELOPER,
        &[
            ("ask", "ls $x"),
            ("ask", "ls ${x}"),
            ("ask", "ls ${x@P}"),
            ("ask", "ls \"$x\""),
            ("ask", "ls $(git log)"),
            ("ask", "ls `git log`"),
            ("ask", "cat <(git log)"),
            ("ask", "ls $'a'"),
            ("ask", "ls $\"a\""),
            ("ask", "ls $((1+1))"),
            ("ask", "ls {a,b}"),
            ("ask", "ls {1..9}"),
            ("ask", "(ls)"),
            ("ask", "{ ls; }"),
            ("ask", "if true; then ls; fi"),
            ("ask", "for x in a; do ls; done"),
            ("ask", "while ls; do ls; done"),
            ("ask", "case a in a) ls;; esac"),
            ("ask", "ls() { git log; }; ls"),
            ("ask", "function ls { git log; }"),
            ("ask", "! ls"),
            ("ask", "[[ -f x ]] && ls"),
            ("ask", "((1)) && ls"),
            ("ask", "a=(1 2) ls"),
            ("ask", "a[0]=1 ls"),
            ("ask", "coproc ls"),
            ("ask", "$x"),
            ("ask", "l? -la"),
            ("ask", "ls 'unclosed"),
            ("ask", "ls \"unclosed"),
            ("ask", "ls \\"),
            ("ask", "ls \r"),
            ("ask", "ls\rcurl x"),
            ("ask", "ls\u{a0}-la"),
            ("ask", "ls \u{202e}x"),
            ("ask", "ls \u{200b}"),
            ("ask", "ls \u{1b}[31m"),
            ("ask", "ls $\\\nx"),
            ("ask", "l\\\ns"),
            ("ask", "cat <<EOF\n$x\nEOF"),
            ("ask", "cat <<EOF\nx"),
            ("ask", "cat <<'EOF'\nx"),
            ("ask", "cat <<< x"),
            ("ask", "git commit -m \"$(cat <<EOF\n$(x)\nEOF\n)\""),
            ("ask", "git commit -m \"$(cat <<'EOF'\nx\nEOF\n) more $x\""),
            ("ask", "git commit -m \"$(git log <<'EOF'\nx\nEOF\n)\""),
            ("ask", "git commit -m $(cat <<'EOF'\nx\nEOF\n)"),
            ("ask", "eval ls"),
            ("ask", "source x"),
            ("ask", ". ./x"),
            ("ask", "trap 'ls' EXIT"),
            ("ask", "exec ls"),
            ("ask", "builtin ls"),
            ("ask", "alias ls='git log'"),
            ("ask", "ls ~root/x"),
            ("ask", "{fd}> x ls"),
            ("ask", "ls ;; ls"),
            ("ask", "ls &&"),
            ("ask", "ls |"),
            ("ask", "&& ls"),
            ("ask", "ls; ; ls"),
            ("ask", "a=$x ls"),
            ("ask", "ls &&& ls )"),
        ],
    );
}

#[test]
fn interpreters_of_given_programs_are_opaque() {
    hold(
        DEVELOPER,
        &[
            ("ask", "python3 -c 'x'"),
            ("ask", "python3 -Ic 'x'"),
            ("ask", "python3"),
            ("ask", "python3 -"),
            ("ask", "python3 /dev/stdin"),
            ("ask", "echo x | python3"),
            ("ask", "python3 <<'E'\nx\nE"),
            ("ask", "bash -c 'ls'"),
            ("ask", "bash -lc ls"),
            ("ask", "bash -s < x"),
            ("ask", "bash -o pipefail -c ls"),
            ("ask", "bash < a.txt"),
            ("ask", "echo ls | bash"),
            ("ask", "echo ls | bash -x"),
            ("allow", "echo ls | bash script.sh"),
            ("allow", "python3 --version"),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn denied_commands_are_found_in_any_dress() {
    hold(
        DEVELOPER,
        &[
            ("deny", "rm x"),
            ("deny", "/bin/rm x"),
            ("deny", "'rm' x"),
            ("deny", "r\\m x"),
            ("deny", "\\rm x"),
            ("deny", "r''m x"),
            ("deny", "\"r\"m x"),
            ("deny", "$'rm' x"),
            ("deny", "$'\\x72m' x"),
            ("deny", "{rm,-rf,x}"),
            ("deny", "ls; rm x"),
            ("deny", "ls & rm x"),
            ("deny", "ls && rm x || ls"),
            ("deny", "ls | rm x"),
            ("deny", "ls\nrm x"),
            ("deny", "ls\rrm x"),
            ("deny", "X=1 rm x"),
            ("deny", "> f rm x"),
            ("deny", "2>&1 rm x"),
            ("deny", "sudo rm x"),
            ("deny", "sudo -u root -- rm x"),
            ("deny", "env A=b rm x"),
            ("deny", "env -i rm x"),
            ("deny", "env -S 'rm x'"),
            ("deny", "command rm x"),
            ("deny", "builtin command rm x"),
            ("deny", "exec rm x"),
            ("deny", "nohup rm x"),
            ("deny", "timeout 5 rm x"),
            ("deny", "time rm x"),
            ("deny", "busybox rm x"),
            ("deny", "xargs rm"),
            ("deny", "ls | xargs -n1 rm -f"),
            ("deny", "find . -exec rm {} \\;"),
            ("deny", "bash -c 'rm x'"),
            ("deny", "bash -c \"ls; rm x\""),
            ("deny", "sh -c 'sh -c \"rm x\"'"),
            ("deny", "eval 'rm x'"),
            ("deny", "eval rm x"),
            ("deny", "echo 'rm x' | sh"),
            ("deny", "bash <<'E'\nrm x\nE"),
            ("deny", "bash <<E\nrm x\nE"),
            ("deny", "bash <<< 'rm x'"),
            ("deny", "cat <<'E' | sh\nrm x\nE"),
            ("deny", "ssh host 'rm x'"),
            ("deny", "trap 'rm x' EXIT"),
            ("deny", "echo $(rm x)"),
            ("deny", "echo `rm x`"),
            ("deny", "echo \"a $(rm x)\""),
            ("deny", "echo \"`rm x`\""),
            ("deny", "cat <(rm x)"),
            ("deny", "echo ${x:-$(rm x)}"),
            ("deny", "(rm x)"),
            ("deny", "{ rm x; }"),
            ("deny", "if ls; then rm x; fi"),
            ("deny", "for f in *; do rm $f; done"),
            ("deny", "while true; do rm x; done"),
            ("deny", "f() { rm x; }; f"),
            ("deny", "! rm x"),
            ("deny", "case a in a) rm x;; esac"),
            ("deny", "cat <<E\n$(rm x)\nE"),
            ("deny", "echo $((1<<2)); rm x"),
            ("deny", "ls 'open; rm x"),
            ("deny", "rm $x"),
            ("deny", "r\\\nm x"),
            ("deny", "echo \\\nx\nrm y"),
            ("deny", "time { rm x; }"),
            ("deny", "time -p ! rm x"),
            ("deny", "time if ls; then rm x; fi"),
            ("deny", "function f { rm x; }"),
            ("deny", "coproc NAME { rm x; }"),
            ("deny", "cd rm; rm"),
            ("deny", "git push"),
            ("deny", "git push origin main"),
            ("deny", "git -C /repo push"),
            ("deny", "git -c a.b=c push"),
            ("deny", "git --git-dir=x --no-pager push"),
            ("deny", "git --git-dir x push"),
            ("deny", "GIT_DIR=x git push"),
            ("deny", "alias l='rm x'"),
            ("deny", "PROMPT_COMMAND='rm x' ls"),
            ("deny", "git status;rm x"),
            ("deny", "cd /tmp && rm x"),
            ("deny", "ls #\nrm x"),
            ("allow", "ls # rm x"),
            ("allow", "ls 'rm x'"),
        ],
    );
}

#[test]
fn a_denied_option_is_found_in_any_spelling() {
    hold(
        &[
            "allow Bash(git push:*)",
            "allow Bash(rm:*)",
            "deny Bash(git push --force:*)",
            "deny Bash(rm -rf:*)",
            r#"{"effect":"deny","command":"curl:*","args_any":["-k","--insecure","*.evil.org*"]}"#,
            "allow Bash(curl:*)",
        ],
        &[
            ("deny", "git push --force"),
            ("deny", "git push --forc origin"),
            ("deny", "git push origin --force"),
            ("deny", "git push -f"),
            ("deny", "git push -fn"),
            ("deny", "git push origin +main"),
            ("allow", "git push origin main"),
            ("deny", "rm -rf x"),
            ("deny", "rm -fr x"),
            ("deny", "rm -r -f x"),
            ("deny", "rm x -Rvf"),
            ("deny", "rm --recursive --force x"),
            ("allow", "rm -f x"),
            ("allow", "rm x"),
            ("deny", "curl -k https://a.org"),
            ("deny", "curl -sk https://a.org"),
            ("deny", "curl --insec https://a.org"),
            ("deny", "curl https://x.evil.org/"),
            ("allow", "curl -s https://a.org"),
        ],
    );
}

#[test]
fn whoever_decides_sees_characters_that_hide_something() {
    let rules = ready(rules(&["allow Bash(git push)"]));
    let shown = |command: &str| -> Vec<String> {
        let verdict = judge(&rules, &bash(command));
        assert_eq!(verdict.decision, Effect::Ask, "{command:?}");
        verdict.units.into_iter().map(|unit| unit.text).collect()
    };

    assert_eq!(shown("git push\u{1b}[2J"), ["git push\u{1b}[2J"]);
    assert_eq!(shown("ls; git \u{202e}hsup >a\u{7}b"), ["ls", "git \u{202e}hsup", "a\u{7}b"]);
    assert_eq!(shown("ls a\rrm b"), ["ls a\r", "rm b"]);
    // Each is shown as the whole where they cannot be told apart.
    assert_eq!(shown("\u{1b}; ls"), ["\u{1b}; ls"]);
}

#[test]
fn a_default_says_what_it_is_about_as_it_was_written() {
    let verdict = judge(&ready(Vec::new()), &bash("git push\u{1b}[2J"));

    assert!(verdict.reasons.iter().any(|why| why.contains("'git push\u{1b}[2J'")), "{verdict:?}");
}

#[test]
fn exact_patterns_are_exact() {
    hold(
        &["deny Bash(git push)", "allow Bash(git push:*)", "allow Bash(make)"],
        &[
            ("deny", "git push"),
            ("deny", "git -C x push"),
            ("allow", "git push origin main"),
            ("allow", "make"),
            ("ask", "make all"),
        ],
    );
}
