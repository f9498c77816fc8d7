//! Builds `hook-entry`, which must not depend on a dynamic loader: flags of linking hold for a whole build and not for one
//! program, so it is compiled by itself.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

const SOURCE: &str = "hook-entry/main.rs";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("hook-entry");
    let mut rustc = Command::new(env::var("RUSTC")?);
    rustc.args([SOURCE, "--edition", "2024", "--crate-name", "hook_entry", "--deny", "warnings"]);
    rustc.args(["--target", &env::var("TARGET")?, "-C", "target-feature=+crt-static"]);
    rustc.args(["-C", "opt-level=s", "-C", "panic=abort", "-C", "strip=symbols"]);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let built = rustc.arg("-o").arg(&out).status()?;
    if !built.success() {
        let hint = "is the static C library there (libc6-dev on Debian, glibc-static on Fedora)?";
        return Err(format!("{SOURCE} was not linked statically: {hint}").into());
    }
    Ok(())
}
