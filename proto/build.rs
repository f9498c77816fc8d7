//! Compiles the protos with protox, so that no protoc has to be installed.

use std::{env, error::Error, fmt::Write, fs, path::PathBuf};

use prost_reflect::{DescriptorPool, Value};

const PROTOS: [&str; 12] = [
    "codeplane/v1/options.proto",
    "codeplane/v1/state.proto",
    "codeplane/v1/session.proto",
    "codeplane/v1/terminal.proto",
    "codeplane/v1/event.proto",
    "codeplane/v1/server.proto",
    "codeplane/v1/hook.proto",
    "codeplane/v1/approval.proto",
    "codeplane/v1/audit.proto",
    "codeplane/v1/policy.proto",
    "codeplane/v1/policy_types.proto",
    "codeplane/v1/decision.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=codeplane");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(PROTOS)?;
    // Encoded by protox and not by prost: prost-types would drop our method options.
    fs::write(out.join("descriptor.bin"), compiler.encode_file_descriptor_set())?;
    fs::write(out.join("roles.rs"), required_roles(&compiler.descriptor_pool())?)?;
    tonic_prost_build::configure()
        .bytes(".codeplane.v1")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// The authorisation table: the `required_role` of every method, as a Rust array.
fn required_roles(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let option =
        pool.get_extension_by_name("codeplane.v1.required_role").ok_or("no such option")?;
    let mut table = "&[".to_owned();
    for service in pool.services() {
        for method in service.methods() {
            let role = match method.options().get_extension(&option).as_ref() {
                Value::EnumNumber(role) if *role != 0 => *role,
                _ => return Err(format!("{} has no required_role", method.full_name()).into()),
            };
            let path = format!("/{}/{}", service.full_name(), method.name());
            write!(table, "({path:?}, role({role})),")?;
        }
    }
    table.push(']');
    Ok(table)
}
