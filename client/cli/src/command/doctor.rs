//! `cpctl doctor`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use codeplane_client::{Client, Error, v1, visible};
use v1::DoctorSeverity as Severity;

use super::version::CLIENT;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, FormatArgs};

/// Look for what is wrong and say what to do about it; works without a daemon
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cpctl doctor

Ends with 1 if something does not work.")]
pub(crate) struct Args {
    #[command(flatten)]
    output: FormatArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let mut checks = vec![
        directory("state directory", &context.directories.state),
        directory("runtime directory", &context.directories.runtime),
    ];
    match context.connect_only().await {
        Ok(client) => checks.extend(of_daemon(&client).await),
        Err(failure) => checks.push(no_daemon(&failure)),
    }
    match args.output.format {
        Format::Table => checks.iter().try_for_each(|check| output::line(&line(check)))?,
        format => output::messages(format, "DoctorCheck", &checks)?,
    }
    let broken = checks.iter().any(|check| check.severity() == Severity::Error);
    Ok(if broken { Exit::No } else { Exit::Done })
}

fn check(name: &str, severity: Severity, finding: String, remedy: &str) -> v1::DoctorCheck {
    let severity = severity.into();
    v1::DoctorCheck { name: name.to_owned(), severity, finding, remedy: remedy.to_owned() }
}

/// What the daemon will insist on, or what is there already.
fn directory(name: &str, path: &Path) -> v1::DoctorCheck {
    let shown = path.display();
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            check(name, Severity::Ok, format!("{shown} will be made"), "")
        }
        Err(error) => {
            check(name, Severity::Error, format!("{shown}: {error}"), "choose another directory")
        }
        Ok(facts) if !facts.is_dir() => {
            let finding = format!("{shown} is not a directory");
            check(name, Severity::Error, finding, "remove it, or choose another directory")
        }
        Ok(facts) if facts.uid() != nix::unistd::geteuid().as_raw() => {
            let finding = format!("{shown} belongs to uid {}", facts.uid());
            check(name, Severity::Error, finding, "choose another directory")
        }
        Ok(facts) if facts.mode() & 0o022 != 0 => {
            let finding = format!("{shown} can be written by others");
            check(name, Severity::Error, finding, &format!("chmod go-w {shown}"))
        }
        Ok(_) => check(name, Severity::Ok, shown.to_string(), ""),
    }
}

fn no_daemon(failure: &Failure) -> v1::DoctorCheck {
    if matches!(failure, Failure::Call(Error::NoDaemon { .. })) {
        let finding = "none answers".to_owned();
        return check("daemon", Severity::Warning, finding, "cpctl daemon start");
    }
    let finding = output::with_causes(failure);
    if matches!(failure, Failure::Call(Error::PermissionDenied { .. })) {
        // What to do is said there.
        return check("daemon", Severity::Error, finding, "");
    }
    check("daemon", Severity::Error, finding, "see 'cpctl daemon logs'")
}

async fn of_daemon(client: &Client) -> Vec<v1::DoctorCheck> {
    let info = match client.server_info().await {
        Ok(info) => info,
        Err(error) => return vec![no_daemon(&error.into())],
    };
    let running = format!("pid {}, version {}", info.pid, visible(&info.version));
    let mut checks = vec![if info.version == CLIENT {
        check("daemon", Severity::Ok, running, "")
    } else {
        let finding = format!("{running}, but this is cpctl {CLIENT}");
        check("daemon", Severity::Warning, finding, "cpctl daemon restart")
    }];
    match client.doctor().await {
        Ok(answer) => checks.extend(answer.checks),
        Err(error) => checks.push(no_daemon(&error.into())),
    }
    checks
}

fn line(check: &v1::DoctorCheck) -> String {
    let (word, colour) = match check.severity() {
        Severity::Ok => ("ok", "32"),
        Severity::Warning => ("warning", "33"),
        Severity::Error => ("error", "31"),
        Severity::Unspecified => ("unknown", "0"),
    };
    let padded = format!("{word:<8}");
    let word = if output::colours() { format!("\x1b[{colour}m{padded}\x1b[0m") } else { padded };
    let line = format!("{word} {}: {}", visible(&check.name), visible(&check.finding));
    if check.remedy.is_empty() { line } else { format!("{line}: {}", visible(&check.remedy)) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_is_examined_before_the_daemon_refuses_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        assert_eq!(super::directory("x", &path).severity(), Severity::Ok);

        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        let open = super::directory("x", &path);
        assert_eq!(open.severity(), Severity::Error);
        assert!(open.remedy.starts_with("chmod"), "{}", open.remedy);

        fs::remove_dir(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(super::directory("x", &path).severity(), Severity::Error);
    }
}
