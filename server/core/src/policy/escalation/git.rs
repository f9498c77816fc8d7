//! What is known of git.

use super::table::Row;

const fn git(
    verb: &'static str,
    short: &'static str,
    valued: &'static str,
    long: &'static [&'static str],
) -> Row {
    Row { program: "git", verb: Some(verb), short, valued, long, safe: &["--exec-batch"] }
}

const GIT_DIFF: &[&str] = &["--output", "--ext-diff", "--textconv"];

/// git by its options, before the sub-command and after it.
pub(super) const GIT: &[Row] = &[
    Row {
        program: "git",
        verb: None,
        short: "cp",
        valued: "cC",
        long: &[
            "--exec-path",
            "--config-env",
            "--git-dir",
            "--work-tree",
            "--paginate",
            "--super-prefix",
        ],
        safe: &[],
    },
    git("log", "", "nSGLO", GIT_DIFF),
    git("show", "", "nSGLO", GIT_DIFF),
    git("diff", "", "SGlO", GIT_DIFF),
    git("diff-tree", "", "SGlO", GIT_DIFF),
    git("diff-index", "", "SGlO", GIT_DIFF),
    git("whatchanged", "", "nSGLO", GIT_DIFF),
    git("reflog", "", "nSGLO", GIT_DIFF),
    git("stash", "", "m", GIT_DIFF),
    git("grep", "O", "efABCm", &["--open-files-in-pager", "--ext-grep", "--textconv"]),
    git("blame", "", "LS", GIT_DIFF),
    git("cat-file", "", "", &["--textconv", "--filters"]),
    git("archive", "o", "o", &["--output", "--exec", "--remote"]),
    git("fetch", "", "jo", &["--upload-pack"]),
    git("pull", "s", "jXso", &["--upload-pack", "--strategy", "--edit"]),
    git("ls-remote", "", "o", &["--upload-pack", "--exec"]),
    git(
        "clone",
        "cu",
        "cubjo",
        &["--config", "--upload-pack", "--template", "--recurse-submodules", "--recursive"],
    ),
    git("push", "", "o", &["--receive-pack", "--exec"]),
    git("init", "", "b", &["--template", "--separate-git-dir"]),
    git("rebase", "xis", "xsXC", &["--exec", "--interactive", "--strategy", "--edit-todo"]),
    git("merge", "es", "smXF", &["--strategy", "--edit"]),
    git("cherry-pick", "e", "mX", &["--strategy", "--edit", "--output"]),
    git("revert", "e", "mX", &["--strategy", "--edit", "--output"]),
    git(
        "branch",
        "u",
        "u",
        &["--edit-description", "--set-upstream-to", "--set-upstream", "--unset-upstream"],
    ),
    git("commit", "e", "mFCct", &["--edit"]),
    git("add", "ie", "", &["--interactive", "--edit"]),
    git("am", "i", "CpS", &["--interactive"]),
    git("tag", "e", "mFun", &["--edit"]),
    git("format-patch", "o", "ov", &["--output-directory", "--output"]),
    git("range-diff", "", "SGlO", GIT_DIFF),
    git("diff-files", "", "SGlO", GIT_DIFF),
    git("shortlog", "", "w", GIT_DIFF),
    git("annotate", "", "LS", GIT_DIFF),
    git("notes", "", "mFCc", &["--edit"]),
    git("bisect", "", "", &[]),
    git("apply", "", "pC", &["--unsafe-paths", "--build-fake-ancestor"]),
    git("difftool", "x", "xt", &["--extcmd", "--tool", "--output"]),
    git("mergetool", "", "tO", &["--tool"]),
    git("rev-list", "", "n", &["--output"]),
    git("fast-export", "", "MC", &["--output", "--export-marks", "--textconv"]),
    git("fast-import", "", "", &["--export-marks", "--export-pack-edges"]),
    git(
        "filter-branch",
        "",
        "d",
        &[
            "--setup",
            "--env-filter",
            "--tree-filter",
            "--index-filter",
            "--parent-filter",
            "--msg-filter",
            "--commit-filter",
            "--tag-name-filter",
            "--subdirectory-filter",
        ],
    ),
    git(
        "send-email",
        "",
        "",
        &["--smtp-server", "--to-cmd", "--cc-cmd", "--header-cmd", "--sendmail-cmd", "--compose"],
    ),
    git("fetch-pack", "", "", &["--exec", "--upload-pack"]),
    git("send-pack", "", "", &["--exec", "--receive-pack"]),
    git("daemon", "", "", &["--access-hook"]),
    git("instaweb", "db", "dbp", &["--httpd", "--browser"]),
    git("interpret-trailers", "", "", &["--in-place"]),
    git("replace", "e", "", &["--edit"]),
];

/// Ways of combining histories that are git's own: any other name is a program.
const STRATEGIES: &[&str] = &["ours", "recursive", "resolve", "octopus", "subtree", "ort"];

/// Whether the value of an option that names a strategy is one of git's own.
pub(super) fn is_own_strategy(value: Option<&str>) -> bool {
    value.is_some_and(|value| STRATEGIES.contains(&value))
}

/// Options of `git config` that only read, or say what is read.
const CONFIG_READS: &[&str] = &[
    "--get",
    "--get-all",
    "--get-regexp",
    "--get-urlmatch",
    "--get-color",
    "--get-colorbool",
    "--list",
    "-l",
];
const CONFIG_SCOPES: &[&str] = &[
    "--global",
    "--local",
    "--system",
    "--worktree",
    "--show-origin",
    "--show-scope",
    "--name-only",
    "--null",
    "-z",
    "--bool",
    "--int",
    "--path",
    "--includes",
    "--no-includes",
    "--all",
    "--regexp",
];

/// Whether the arguments of `git config` only read: an option that is not known does not.
pub(super) fn is_config_reading(args: &[&str]) -> bool {
    let is_known = |arg: &&str| {
        let name = arg.split('=').next().unwrap_or(arg);
        CONFIG_READS.contains(arg)
            || CONFIG_SCOPES.contains(arg)
            || ["--file", "--blob", "--type", "--default"].contains(&name) && arg.contains('=')
    };
    let (options, plain): (Vec<&str>, Vec<&str>) =
        args.iter().partition(|arg| arg.starts_with('-'));
    let reads = options.iter().any(|option| CONFIG_READS.contains(option))
        || matches!(plain.first(), Some(&"get" | &"list"))
        || (plain.len() == 1 && plain[0].contains('.'));
    reads && options.iter().all(is_known)
}

/// Arguments that make any sub-command run a program of somebody's choice.
pub(super) fn has_odd_shape(argv: &[&str], free: &[&str]) -> bool {
    let is_odd = |arg: &&str| {
        ["ext::", "fd::", "--upload-pack", "--receive-pack", "ProxyCommand", "://-"]
            .iter()
            .any(|odd| arg.contains(odd))
    };
    free.iter().any(is_odd) || (argv.contains(&"format-patch") && !argv.contains(&"--stdout"))
}
