//! Gives the crate its build id and links `cpd-shim` statically where that is possible.

#[path = "static_link.rs"]
mod static_link;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let sources = ["src", "build.rs", "static_link.rs", "Cargo.toml", "../core/src"];
    for source in sources {
        println!("cargo:rerun-if-changed={source}");
    }
    println!("cargo:rustc-env=CODEPLANE_SHIM_BUILD_ID={}", build_id(&sources)?);
    // A thousand idle shims are a thousand copies of whatever a process dirties when it starts. The
    // dynamic loader and the relocations of a position-independent executable are most of that, so
    // the shim is linked statically at a fixed address.
    //
    // What this gives up is the randomised address of the *image*; stack, heap, mappings and vDSO
    // stay randomised. The shim parses two things from outside: messages of processes with its own
    // uid, in safe code with bounds checks, and its own files. What the program prints is copied,
    // never interpreted. No name service, locale or plug-in is used, which is what static glibc
    // cannot do.
    //
    // Machines without the static archives (some distributions package them apart) get the ordinary
    // executable, which works the same.
    static_link::link("cpd-shim")?;
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
