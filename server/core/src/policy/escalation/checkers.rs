//! What is known of testers, checkers, formatters and converters, each by its own manual.

use super::table::{Row, row};

/// Tools that look at code and documents, by their options.
pub(super) const CHECKERS: &[Row] = &[
    row("mocha", "r", "r", MOCHA),
    row("rspec", "roIO", "roIOfePt", &["--require", "--out", "--options", "--default-path"]),
    row("rubocop", "raAxoc", "rocf", RUBOCOP).but(&["--cache"]),
    row("phpunit", "cd", "cd", PHPUNIT).but(&["--testdox"]),
    row(
        "babel",
        "od",
        "odxf",
        &["--out-file", "--out-dir", "--plugins", "--presets", "--config-file"],
    ),
    row("esbuild", "", "", &["--outfile", "--outdir", "--metafile", "--serve", "--servedir"]),
    row("gofmt", "", "", &["-w", "-cpuprofile"]),
    row("gofumpt", "", "", &["-w", "-cpuprofile"]),
    row("goimports", "", "", &["-w", "-cpuprofile", "-memprofile"]),
    row("golangci-lint", "c", "c", GOLANGCI),
    row("ant", "", "", ANT),
    row("scons", "fCIY", "fCIYj", SCONS),
    row("bmake", "fCmI", "fCmIjdDVvTJ", &[]),
    row("latexmk", "", "", LATEXMK),
    row("ack", "", "", &["--pager", "--output", "--ackrc"]),
    row("fzf", "", "", FZF),
    row("mongo", "", "", &["--eval"]),
    row("mongosh", "f", "f", &["--eval", "--file"]),
    row("dc", "ef", "ef", &["--expression", "--file"]),
    row("xsltproc", "", "", &["-o", "-output", "-writesubtree"]),
    row("xmllint", "", "", &["-o", "-output", "-shell"]),
    row("tidy", "", "", TIDY),
    row("iconv", "o", "oft", &["--output"]),
    row("ssh-keygen", "Dw", "DwfCNPtb", &[]),
    row("iptables", "M", "tpsdijmM", &["--modprobe"]),
    row("ip6tables", "M", "tpsdijmM", &["--modprobe"]),
];

const MOCHA: &[&str] = &[
    "--require",
    "--file",
    "--import",
    "--loader",
    "--experimental-loader",
    "--config",
    "--package",
    "--node-option",
];

const RUBOCOP: &[&str] = &[
    "--require",
    "--plugin",
    "--autocorrect",
    "--auto-correct",
    "--autocorrect-all",
    "--auto-correct-all",
    "--fix-layout",
    "--out",
    "--config",
    "--auto-gen-config",
    "--regenerate-todo",
    "--init",
    "--cache-root",
];

const PHPUNIT: &[&str] = &[
    "--bootstrap",
    "--configuration",
    "--include-path",
    "--log-junit",
    "--log-teamcity",
    "--log-events-text",
    "--log-events-verbose-text",
    "--testdox-html",
    "--testdox-text",
    "--coverage-html",
    "--coverage-text",
    "--coverage-clover",
    "--coverage-xml",
    "--coverage-php",
    "--coverage-cobertura",
    "--coverage-crap4j",
    "--extension",
    "--printer",
    "--loader",
    "--generate-configuration",
    "--migrate-configuration",
    "--generate-baseline",
    "--cache-directory",
    "--cache-result-file",
];

const GOLANGCI: &[&str] =
    &["--fix", "--config", "--cpu-profile-path", "--mem-profile-path", "--trace-path"];

const ANT: &[&str] = &[
    "-f",
    "-file",
    "-buildfile",
    "-find",
    "-s",
    "-lib",
    "-logger",
    "-listener",
    "-inputhandler",
    "-main",
    "-logfile",
    "-l",
    "-propertyfile",
];

const SCONS: &[&str] = &[
    "--file",
    "--makefile",
    "--sconstruct",
    "--directory",
    "--include-dir",
    "--site-dir",
    "--repository",
    "--srcdir",
    "--profile",
];

const LATEXMK: &[&str] = &[
    "-e",
    "-r",
    "-shell-escape",
    "-outdir",
    "-auxdir",
    "-out2dir",
    "-output-directory",
    "-aux-directory",
    "-usepretex",
    "-pretex",
    "-print",
    "-new-viewer",
];

const FZF: &[&str] =
    &["--preview", "--bind", "--with-shell", "--history", "--listen", "--listen-unsafe"];

const TIDY: &[&str] = &[
    "-m",
    "-modify",
    "-im",
    "-mi",
    "-qm",
    "-mq",
    "-iqm",
    "-qim",
    "-o",
    "-output",
    "-output-file",
    "-f",
    "-file",
    "-config",
];

/// A command for one of the steps of latexmk.
pub(super) fn is_odd_latexmk(free: &[&str]) -> bool {
    let steps = ["latex", "pdflatex", "lualatex", "xelatex", "hilatex", "latexoption"];
    free.iter().any(|arg| {
        let step = arg.split_once('=').map(|(step, _)| step.trim_start_matches('-'));
        step.is_some_and(|step| steps.contains(&step))
    })
}
