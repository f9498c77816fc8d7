// Static linking of one executable, for the build scripts of those that start often or in numbers.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Archives that the standard library asks the linker for on Linux with glibc.
const ARCHIVES: [&str; 6] = ["libc.a", "libm.a", "libdl.a", "librt.a", "libpthread.a", "libutil.a"];

/// Links the executable `binary` statically at a fixed address, where host and target are the same
/// Linux with glibc and its static archives are there; elsewhere it becomes an ordinary executable,
/// which works the same. `CODEPLANE_DYNAMIC` set in the environment forbids it.
pub(crate) fn link(binary: &str) -> io::Result<()> {
    println!("cargo:rerun-if-env-changed=CODEPLANE_DYNAMIC");
    if !is_wanted() {
        return Ok(());
    }
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
    println!("cargo:rustc-link-arg-bin={binary}=-L{}", directory.display());
    println!("cargo:rustc-link-arg-bin={binary}=-static");
    println!("cargo:rustc-link-arg-bin={binary}=-no-pie");
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

fn is_wanted() -> bool {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && std::env::var("HOST") == std::env::var("TARGET")
        && std::env::var_os("CODEPLANE_DYNAMIC").is_none()
}
