//! The session file of a bundle: what is needed to put a lost row back. No environment.

use codeplane_core::{
    Asks, HostId, Labels, Mandate, NewSession, PolicyName, SessionId, SessionName, TerminalSize,
    Timestamp,
};
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
    /// Names of the policies bound to it when it was created.
    #[serde(default)]
    policies: Vec<String>,
    #[serde(default)]
    workspace: String,
    #[serde(default)]
    directory: String,
    #[serde(default)]
    asks: String,
}

/// What a session file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// The session as it was asked for.
    pub(super) spec: NewSession,
    /// The request that asked for it: sent again, it must find this session.
    pub(super) request: Option<Mutation>,
    /// The policies bound to it when it was created.
    pub(super) policies: Vec<String>,
}

/// What is written when a session is created.
pub(super) fn encode(
    session: &NewSession,
    policies: &[PolicyName],
    request: Option<Mutation>,
) -> Vec<u8> {
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
        policies: policies.iter().map(ToString::to_string).collect(),
        workspace: session.mandate.workspace.clone(),
        directory: session.mandate.directory.clone(),
        asks: session.mandate.asks.as_str().to_owned(),
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
        cwd: file.cwd.clone(),
        size: TerminalSize::new(file.cols.into(), file.rows.into()).unwrap_or_default(),
        provider: file.provider,
        source: file.source,
        parent: file.parent.and_then(|id| id.parse().ok()),
        keep: file.keep,
        mandate: Mandate {
            workspace: given(file.workspace, &file.cwd),
            directory: given(file.directory, &file.cwd),
            // Nobody is told more by a file than a person is asked: it lies where programs of the
            // same user can write.
            allow: Vec::new(),
            asks: match Asks::parse(&file.asks) {
                Some(Asks::Denied) => Asks::Denied,
                Some(Asks::Person | Asks::Allowed) | None => Asks::Person,
            },
        },
        created_at: Timestamp::from_micros(file.created_at_us),
    };
    Some(Described { spec, request, policies: file.policies })
}

/// What the file of an older version does not say is as near as the rest of it can tell.
fn given(directory: String, cwd: &str) -> String {
    if directory.is_empty() { cwd.to_owned() } else { directory }
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
            mandate: Mandate {
                workspace: "/w/.git".to_owned(),
                directory: "/w".to_owned(),
                allow: Vec::new(),
                asks: Asks::Denied,
            },
            created_at: Timestamp::from_micros(42),
        };

        let request = Some(Mutation { id: RequestId::from_bytes([4; 16]), hash: RequestHash(5) });
        let policies = [PolicyName::new("ci").unwrap()];
        let described = |request| {
            let policies = vec!["ci".to_owned()];
            Some(Described { spec: session.clone(), request, policies })
        };
        assert_eq!(decode(&encode(&session, &policies, request)), described(request));
        assert_eq!(decode(&encode(&session, &policies, None)), described(None));
        assert_eq!(decode(b""), None);
        assert_eq!(decode(b"{}"), None);
    }

    #[test]
    fn a_session_file_lifts_no_limit() {
        let file = br#"{"id": "01010101-0101-4101-8101-010101010101", "labels": [],
            "host": "01010101-0101-4101-8101-010101010101", "command": ["sh"], "cwd": "/",
            "cols": 80, "rows": 24, "provider": "generic", "source": "cli", "keep": false,
            "created_at_us": 1, "asks": "allowed", "allow": ["Bash"]}"#;

        let mandate = decode(file).unwrap().spec.mandate;

        let (workspace, directory) = ("/".to_owned(), "/".to_owned());
        assert_eq!(mandate, Mandate { workspace, directory, ..Mandate::default() });
    }
}
