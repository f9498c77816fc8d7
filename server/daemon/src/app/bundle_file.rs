//! The session file of a bundle: what is needed to put a lost row back. No environment.

use codeplane_core::{HostId, Labels, NewSession, SessionId, SessionName, TerminalSize, Timestamp};
use serde::{Deserialize, Serialize};

use super::request::{Mutation, RequestHash};

/// The file's content. Fields are only ever added, each with a default.
#[derive(Debug, Serialize, Deserialize)]
struct SessionFile {
    id: String,
    host: String,
    name: Option<String>,
    labels: Vec<(String, String)>,
    command: Vec<String>,
    cwd: String,
    cols: u16,
    rows: u16,
    provider: String,
    source: String,
    parent: Option<String>,
    keep: bool,
    created_at_us: i64,
    /// Id and hash of the request that it was created by.
    #[serde(default)]
    request: Option<(String, u64)>,
}

/// What a session file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// The session as it was asked for.
    pub(super) spec: NewSession,
    /// The request that asked for it: sent again, it must find this session.
    pub(super) request: Option<Mutation>,
}

/// What is written when a session is created.
pub(super) fn encode(session: &NewSession, request: Option<Mutation>) -> Vec<u8> {
    let file = SessionFile {
        id: session.id.to_string(),
        host: session.host.to_string(),
        name: session.name.as_ref().map(ToString::to_string),
        labels: session.labels.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        command: session.command.clone(),
        cwd: session.cwd.clone(),
        cols: session.size.cols(),
        rows: session.size.rows(),
        provider: session.provider.clone(),
        source: session.source.clone(),
        parent: session.parent.map(|id| id.to_string()),
        keep: session.keep,
        created_at_us: session.created_at.as_micros(),
        request: request.map(|request| (request.id.to_string(), request.hash.0)),
    };
    // Strings and numbers always encode.
    serde_json::to_vec(&file).unwrap_or_default()
}

/// Reads it back; none if it is not a session file.
pub(super) fn decode(content: &[u8]) -> Option<Described> {
    let file: SessionFile = serde_json::from_slice(content).ok()?;
    let request = file
        .request
        .and_then(|(id, hash)| Some(Mutation { id: id.parse().ok()?, hash: RequestHash(hash) }));
    let spec = NewSession {
        id: file.id.parse::<SessionId>().ok()?,
        host: file.host.parse::<HostId>().ok()?,
        name: file.name.and_then(|name| SessionName::new(&name).ok()),
        labels: Labels::kept(file.labels),
        command: file.command,
        cwd: file.cwd,
        size: TerminalSize::new(file.cols.into(), file.rows.into()).unwrap_or_default(),
        provider: file.provider,
        source: file.source,
        parent: file.parent.and_then(|id| id.parse().ok()),
        keep: file.keep,
        created_at: Timestamp::from_micros(file.created_at_us),
    };
    Some(Described { spec, request })
}

#[cfg(test)]
mod tests {
    use codeplane_core::RequestId;

    use super::*;

    #[test]
    fn a_session_file_reads_back() {
        let session = NewSession {
            id: SessionId::from_bytes([1; 16]),
            host: HostId::from_bytes([2; 16]),
            name: SessionName::new("build").ok(),
            labels: Labels::new([("team".to_owned(), "x".to_owned())]).unwrap(),
            command: vec!["sh".to_owned(), "-c".to_owned(), "exit 3".to_owned()],
            cwd: "/tmp".to_owned(),
            size: TerminalSize::new(120, 30).unwrap(),
            provider: "generic".to_owned(),
            source: "cli".to_owned(),
            parent: Some(SessionId::from_bytes([3; 16])),
            keep: true,
            created_at: Timestamp::from_micros(42),
        };

        let request = Some(Mutation { id: RequestId::from_bytes([4; 16]), hash: RequestHash(5) });
        let described = |request| Some(Described { spec: session.clone(), request });
        assert_eq!(decode(&encode(&session, request)), described(request));
        assert_eq!(decode(&encode(&session, None)), described(None));
        assert_eq!(decode(b""), None);
        assert_eq!(decode(b"{}"), None);
    }
}
