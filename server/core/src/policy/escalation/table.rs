//! Options and sub-commands that make a harmless program run another, change configuration or
//! write a file. Data: one row a program or sub-command.

use super::builders::BUILDERS;
use super::checkers::CHECKERS;
use super::compilers::COMPILERS;
use super::git::GIT;

/// Raised with every change of a row.
pub const VERSION: u32 = 5;

/// What makes one program, or one sub-command of it, more than it seems.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Names of the program.
    pub(super) program: &'static str,
    /// Its sub-command; none: the program itself, before any sub-command.
    pub(super) verb: Option<&'static str>,
    /// Short options that escalate.
    pub(super) short: &'static str,
    /// Short options that take a value, so that a cluster ends there.
    pub(super) valued: &'static str,
    /// Long options that escalate, with their dashes; also whole words such as `-exec`.
    pub(super) long: &'static [&'static str],
    /// Long options of which an escalating one would be taken for an abbreviation.
    pub(super) safe: &'static [&'static str],
}

pub(super) const fn row(
    program: &'static str,
    short: &'static str,
    valued: &'static str,
    long: &'static [&'static str],
) -> Row {
    Row { program, verb: None, short, valued, long, safe: &[] }
}

impl Row {
    /// The same row, without these options, which only look like abbreviations of its own.
    pub(super) const fn but(self, safe: &'static [&'static str]) -> Self {
        Self { safe, ..self }
    }
}

/// What is known of one program.
pub(super) fn rows(program: &str) -> impl Iterator<Item = &'static Row> {
    [GIT, BUILDERS, COMPILERS, CHECKERS, TOOLS]
        .into_iter()
        .flatten()
        .filter(move |row| row.program == program)
}

/// Programs by their options.
const TOOLS: &[Row] = &[
    row(
        "find",
        "",
        "",
        &[
            "-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf",
            "-fls",
        ],
    ),
    row("fd", "xXl", "dtesEcjoS", &["--exec", "--exec-batch", "--list-details"]),
    row("fdfind", "xXl", "dtesEcjoS", &["--exec", "--exec-batch", "--list-details"]),
    row("rg", "z", "ABCEMdefgjmrtT", &["--pre", "--hostname-bin", "--search-zip"]),
    row("ag", "", "ABCGgmp", &["--pager"]),
    row("sort", "o", "oTkStS", &["--output", "--compress-program"]),
    row(
        "tar",
        "IFxcruAg",
        "fCTXbgHIFKLNV",
        &[
            "--checkpoint-action",
            "--use-compress-program",
            "--to-command",
            "--info-script",
            "--new-volume-script",
            "--rsh-command",
            "--rmt-command",
            "--extract",
            "--get",
            "--create",
            "--append",
            "--update",
            "--catenate",
            "--concatenate",
            "--delete",
            "--index-file",
            "--listed-incremental",
            "--volno-file",
        ],
    )
    .but(&["--list"]),
    row("bsdtar", "Ixcru", "fCTXbI", &["--use-compress-program", "--extract", "--create"]),
    row("sed", "if", "fel", &["--in-place", "--file"]),
    row(
        "awk",
        "fiElDWodp",
        "fvFiElW",
        &[
            "--file",
            "--include",
            "--exec",
            "--load",
            "--dump-variables",
            "--pretty-print",
            "--profile",
            "--debug",
        ],
    ),
    row(
        "gawk",
        "fiElDWodp",
        "fvFiElW",
        &[
            "--file",
            "--include",
            "--exec",
            "--load",
            "--dump-variables",
            "--pretty-print",
            "--profile",
            "--debug",
        ],
    ),
    row("mawk", "fW", "fvFW", &[]),
    row("nawk", "fW", "fvFW", &[]),
    row(
        "curl",
        "oOKDcJ",
        "oAbCdDeEFHhKmPQrtTuUwxXYyzc",
        &[
            "--output",
            "--output-dir",
            "--remote-name",
            "--remote-name-all",
            "--remote-header-name",
            "--config",
            "--dump-header",
            "--cookie-jar",
            "--trace",
            "--trace-ascii",
            "--stderr",
            "--libcurl",
            "--etag-save",
            "--hsts",
            "--alt-svc",
            "--engine",
            "--create-dirs",
            "--proto-redir-config",
            "--dump-ca-embed",
            "--unix-socket",
            "--abstract-unix-socket",
            "--expand-output",
            "--ssl-sessions",
        ],
    ),
    row(
        "wget",
        "OoaePib",
        "OoaePiUtTQ",
        &[
            "--output-document",
            "--output-file",
            "--append-output",
            "--execute",
            "--config",
            "--use-askpass",
            "--save-cookies",
            "--post-file",
            "--directory-prefix",
            "--warc-file",
            "--hsts-file",
            "--rejected-log",
            "--background",
            "--input-file",
            "--output-file",
        ],
    ),
    row(
        "rsync",
        "eM",
        "eBTfM",
        &[
            "--rsh",
            "--rsync-path",
            "--write-batch",
            "--only-write-batch",
            "--log-file",
            "--daemon",
            "--config",
            "--remote-option",
        ],
    ),
    row("scp", "SoFD", "SoFicJlPXD", &[]),
    row(
        "less",
        "oOkT",
        "oOkTpPtyDxzbhj",
        &["--log-file", "--LOG-FILE", "--lesskey-file", "--lesskey-src", "--lesskey-content"],
    ),
    row("man", "PHCX", "PCLmMSseRE", &["--pager", "--html", "--config-file", "--gxditview"]),
    row("vim", "cSsWwuUi", "cSsWwuUiTtr", &["--cmd", "--startuptime", "--servername"]),
    row("jq", "fL", "fL", &["--from-file", "--library-path", "--in-place"]),
    row("yq", "is", "", &["--inplace", "--in-place", "--split-exp", "--from-file"]),
    row("zip", "T", "", &["--unzip-command"]),
    row("date", "s", "dsrf", &["--set"]),
    row("hostname", "F", "F", &["--file"]),
    row("dmesg", "cCn", "", &["--clear"]),
    row("tree", "o", "oLPIo", &[]),
    row("xxd", "r", "cgls", &[]),
    row(
        "gpg",
        "o",
        "ou",
        &[
            "--output",
            "--photo-viewer",
            "--exec-path",
            "--agent-program",
            "--dirmngr-program",
            "--options",
        ],
    ),
    row(
        "openssl",
        "",
        "",
        &[
            "-out",
            "-keyout",
            "-writerand",
            "-sess_out",
            "-outdir",
            "-engine",
            "-provider",
            "-provider-path",
            "-config",
            "-CAcreateserial",
        ],
    ),
    row("diff", "l", "CFILUWxXS", &["--output", "--paginate"]),
    row("patch", "oer", "oprid", &["--output", "--ed", "--reject-file"]),
    row("split", "", "", &["--filter"]),
    row("shuf", "o", "on", &["--output"]),
    row("bat", "", "", &["--pager"]),
    row("delta", "", "", &["--pager"]),
    row("printf", "v", "v", &[]),
    row("ip", "bn", "bn", &["-batch", "-netns"]),
    row("tcpdump", "wzV", "wzVicrs", &[]),
    row("file", "Cm", "Cm", &["--compile", "--magic-file"]),
    row("cpio", "FOI", "FOIHRDEMC", &["--rsh-command", "--file"]),
    row("sdiff", "o", "oWwI", &["--output", "--diff-program"]),
    row("diff3", "", "L", &["--diff-program"]),
    row("http", "od", "o", HTTPIE),
    row("https", "od", "o", HTTPIE),
    row("xh", "od", "o", HTTPIE),
    row(
        "journalctl",
        "",
        "",
        &[
            "--vacuum-size",
            "--vacuum-time",
            "--vacuum-files",
            "--rotate",
            "--flush",
            "--setup-keys",
        ],
    ),
    row("sysctl", "wpf", "", &["--write", "--load", "--system"]),
    row("docker", "Hc", "Hcl", &["--config", "--host", "--context"]),
    verb("docker", "ps", "", "", &[]),
    row("podman", "c", "c", &["--config", "--url", "--connection", "--runtime", "--hooks-dir"]),
    verb("podman", "ps", "", "", &[]),
    row("docker-compose", "fH", "fHp", &["--file", "--host", "--project-directory", "--env-file"]),
    verb("docker-compose", "logs", "", "", &[]),
    row(
        "kubectl",
        "",
        "",
        &[
            "--kubeconfig",
            "--output-directory",
            "--cache-dir",
            "--profile-output",
            "--log-file",
            "--log-dir",
        ],
    )
    .but(&["--output"]),
    row("gh", "", "", &[]),
    verb("gh", "pr", "e", "BbtFLsAlHRjq", &["--web", "--editor"]),
    verb("gh", "issue", "e", "bFtLsAlmRjq", &["--web", "--editor"]),
    verb("gh", "repo", "w", "bLjq", &["--web"]),
    verb("gh", "run", "", "", &["--web"]),
    verb("gh", "release", "", "", &["--web"]),
    verb("gh", "search", "", "", &["--web"]),
];

const HTTPIE: &[&str] = &["--output", "--download", "--session"];

const fn verb(
    program: &'static str,
    verb: &'static str,
    short: &'static str,
    valued: &'static str,
    long: &'static [&'static str],
) -> Row {
    Row { program, verb: Some(verb), short, valued, long, safe: &[] }
}
