//! Compiles the protos with protox, so that no protoc has to be installed.

use std::{env, error::Error, fs, path::PathBuf};

const PROTOS: [&str; 6] = [
    "codeplane/v1/options.proto",
    "codeplane/v1/state.proto",
    "codeplane/v1/session.proto",
    "codeplane/v1/terminal.proto",
    "codeplane/v1/event.proto",
    "codeplane/v1/server.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=codeplane");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(PROTOS)?;
    // Encoded by protox and not by prost: prost-types would drop our method options.
    fs::write(out.join("descriptor.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .bytes(".codeplane.v1")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
