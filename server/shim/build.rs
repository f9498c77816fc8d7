//! Gives the crate its build id and links `cpd-shim` statically where that is possible.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Archives that the standard library asks the linker for on Linux with glibc.
const ARCHIVES: [&str; 6] = ["libc.a", "libm.a", "libdl.a", "librt.a", "libpthread.a", "libutil.a"];

fn main() -> io::Result<()> {
    let sources = ["src", "build.rs", "Cargo.toml", "../core/src"];
    for source in sources {
        println!("cargo:rerun-if-changed={source}");
    }
    println!("cargo:rustc-env=CODEPLANE_SHIM_BUILD_ID={}", build_id(&sources)?);
    println!("cargo:rerun-if-env-changed=CODEPLANE_SHIM_DYNAMIC");
    if is_static_wanted() {
        link_statically()?;
    }
    Ok(())
}

/// Version and a hash of every source that decides how shim and daemon talk.
fn build_id(sources: &[&str]) -> io::Result<String> {
    let mut files = Vec::new();
    for source in sources {
        collect(Path::new(source), &mut files)?;
    }
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        // The path tells apart the same text in two places.
        for byte in file.to_string_lossy().bytes().chain(fs::read(&file)?) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(format!("{}-{hash:016x}", env!("CARGO_PKG_VERSION")))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_path_buf());
    }
    Ok(())
}

fn is_static_wanted() -> bool {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && std::env::var("HOST") == std::env::var("TARGET")
        && std::env::var_os("CODEPLANE_SHIM_DYNAMIC").is_none()
}

/// A thousand idle shims are a thousand copies of whatever a process dirties when it starts. The
/// dynamic loader and the relocations of a position-independent executable are most of that, so
/// the shim is linked statically at a fixed address.
///
/// What this gives up is the randomised address of the *image*; stack, heap, mappings and vDSO
/// stay randomised. The shim parses two things from outside: messages of processes with its own
/// uid, in safe code with bounds checks, and its own files. What the program prints is copied,
/// never interpreted. No name service, locale or plug-in is used, which is what static glibc
/// cannot do.
///
/// Machines without the static archives (some distributions package them apart) get the ordinary
/// executable, which works the same.
fn link_statically() -> io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let directory = out.join("static");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    for archive in ARCHIVES {
        match find_archive(archive) {
            Some(path) => symlink(path, directory.join(archive))?,
            None => return Ok(()),
        }
    }
    // The unwinder: rustc asks for the shared `gcc_s`; its static form has another name.
    fs::write(directory.join("libgcc_s.a"), "GROUP ( -lgcc_eh -lgcc -lc )\n")?;
    if !links(&out) {
        return Ok(());
    }
    // The linker looks at directories in order and takes the archive where it finds no shared
    // library first, so these win although rustc asked for shared libraries.
    println!("cargo:rustc-link-arg-bin=cpd-shim=-L{}", directory.display());
    println!("cargo:rustc-link-arg-bin=cpd-shim=-static");
    println!("cargo:rustc-link-arg-bin=cpd-shim=-no-pie");
    Ok(())
}

fn find_archive(name: &str) -> Option<PathBuf> {
    let output = Command::new("cc").arg(format!("-print-file-name={name}")).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    // The compiler repeats the bare name when it does not know the file.
    (path.is_absolute() && path.exists()).then_some(path)
}

/// Whether a program can be linked this way at all; asked once, as the build must never depend on it.
fn links(out: &Path) -> bool {
    let source = out.join("probe.c");
    fs::write(&source, "int main(void) { return 0; }\n").is_ok()
        && Command::new("cc")
            .args(["-static", "-no-pie", "-o"])
            .arg(out.join("probe"))
            .arg(&source)
            .arg("-lgcc_eh")
            .output()
            .is_ok_and(|output| output.status.success())
}
