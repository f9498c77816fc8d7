//! Arguments that escalate by their form: words that are no options.

use super::super::command::is_long;
use super::{checkers, compilers, git};

/// Why the words from `spelled` on do more than they seem, by their form.
pub(super) fn odd(name: &str, argv: &[&str], spelled: usize) -> Option<String> {
    let from = spelled.max(1).min(argv.len());
    let free = &argv[from..];
    let plain = || argv[1..].iter().filter(|arg| !arg.starts_with('-'));
    let risky = match name {
        "make" | "gmake" | "ninja" => {
            free.iter().any(|arg| arg.contains('=') && !arg.starts_with('-'))
        }
        // It installs, and runs what packages say.
        "yarn" => free.iter().all(|arg| arg.starts_with('-') && !YARN_SHOWS.contains(arg)),
        "cargo" => is_odd_cargo(free, spelled) || is_odd_behind_cargo(argv, from),
        "tar" | "bsdtar" => is_odd_tar(free, from),
        "vim" => true,
        "less" | "more" => free.iter().any(|arg| arg.starts_with('+')),
        "uniq" | "xxd" | "json.tool" => plain().count() > 1,
        "date" => is_setting_date(free),
        "hostname" | "domainname" => plain().count() > 0,
        "ip" => free.iter().any(|arg| IP_CHANGES.contains(arg)),
        "service" => free.last().is_some_and(|last| !matches!(*last, "status" | "--status-all")),
        "sysctl" => free.iter().any(|arg| arg.contains('=')),
        "wget" => !writes_to_output(argv),
        "git" => git::has_odd_shape(argv, free),
        "curl" => is_odd_curl(free),
        "pytest" => is_odd_pytest(free),
        "cmake" => free.iter().any(|arg| names_a_program(arg)),
        "mvn" => compilers::is_odd_mvn(free),
        "gradle" => free.iter().any(|arg| arg.contains("org.gradle.")),
        "gcc" | "g++" | "cc" | "c++" | "clang" | "clang++" => compilers::is_odd_c(free),
        "rustc" | "mypy" => free.iter().any(|arg| arg.starts_with('@')),
        "latexmk" => checkers::is_odd_latexmk(free),
        "tsc" => compilers::is_odd_tsc(free),
        "eslint" => compilers::is_odd_eslint(free),
        "vitest" => compilers::is_odd_vitest(free),
        _ => false,
    };
    risky.then(|| format!("{name} runs a program or writes a file with these arguments"))
}

const YARN_SHOWS: &[&str] = &["--version", "-v", "--help", "-h"];

const IP_CHANGES: &[&str] = &[
    "set", "add", "del", "delete", "flush", "exec", "change", "replace", "append", "prepend",
    "attach", "detach",
];

/// A toolchain, or a project elsewhere: what it builds runs.
fn is_odd_cargo(free: &[&str], spelled: usize) -> bool {
    let leads_away = |path: &str| path.starts_with(['/', '~']) || path.contains("..");
    let own = free.split(|arg| *arg == "--").next().unwrap_or_default();
    let project = own.iter().enumerate().any(|(at, arg)| {
        let (option, glued) = arg.split_once('=').map_or((*arg, None), |(o, v)| (o, Some(v)));
        let value = glued.or_else(|| own.get(at + 1).copied());
        option.len() > 3 && is_long("--manifest-path", option) && value.is_some_and(leads_away)
    });
    project || (spelled < 2 && own.iter().any(|arg| arg.starts_with('+')))
}

/// What cargo hands on: to the tests, to rustfmt or to the compiler.
fn is_odd_behind_cargo(argv: &[&str], from: usize) -> bool {
    let Some(end) = argv.iter().position(|arg| *arg == "--") else { return false };
    let handed = &argv[(end + 1).max(from).min(argv.len())..];
    let has = |verb: &str| argv[1..end].contains(&verb);
    let is_file = |arg: &&str| {
        let name = arg.split('=').next().unwrap_or(arg);
        name.len() > 3 && (is_long("--logfile", name) || is_long("--print-config", name))
    };
    (has("clippy") && !only_lints(handed))
        || (["fmt", "test", "t", "bench"].into_iter().any(has) && handed.iter().any(is_file))
}

/// Whether a compiler gets nothing but what it should warn about.
fn only_lints(args: &[&str]) -> bool {
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let long = ["--warn", "--deny", "--allow", "--forbid", "--cap-lints"];
        let is_glued = |long: &&str| arg.strip_prefix(*long).is_some_and(|v| v.starts_with('='));
        match *arg {
            "-D" | "-W" | "-A" | "-F" => drop(rest.next()),
            "--no-deps" | "--verbose" | "-v" => {}
            arg if long.contains(&arg) => drop(rest.next()),
            _ if long.iter().any(is_glued) => {}
            arg if ["-D", "-W", "-A", "-F"].iter().any(|short| arg.starts_with(short)) => {}
            _ => return false,
        }
    }
    true
}

/// A report in a file, arguments in one, or a warning whose class is imported.
fn is_odd_pytest(free: &[&str]) -> bool {
    let is_class = |filter: &str| filter.split(':').nth(2).is_some_and(|name| name.contains('.'));
    let is_filter = |option: &str| {
        option == "--pythonwarnings" || (!option.starts_with("--") && option.ends_with('W'))
    };
    free.iter().enumerate().any(|(at, arg)| {
        let before = at.checked_sub(1).map_or("", |at| free[at]);
        let is_option = arg.starts_with('-');
        arg.starts_with('@')
            || (arg.starts_with("--cov-report=") && arg.contains(':'))
            || (before == "--cov-report" && arg.contains(':'))
            || ((is_option || (before.starts_with('-') && is_filter(before))) && is_class(arg))
    })
}

/// Letters without a dash, or an archive on another host, which is reached by a program.
fn is_odd_tar(free: &[&str], from: usize) -> bool {
    let letters = free.first().is_some_and(|arg| {
        from == 1 && !arg.starts_with('-') && arg.contains(['x', 'c', 'r', 'u', 'A', 'I', 'F', 'g'])
    });
    let remote = |arg: &&str| {
        let file = arg.split_once('=').map_or(*arg, |(_, value)| value);
        file.split_once(':').is_some_and(|(host, _)| !host.contains('/'))
    };
    letters || free.iter().any(remote)
}

/// A date that is neither a format nor the value of an option sets the clock.
fn is_setting_date(free: &[&str]) -> bool {
    let mut rest = free.iter();
    while let Some(arg) = rest.next() {
        match *arg {
            "-d" | "--date" | "-r" | "--reference" | "-f" | "--file" | "-I" => drop(rest.next()),
            arg if arg.starts_with(['-', '+']) => {}
            _ => return true,
        }
    }
    false
}

/// wget writes a file unless it is told not to.
fn writes_to_output(argv: &[&str]) -> bool {
    let nowhere =
        |value: Option<&&str>| matches!(value, Some(&"-" | &"/dev/null" | &"/dev/stdout"));
    argv.iter().enumerate().any(|(at, arg)| match *arg {
        "--spider" | "--version" | "--help" => true,
        "--output-document" => nowhere(argv.get(at + 1)),
        arg => {
            let long = arg.strip_prefix("--output-document=");
            let is_cluster = arg.starts_with('-') && !arg.starts_with("--");
            let short = if is_cluster { arg.split_once('O').map(|(_, value)| value) } else { None };
            match long.or(short) {
                Some("") => nowhere(argv.get(at + 1)),
                value => nowhere(value.as_ref()),
            }
        }
    })
}

/// A format that names files, or is in one.
fn is_odd_curl(free: &[&str]) -> bool {
    free.iter().enumerate().any(|(at, arg)| {
        let is_format = at > 0
            && (free[at - 1] == "--write-out"
                || (free[at - 1].starts_with('-') && free[at - 1].ends_with('w')));
        arg.contains("%output{")
            || (is_format && arg.starts_with('@'))
            || arg.starts_with("-w@")
            || arg.starts_with("--write-out=@")
    })
}

fn names_a_program(arg: &str) -> bool {
    ["_COMPILER", "_LAUNCHER", "TOOLCHAIN", "_PROGRAM", "_COMMAND", "INCLUDE"].iter().any(|part| {
        arg.split('=').next().is_some_and(|name| name.starts_with("-D") && name.contains(part))
    })
}
