//! What the agent does with processes and signals.

use std::{
    io,
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, raise, signal, sigprocmask},
    unistd::setsid,
};

use super::act::{await_file, bad, forever, print, write_whole};

/// Ignores a signal from here on.
#[allow(unsafe_code, reason = "setting a disposition is unsafe for handlers only")]
pub(super) fn ignore(name: &str) -> io::Result<()> {
    // SAFETY: no handler is installed, so none can do what a handler must not.
    unsafe { signal(named(name)?, SigHandler::SigIgn)? };
    Ok(())
}

/// Sends a signal to itself.
pub(super) fn die(name: &str) -> io::Result<()> {
    Ok(raise(named(name)?)?)
}

/// Calls `act` at each of `count` changes of the terminal's size.
pub(super) fn each_resize(count: u32, act: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let mut resize = SigSet::empty();
    resize.add(Signal::SIGWINCH);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&resize), None)?;
    print(b"watching\n")?;
    for _ in 0..count {
        resize.wait()?;
        act()?;
    }
    Ok(())
}

/// Leaves a process behind that nobody's process group, session or parent leads to.
pub(super) fn daemonise(pid_file: &str) -> io::Result<()> {
    let status = this_program().arg(format!("detach {pid_file}")).status()?;
    if status.success() { Ok(()) } else { Err(bad("it did not start")) }
}

/// The one between: leads a new session, starts the one that stays in it, and ends.
pub(super) fn detach(pid_file: &str) -> io::Result<()> {
    setsid()?;
    let mut process = this_program();
    process.arg(format!("linger {pid_file}"));
    process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    await_file(pid_file);
    Ok(())
}

/// Has commands, joined by ` && `, run by a process that nobody's process group, session or parent leads to.
pub(super) fn aside(command: &str) -> io::Result<()> {
    let status = this_program().arg(format!("beside {command}")).status()?;
    if status.success() { Ok(()) } else { Err(bad("it did not start")) }
}

/// The one between: leads a new session, starts the one that stays in it, and ends.
pub(super) fn beside(command: &str) -> io::Result<()> {
    setsid()?;
    let mut process = this_program();
    process
        .args(command.split(" && "))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(())
}

/// Starts a process that keeps our terminal open.
pub(super) fn child(pid_file: &str) -> io::Result<()> {
    this_program().args(["ignore HUP", &format!("linger {pid_file}")]).spawn()?;
    await_file(pid_file);
    Ok(())
}

/// Says who it is and stays.
pub(super) fn linger(pid_file: &str) -> io::Result<()> {
    write_whole(pid_file, &std::process::id().to_string())?;
    forever()
}

fn this_program() -> Command {
    Command::new("/proc/self/exe")
}

fn named(name: &str) -> io::Result<Signal> {
    let name = name.trim().trim_start_matches("SIG");
    format!("SIG{name}").parse().map_err(|_| bad(&format!("no signal {name:?}")))
}
