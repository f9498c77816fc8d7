//! `scripted-agent`: the program of the tests' sessions. It does what a test says, command by
//! command, so that no test needs tricks of a shell.
//!
//! Each argument is one command; the command `serve` takes further ones from the terminal, a line
//! each. [`COMMANDS`] is the reference.

mod act;
mod converse;
mod input;
mod knock;
mod processes;
mod relay;

use std::io;

pub use act::run_command;

/// All commands, as `scripted-agent help` prints them.
pub const COMMANDS: &str = "\
say TEXT            prints TEXT; \\e \\a \\n \\r \\t \\\\ and \\xHH stand for themselves
print BYTES SEED    prints that many bytes of the seeded stream (`codeplane_tests::stream`)
flood SEED          prints the seeded stream without end
converse SEED FILE  prints the seeded stream, a line now and then, while it reads into FILE; after
                    ctrl-d (4) it prints `over BYTES`: so many of the stream
count TO EVERY_MS   prints `CNT 00000001` and so on, a line each time
receive BYTES FILE  reads that many bytes into FILE, then prints `received SHA256`
echo                prints what it reads until ctrl-d (4)
ask TEXT MS FILE    prints TEXT and appends what comes back to FILE in hexadecimal, a line;
                    an answer is complete when nothing came for MS milliseconds
raw | cooked        sets the terminal's mode; raw keeps output processing, as agents do
size                prints `size COLSxROWS`
sizes N             prints `size COLSxROWS` at each of N changes
ignore SIGNAL       ignores TERM, HUP, INT, QUIT, …
daemonise FILE      leaves a process behind, two forks and a session away, its pid in FILE
aside A && B && …   runs commands in a process two forks and a session away
knock SOCKET FILE   makes every call of the API there, empty; a line in FILE for each: path, answer
relay DOOR SOCKET LOSE
                    passes on between whoever connects to DOOR and SOCKET; while there is a file
                    LOSE, nothing comes back, nor does it later over the same connection
child FILE          starts a process that holds the terminal, its pid in FILE
pid FILE            writes its own pid into FILE
touch FILE          creates FILE
await FILE          waits until FILE exists
env NAME            prints `NAME=value`, or `NAME unset`
cwd                 prints its working directory
sleep MS            waits
forever             waits without end
serve               prints `serving` and runs commands from the terminal until it ends
exit CODE           ends
die SIGNAL          sends itself a signal
";

/// Whether a program goes on after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// With the next command.
    Next,
    /// It ends with this code.
    Exit(u8),
}

/// Runs `commands` in order.
///
/// # Errors
/// Those of the first command that fails, or that does not exist.
pub fn run_script(commands: impl IntoIterator<Item = String>) -> io::Result<u8> {
    for command in commands {
        if let Step::Exit(code) = run_command(&command)? {
            return Ok(code);
        }
    }
    Ok(0)
}
