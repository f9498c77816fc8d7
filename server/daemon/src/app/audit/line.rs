//! The lines of an export and of a file of checkpoints: JSON, one object a line.

use codeplane_core::audit::{
    AuditPublicKey, AuditSeq, ChainHash, Checkpoint, Statement, StoredRecord, parse_signature,
    signature_text,
};
use codeplane_core::{HostId, Timestamp, is_printable};
use serde::{Deserialize, Serialize};

/// What a verifier of another time or make has to know.
pub(super) const FORMAT: &str = "codeplane-audit-1";

/// One line. Hashes, keys and signatures are hexadecimal digits.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// The first line of an export.
    Header {
        /// [`FORMAT`].
        format: String,
        /// The host whose chain it is.
        host: String,
        /// Whether it is a part of what is kept.
        part: bool,
        /// The keys that the daemon itself trusts: whoever verifies needs them from elsewhere.
        keys: Vec<String>,
    },
    /// A record.
    Record {
        /// Its number.
        seq: u64,
        /// Its bytes, which are text.
        record: String,
        /// The hash after it.
        hash: String,
    },
    /// A checkpoint of the record before it.
    Checkpoint {
        /// The host whose chain it signs.
        host: String,
        /// The record.
        seq: u64,
        /// The hash after that record.
        hash: String,
        /// When, in microseconds since 1970.
        time: i64,
        /// The boot id of the machine.
        boot: String,
        /// The public key.
        key: String,
        /// The signature.
        signature: String,
    },
    /// The last line of an export: what has none was cut off.
    End {
        /// How many records.
        records: u64,
    },
}

impl Line {
    pub(super) fn record(stored: &StoredRecord) -> Self {
        Self::Record {
            seq: stored.seq.0,
            // What is no text is not ours: it cannot be verified, whatever stands here.
            record: String::from_utf8_lossy(&stored.record).into_owned(),
            hash: stored.hash.to_string(),
        }
    }

    pub(super) fn checkpoint(host: HostId, checkpoint: &Checkpoint) -> Self {
        let Checkpoint { statement, key, signature } = checkpoint;
        Self::Checkpoint {
            host: host.to_string(),
            seq: statement.seq.0,
            hash: statement.hash.to_string(),
            time: statement.time.as_micros(),
            boot: statement.boot.clone(),
            key: key.to_string(),
            signature: signature_text(signature),
        }
    }

    /// With its line feed, and with everything as `\u` that could act on a terminal: what an agent
    /// wanted to run is in it. To a reader of JSON it is the same.
    pub(super) fn text(&self) -> String {
        // Strings and numbers only: it cannot fail.
        let json = serde_json::to_string(self).unwrap_or_default();
        let mut text = String::with_capacity(json.len() + 1);
        for char in json.chars() {
            if is_printable(char) {
                text.push(char);
            } else {
                let units = char.encode_utf16(&mut [0; 2]).to_vec();
                text.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
        text.push('\n');
        text
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// What the line holds, if it is a link of the chain of `host`.
    pub(super) fn link(self, host: HostId) -> Result<Link, String> {
        match self {
            Self::Record { seq, record, hash } => Ok(Link::Record(StoredRecord {
                seq: AuditSeq(seq),
                record: record.into_bytes(),
                hash: parsed::<ChainHash>("hash", &hash)?,
            })),
            Self::Checkpoint { host: of, seq, hash, time, boot, key, signature } => {
                if parsed::<HostId>("host", &of)? != host {
                    return Err(format!("a checkpoint of another host ({of})"));
                }
                let statement = Statement {
                    seq: AuditSeq(seq),
                    hash: parsed("hash", &hash)?,
                    time: Timestamp::from_micros(time),
                    boot,
                };
                let key = parsed::<AuditPublicKey>("key", &key)?;
                let signature =
                    parse_signature(&signature).map_err(|error| format!("signature: {error}"))?;
                Ok(Link::Checkpoint(Checkpoint { statement, key, signature }))
            }
            Self::End { records } => Ok(Link::End(records)),
            Self::Header { .. } => Err("a second header".to_owned()),
        }
    }
}

/// What a line behind the header holds.
pub(super) enum Link {
    Record(StoredRecord),
    Checkpoint(Checkpoint),
    End(u64),
}

pub(super) fn parsed<T>(field: &str, text: &str) -> Result<T, String>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| format!("{field}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_acts_on_no_terminal_and_means_the_same() {
        let record = "{\"a\":\"\u{9b}2J\u{202e}\u{e0041}é\u{7f}\\\\\"}".to_owned();
        let stored = StoredRecord {
            seq: AuditSeq(1),
            record: record.clone().into_bytes(),
            hash: ChainHash([1; 32]),
        };

        let text = Line::record(&stored).text();

        assert!(text.trim_end().chars().all(is_printable), "{text:?}");
        let read = Line::parse(&text).unwrap().link(HostId::from_bytes([1; 16])).unwrap();
        assert!(matches!(read, Link::Record(read) if read == stored));
    }

    #[test]
    fn a_line_with_more_than_is_known_is_none() {
        let end = Line::End { records: 3 }.text();

        assert!(Line::parse(&end).is_ok());
        for wrong in [end.replace("3", "-3"), end.replace("}", ",\"x\":1}"), String::new()] {
            assert!(Line::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
