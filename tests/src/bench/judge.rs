//! The hooks that people write themselves: a script that posts the event to a small server, which judges,
//! keeps a record on disk and answers.
//!
//! The server does the least that can be called the same as Codeplane does: one comparison instead of
//! rules, one appended line instead of a hash chain, no identity of the caller.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
};

use serde_json::{Value, json};

use super::Result;

/// Commands that begin so may run.
const ALLOWED: &str = "git log";

/// `benchprog judge DIR`: serves on a port of loopback that it writes into `DIR/port`, and records in
/// `DIR/record`.
///
/// # Errors
/// If there is no port or no file.
pub fn serve(arguments: &[OsString]) -> Result<()> {
    let [directory] = arguments else { return Err("wrong number of arguments".into()) };
    let directory = Path::new(directory);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let record = Mutex::new(open(&directory.join("record"))?);
    let unfinished = directory.join("port.new");
    fs::write(&unfinished, listener.local_addr()?.port().to_string())?;
    fs::rename(unfinished, directory.join("port"))?;
    thread::scope(|scope| {
        for stream in listener.incoming() {
            let (stream, record) = (stream?, &record);
            scope.spawn(move || answer(&stream, record));
        }
        Ok(())
    })
}

/// `benchprog note RECORD`: a hook that judges by itself and asks nobody: what a durable answer costs at
/// least.
///
/// # Errors
/// Those of reading, recording and answering.
pub fn note(arguments: &[OsString]) -> Result<()> {
    let [record] = arguments else { return Err("wrong number of arguments".into()) };
    let mut event = Vec::new();
    io::stdin().lock().read_to_end(&mut event)?;
    let verdict = judge(&event, &Mutex::new(open(Path::new(record))?))?;
    Ok(writeln!(io::stdout(), "{verdict}")?)
}

fn open(record: &Path) -> Result<File> {
    Ok(File::options().create(true).append(true).open(record)?)
}

/// Reads one request and answers it.
fn answer(mut stream: &TcpStream, record: &Mutex<File>) -> Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
    }
    let mut event = vec![0; length];
    reader.read_exact(&mut event)?;
    let verdict = judge(&event, record)?;
    let length = verdict.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    Ok(stream
        .write_all(format!("{head}\r\nContent-Length: {length}\r\n\r\n{verdict}").as_bytes())?)
}

/// The verdict, once its record is on disk.
fn judge(event: &[u8], record: &Mutex<File>) -> Result<String> {
    let event: Value = serde_json::from_slice(event)?;
    let command = event["tool_input"]["command"].as_str().unwrap_or_default();
    let decision = if command.starts_with(ALLOWED) { "allow" } else { "deny" };
    let line = json!({"decision": decision, "tool": event["tool_name"], "command": command});
    {
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(record, "{line}")?;
        record.sync_data()?;
    }
    let output = json!({"hookEventName": "PreToolUse", "permissionDecision": decision});
    Ok(json!({"hookSpecificOutput": output}).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::asking;

    #[test]
    fn a_verdict_is_recorded_and_in_the_words_of_the_agent() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        let record = Mutex::new(open(&path).unwrap());
        let verdict = |command| judge(asking::event("a", 1, command).as_bytes(), &record);

        assert!(verdict(asking::ALLOWED).unwrap().contains("\"allow\""));
        assert!(verdict(asking::ASKED).unwrap().contains("\"deny\""));
        assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 2);
    }
}
