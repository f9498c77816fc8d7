//! What is known of compilers, of tools for documents and packages, and of modules of python.

use super::table::{Row, row};

/// Options that make a compiler of C run another program, load code or write elsewhere.
const C: &[&str] = &[
    "-wrapper",
    "-fplugin",
    "-specs",
    "--specs",
    "-MF",
    "-MJ",
    "-dumpdir",
    "-dumpbase",
    "-aux-info",
    "-Xlinker",
    "-Xassembler",
    "-Xpreprocessor",
    "-Xclang",
    "-load",
    "-fpass-plugin",
    "-fuse-ld",
    "--ld-path",
    "-fprofile-dir",
    "-fprofile-generate",
    "-fcrash-diagnostics-dir",
    "-resource-dir",
    "-serialize-diagnostics",
    "--serialize-diagnostics",
    "-index-store-path",
    "--config",
    "--gcc-toolchain",
    "--gcc-install-dir",
    "--output",
    "--prefix",
];

/// Compilers by their options.
pub(super) const COMPILERS: &[Row] = &[
    row("gcc", "", "", C),
    row("g++", "", "", C),
    row("cc", "", "", C),
    row("c++", "", "", C),
    row("clang", "", "", C),
    row("clang++", "", "", C),
    row(
        "rustc",
        "oCZL",
        "oCZLADFWl",
        &["--out-dir", "--emit", "--codegen", "--extern", "--sysroot"],
    ),
    row("terraform", "", "", &["-chdir", "-plugin-dir", "-out", "-state", "-state-out"]),
    row("pre-commit", "c", "c", &["--config"]),
    row("pip", "", "", PIP),
    row("pip3", "", "", PIP),
    row(
        "javac",
        "J",
        "",
        &[
            "-d",
            "-s",
            "-h",
            "-processor",
            "-processorpath",
            "--processor-path",
            "--processor-module-path",
        ],
    ),
    row("ld", "oT", "oTLlemuy", &["--output", "-plugin", "--plugin", "--script", "-Map"]),
    row("nm", "", "", &["--plugin"]),
    row("ar", "", "", &["--plugin"]),
    row("objdump", "", "", &["--plugin"]),
    row(
        "pandoc",
        "oFL",
        "oFLftTHBAV",
        &[
            "--output",
            "--filter",
            "--lua-filter",
            "--pdf-engine",
            "--pdf-engine-opt",
            "--extract-media",
            "--defaults",
            "--data-dir",
            "--log",
        ],
    ),
    row("latex", "", "", LATEX),
    row("pdflatex", "", "", LATEX),
    row("xelatex", "", "", LATEX),
    row("lualatex", "", "", LATEX),
    row("ctags", "fo", "fohILd", &["--options", "--optlib-dir", "--output-file"]),
    row("dot", "oO", "oTKGNEl", &[]),
    row("nmap", "oi", "oipgeDS", &["--script", "--script-args-file", "--datadir", "--servicedb"]),
    row("dpkg", "irPC", "", DPKG),
    row("black", "", "lt", &["--config"]),
    row("wait", "p", "p", &[]),
    row("cProfile", "o", "os", &["--outfile"]),
    row("profile", "o", "os", &["--outfile"]),
    row("trace", "fC", "fC", &["--file", "--coverdir"]),
    row("zipfile", "ec", "", &["--extract", "--create"]),
    row("tarfile", "ec", "", &["--extract", "--create"]),
    row("pydoc", "wpbn", "pn", &[]),
    row("pickletools", "o", "o", &["--output"]),
];

const LATEX: &[&str] = &[
    "-shell-escape",
    "--shell-escape",
    "-enable-write18",
    "--enable-write18",
    "-shell-restricted",
    "-output-directory",
    "--output-directory",
    "-cnf-line",
    "--cnf-line",
    "-fmt",
    "--fmt",
];
const DPKG: &[&str] = &[
    "--install",
    "--remove",
    "--purge",
    "--configure",
    "--unpack",
    "--pre-invoke",
    "--post-invoke",
    "--set-selections",
    "--root",
];
const PIP: &[&str] = &["--python", "--log", "--log-file", "--cache-dir"];

/// Arguments of a compiler of C that are more than options: words for the linker, a file of
/// arguments, an output or a directory of programs in the same word.
pub(super) fn is_odd_c(free: &[&str]) -> bool {
    let begins = ["@", "-Wl,", "-Wa,", "-Wp,", "-o", "-B", "-fdump-", "-save-temps=", "-fplugin-"];
    free.iter().any(|arg| begins.iter().any(|begin| arg.starts_with(begin)))
}

/// Options of tsc that write elsewhere or load code. It reads them in any case, behind one dash or
/// two (typescript, parseCommandLine).
pub(super) fn is_odd_tsc(free: &[&str]) -> bool {
    let odd = [
        "outdir",
        "outfile",
        "out",
        "declarationdir",
        "tsbuildinfofile",
        "generatetrace",
        "generatecpuprofile",
        "plugins",
        "init",
    ];
    let is_odd = |name: &str| odd.contains(&name.trim_start_matches('-').to_lowercase().as_str());
    free.iter().any(|arg| arg.starts_with('@') || (arg.starts_with('-') && is_odd(arg)))
}

/// Options of maven by which it takes its configuration or its code from elsewhere, or writes a log.
pub(super) fn is_odd_mvn(free: &[&str]) -> bool {
    let properties = ["-Djvm", "-Dmaven.ext.class.path", "-Dmaven.multiModuleProjectDirectory"];
    let plain = ["-fae", "-ff", "-fn", "-llr"];
    let short = |arg: &str| arg.starts_with("-f") || arg.starts_with("-s") || arg.starts_with("-l");
    free.iter().any(|arg| {
        ["exec", "antrun"].iter().any(|plugin| arg.contains(plugin))
            || properties.iter().any(|property| arg.starts_with(property))
            || (short(arg) && !plain.contains(arg))
    })
}

/// A formatter in a file, which eslint runs.
pub(super) fn is_odd_eslint(free: &[&str]) -> bool {
    let is_file = |name: &str| name.contains(['/', '.']);
    free.iter().enumerate().any(|(at, arg)| {
        let before = at.checked_sub(1).map_or("", |at| free[at]);
        let glued = ["--format=", "-f"].iter().find_map(|option| arg.strip_prefix(option));
        glued.is_some_and(is_file) || (matches!(before, "-f" | "--format") && is_file(arg))
    })
}

/// A pool of vitest that is a module, or a report in a file.
pub(super) fn is_odd_vitest(free: &[&str]) -> bool {
    free.iter().enumerate().any(|(at, arg)| {
        let before = at.checked_sub(1).map_or("", |at| free[at]);
        let pool = arg.strip_prefix("--pool=").or((before == "--pool").then_some(arg));
        arg.starts_with("--outputFile.") || pool.is_some_and(|pool| pool.contains(['/', '.']))
    })
}
