//! The commands.

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
    thread,
    time::Duration,
};

use rustix::termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr};

use super::{COMMANDS, Step, converse::converse, input, knock, processes, relay};
use crate::{Stream, cook_output, pause};

/// Runs one command.
///
/// # Errors
/// If the command does not exist, its arguments are wrong, or what it does fails.
pub fn run_command(line: &str) -> io::Result<Step> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb {
        "exit" => return Ok(Step::Exit(number(rest)?)),
        "serve" => return input::serve(),
        "say" => print(&unescape(rest)?)?,
        "print" | "flood" | "count" => print_much(verb, rest)?,
        "receive" | "echo" | "ask" => listen(verb, rest)?,
        "raw" => cook_output(io::stdin())?,
        "cooked" => cooked()?,
        "size" => print_size()?,
        "sizes" => processes::each_resize(number(rest)?, print_size)?,
        "ignore" => processes::ignore(rest)?,
        "daemonise" => processes::daemonise(rest)?,
        "child" => processes::child(rest)?,
        "detach" => processes::detach(rest)?,
        "aside" => processes::aside(rest)?,
        "beside" => processes::beside(rest)?,
        "converse" => match words(rest).as_slice() {
            [seed, file] => converse(number(seed)?, Path::new(file))?,
            _ => return Err(bad("wrong number of arguments")),
        },
        "knock" => knock_at(rest)?,
        "relay" => match words(rest).as_slice() {
            [door, socket, lose] => relay::relay(door, socket, lose)?,
            _ => return Err(bad("wrong number of arguments")),
        },
        "linger" => processes::linger(rest)?,
        "die" => processes::die(rest)?,
        "pid" => write_whole(rest, &std::process::id().to_string())?,
        "touch" => write_whole(rest, "")?,
        "await" => await_file(rest),
        "env" => print_variable(rest)?,
        "cwd" => print(format!("{}\n", env::current_dir()?.display()).as_bytes())?,
        "sleep" => pause(Duration::from_millis(number(rest)?)),
        "forever" => forever(),
        "help" => print(COMMANDS.as_bytes())?,
        unknown => return Err(bad(&format!("no command {unknown:?}; try `help`"))),
    }
    Ok(Step::Next)
}

/// Writes all of `bytes` to the terminal.
pub(super) fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes a file that is there either completely or not at all.
pub(super) fn write_whole(path: impl AsRef<Path>, text: &str) -> io::Result<()> {
    let path = path.as_ref();
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, path)
}

pub(super) fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.to_owned())
}

fn print_much(verb: &str, rest: &str) -> io::Result<()> {
    match (verb, words(rest).as_slice()) {
        ("print", [bytes, seed]) => print_stream(number(bytes)?, number(seed)?),
        ("flood", [seed]) => print_stream(usize::MAX, number(seed)?),
        ("count", [to, every_ms]) => {
            let every = Duration::from_millis(number(every_ms)?);
            (1..=number::<u64>(to)?).try_for_each(|count| {
                print(format!("CNT {count:08}\n").as_bytes())?;
                pause(every);
                Ok(())
            })
        }
        _ => Err(bad("wrong number of arguments")),
    }
}

fn listen(verb: &str, rest: &str) -> io::Result<()> {
    if verb == "echo" {
        return input::echo();
    }
    // The text comes first and may contain blanks; what follows it does not.
    let mut from_right = rest.rsplitn(if verb == "ask" { 3 } else { 2 }, ' ');
    match (verb, from_right.next(), from_right.next(), from_right.next()) {
        ("receive", Some(file), Some(bytes), None) => {
            let digest = input::receive(number(bytes)?, Path::new(file))?;
            print(format!("received {digest}\n").as_bytes())
        }
        ("ask", Some(file), Some(quiet_ms), Some(text)) => {
            let quiet = Duration::from_millis(number(quiet_ms)?);
            input::ask(&unescape(text)?, quiet, Path::new(file))
        }
        _ => Err(bad("wrong number of arguments")),
    }
}

fn knock_at(rest: &str) -> io::Result<()> {
    match words(rest).as_slice() {
        [socket, file] => write_whole(file, &knock::every_call(socket)?),
        _ => Err(bad("wrong number of arguments")),
    }
}

fn print_stream(mut len: usize, seed: u64) -> io::Result<()> {
    let mut source = Stream::new(seed);
    let mut buffer = vec![0; 64 * 1024];
    while len > 0 {
        let piece = len.min(buffer.len());
        source.fill(&mut buffer[..piece]);
        print(&buffer[..piece])?;
        len -= piece;
    }
    Ok(())
}

fn cooked() -> io::Result<()> {
    let mut modes = tcgetattr(io::stdin())?;
    modes.local_modes |= rustix::termios::LocalModes::ICANON
        | rustix::termios::LocalModes::ECHO
        | rustix::termios::LocalModes::ISIG;
    modes.input_modes |= rustix::termios::InputModes::ICRNL;
    Ok(tcsetattr(io::stdin(), OptionalActions::Now, &modes)?)
}

fn print_size() -> io::Result<()> {
    let size = tcgetwinsize(io::stdin())?;
    print(format!("size {}x{}\n", size.ws_col, size.ws_row).as_bytes())
}

fn print_variable(name: &str) -> io::Result<()> {
    let line =
        env::var(name).map_or(format!("{name} unset\n"), |value| format!("{name}={value}\n"));
    print(line.as_bytes())
}

pub(super) fn await_file(path: &str) {
    while !Path::new(path).exists() {
        pause(Duration::from_millis(5));
    }
}

pub(super) fn forever() -> ! {
    loop {
        thread::park();
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn number<T: std::str::FromStr>(text: &str) -> io::Result<T> {
    text.parse().map_err(|_| bad(&format!("{text:?} is no such number")))
}

fn unescape(text: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        if char != '\\' {
            bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match rest.next() {
            Some('e') => 0x1b,
            Some('a') => 7,
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).map_err(|_| bad("\\x needs two digits"))?
            }
            other => return Err(bad(&format!("unknown escape {other:?}"))),
        });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_bytes() {
        assert_eq!(unescape(r"a\e[31m\x00é\\").unwrap(), b"a\x1b[31m\x00\xc3\xa9\\");
    }

    #[test]
    fn an_unknown_command_is_an_error() {
        assert!(run_command("dance").unwrap_err().to_string().contains("dance"));
    }
}
