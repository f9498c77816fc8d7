//! Programs that run programs in a language of their own: where they take them from.

use super::command::base_name;
use super::names::SHELLS;
use super::programs::is_evaluator;

/// How the options of an interpreter are read.
struct Interpreter {
    /// Its name; digits and dots may follow.
    name: &'static str,
    /// Short options that give the program, or make it read one.
    program: &'static str,
    /// Short options with a value, in the same word or the next.
    valued: &'static str,
}

const fn known(name: &'static str, program: &'static str, valued: &'static str) -> Interpreter {
    Interpreter { name, program, valued }
}

/// The options of shells.
const SHELL: Interpreter = known("sh", "csC", "oO");

const INTERPRETERS: &[Interpreter] = &[
    known("python", "ci", "WXQ"),
    known("pypy", "ci", "WXQ"),
    known("ipython", "ci", ""),
    known("node", "epi", "rC"),
    known("nodejs", "epi", "rC"),
    known("tsx", "epi", "rC"),
    known("ts-node", "epi", "rPDO"),
    known("deno", "", ""),
    known("bun", "ep", "r"),
    known("perl", "eEdF", "I"),
    known("ruby", "eS", "IrECX"),
    known("irb", "", "Ir"),
    known("pry", "e", "Ir"),
    known("php", "rBREFa", "dcztSf"),
    known("lua", "ei", "l"),
    known("luajit", "ei", "lj"),
    known("Rscript", "e", ""),
    known("R", "e", "f"),
    known("osascript", "e", "l"),
    known("pwsh", "cCeE", ""),
    known("tclsh", "", ""),
    known("wish", "", ""),
    known("expect", "ci", ""),
    known("julia", "eEi", "LJ"),
    known("ghc", "e", ""),
    known("ghci", "e", ""),
    known("runghc", "e", ""),
    known("groovy", "e", ""),
    known("scala", "e", ""),
    known("swift", "e", "I"),
    known("elixir", "e", "r"),
    known("iex", "e", "r"),
    known("erl", "e", ""),
    known("guile", "ce", "lL"),
    known("racket", "ei", "l"),
    known("sbcl", "", ""),
    known("clojure", "eM", ""),
    known("clj", "eM", ""),
    known("bb", "e", ""),
    known("coffee", "e", "r"),
    known("ocaml", "e", "I"),
    known("octave", "", ""),
    known("nu", "ce", ""),
    known("xonsh", "ci", ""),
    known("elvish", "c", ""),
    known("sqlite3", "", ""),
    known("psql", "", ""),
    known("mysql", "", ""),
];

/// Long options that give the program.
const PROGRAM_OPTIONS: &[&str] = &[
    "eval",
    "print",
    "command",
    "execute",
    "run",
    "code",
    "init-command",
    "interactive",
    "process-begin",
    "process-code",
    "process-end",
];

/// Long options whose value is the next word.
const VALUED_OPTIONS: &[&str] = &[
    "rcfile",
    "init-file",
    "require",
    "import",
    "loader",
    "experimental-loader",
    "conditions",
    "check-hash-based-pycs",
    "env-file",
    "title",
];

/// Long options without a value; of any other, the next word may be the value.
const PLAIN_OPTIONS: &[&str] = &[
    "inspect",
    "inspect-brk",
    "watch",
    "check",
    "test",
    "no-warnings",
    "enable-source-maps",
    "expose-gc",
    "trace-warnings",
    "trace-deprecation",
    "throw-deprecation",
    "no-deprecation",
    "experimental-strip-types",
    "experimental-vm-modules",
    "experimental-modules",
    "preserve-symlinks",
    "posix",
    "norc",
    "noprofile",
    "login",
    "verbose",
    "allow-all",
];

/// Modules of python that run what they are told or fed.
const READING_MODULES: &[&str] = &["code", "timeit", "asyncio", "IPython", "pdb", "idlelib"];

/// Whether a command runs scripts in a language of its own.
pub(crate) fn is_interpreter(command: &str) -> bool {
    interpreter(base_name(command)).is_some()
}

fn interpreter(name: &str) -> Option<&'static Interpreter> {
    if SHELLS.contains(&name) {
        return Some(&SHELL);
    }
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    INTERPRETERS.iter().find(|known| known.name == name || known.name == stem)
}

/// What one argument says of where the program comes from.
enum Says<'a> {
    /// From a module of this name; empty: the next word.
    Module(&'a str),
    /// From this argument, the next one or the input.
    Program,
    /// From a file, or there is none.
    File,
    Nothing,
    /// Nothing, and the next word belongs to it.
    TakesNext,
    /// Nothing, but the next word may belong to it.
    MayTakeNext,
}

/// Whether a command takes its program from an argument or its input.
pub(crate) fn takes_program(argv: &[&str]) -> bool {
    let Some((command, args)) = argv.split_first() else { return false };
    if is_evaluator(command) {
        return true;
    }
    let name = base_name(command);
    let Some(known) = interpreter(name) else { return false };
    if let Some(takes) = by_verb(name, args) {
        return takes;
    }
    let mut rest = args.iter();
    let mut file = false;
    let mut may_be_value = false;
    while let Some(arg) = rest.next() {
        match says(arg, known, name, args.len()) {
            Says::Program => return true,
            Says::Module(module) => {
                let module = if module.is_empty() { rest.next().copied() } else { Some(module) };
                return module.is_none_or(|module| READING_MODULES.contains(&module));
            }
            Says::File if *arg == "--" => return rest.next().is_none_or(|file| is_input(file)),
            // After an option that is not known, this may be its value: what follows counts too.
            Says::File if std::mem::take(&mut may_be_value) => file = true,
            Says::File => return false,
            Says::Nothing => file |= *arg == "--test",
            Says::TakesNext => {
                if rest.next().is_some_and(|value| is_remote(value)) {
                    return true;
                }
            }
            Says::MayTakeNext => may_be_value = true,
        }
    }
    !file
}

/// Where the script stands that an interpreter runs; none: nobody can tell.
pub(crate) fn script(argv: &[&str]) -> Option<usize> {
    let name = base_name(argv.first()?);
    let known = interpreter(name)?;
    let mut at = 1;
    while let Some(arg) = argv.get(at) {
        match says(arg, known, name, argv.len() - 1) {
            Says::File => return Some(at),
            Says::Program | Says::Module(_) | Says::MayTakeNext => return None,
            Says::TakesNext => at += 2,
            Says::Nothing => at += 1,
        }
    }
    None
}

/// The module that python runs, and which word names it.
pub(crate) fn module<'a>(argv: &[&'a str]) -> Option<(usize, &'a str)> {
    let name = base_name(argv.first()?);
    let known = interpreter(name).filter(|known| known.name.starts_with("py"))?;
    let mut at = 1;
    while let Some(arg) = argv.get(at) {
        match says(arg, known, name, argv.len() - 1) {
            Says::Module("") => return argv.get(at + 1).map(|module| (at + 1, *module)),
            Says::Module(module) => return Some((at, module)),
            Says::Program => return None,
            Says::File if *arg == "--" => return None,
            Says::TakesNext => at += 2,
            // A word that may be the value of an option before it is gone past.
            Says::File | Says::Nothing | Says::MayTakeNext => at += 1,
        }
    }
    None
}

fn says<'a>(arg: &'a str, known: &Interpreter, name: &str, count: usize) -> Says<'a> {
    let begins_option = arg.starts_with('-') || (arg.starts_with('+') && SHELLS.contains(&name));
    if arg == "--" {
        return Says::File;
    }
    if !begins_option || arg == "-" {
        return if is_input(arg) || (name != "php" && is_remote_script(arg, name)) {
            Says::Program
        } else {
            Says::File
        };
    }
    if is_remote(arg) {
        return Says::Program;
    }
    if is_information(arg, name, count) {
        return Says::File;
    }
    arg.strip_prefix("--").map_or_else(|| cluster(arg, known, name), long)
}

fn long(option: &str) -> Says<'_> {
    let (name, value) = option.split_once('=').map_or((option, None), |(n, v)| (n, Some(v)));
    let gives = |known: &&str| known.starts_with(name) || name.starts_with(*known);
    if PROGRAM_OPTIONS.iter().any(gives) {
        Says::Program
    } else if value.is_some() || PLAIN_OPTIONS.contains(&name) {
        Says::Nothing
    } else if VALUED_OPTIONS.contains(&name) {
        Says::TakesNext
    } else {
        Says::MayTakeNext
    }
}

fn cluster<'a>(arg: &'a str, known: &Interpreter, name: &str) -> Says<'a> {
    // `-M'POSIX; …'` is text of a program.
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "-_:=,.".contains(c));
    if name.starts_with("perl") && arg.starts_with(['-']) && arg[1..].starts_with(['M', 'm']) {
        return if arg.contains(odd) { Says::Program } else { Says::Nothing };
    }
    for (at, letter) in arg.char_indices().skip(1) {
        let glued = &arg[at + letter.len_utf8()..];
        if known.program.contains(letter) {
            return Says::Program;
        }
        if letter == 'm' && name.starts_with("py") {
            return Says::Module(glued);
        }
        if name == "php" && letter == 'f' {
            return Says::File;
        }
        if known.valued.contains(letter) {
            return if glued.is_empty() { Says::TakesNext } else { Says::Nothing };
        }
    }
    Says::Nothing
}

/// Programs whose first word may be a sub-command.
fn by_verb(name: &str, args: &[&str]) -> Option<bool> {
    let verb = *args.first()?;
    match name {
        "deno" | "bun" => Some(match verb {
            "eval" | "repl" | "-" | "-e" | "--eval" | "-p" | "--print" | "exec" | "x" => true,
            "run" => args[1..]
                .iter()
                .find(|arg| !arg.starts_with('-') || **arg == "-")
                .is_none_or(|file| is_input(file) || is_remote(file)),
            verb => is_remote(verb),
        }),
        "node" | "nodejs" if verb == "inspect" => Some(true),
        _ => None,
    }
}

fn is_input(file: &str) -> bool {
    file == "-" || file.starts_with("/dev/") || file.starts_with("/proc/")
}

/// Whether a word holds or names a program that is no file here.
fn is_remote(word: &str) -> bool {
    word.contains("data:") || word.contains("://") || word.contains("auto_prepend_file")
}

fn is_remote_script(word: &str, name: &str) -> bool {
    matches!(name, "deno" | "bun" | "tsx") && is_remote(word)
}

fn is_information(arg: &str, name: &str, count: usize) -> bool {
    count == 1
        && (matches!(arg, "--version" | "--help")
            || (arg == "-V" && (name.starts_with("py") || name == "perl"))
            || (arg == "-VV" && name.starts_with("py"))
            || (arg == "-v"
                && matches!(
                    name,
                    "node" | "nodejs" | "ruby" | "perl" | "php" | "lua" | "deno" | "bun"
                ))
            || (arg == "-h" && (matches!(name, "node" | "nodejs") || name.starts_with("py"))))
}
