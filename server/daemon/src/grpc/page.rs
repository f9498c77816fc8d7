//! Pages: sizes and tokens.

use std::fmt::Display;
use std::str::FromStr;

use codeplane_core::audit::AuditSeq;
use codeplane_core::{Filter, FilterError, Revision, Timestamp};

use crate::app::{AuditOrder, AuditQuery, Error, RequestHash};

/// The list of sessions, in its tokens.
pub(super) const SESSIONS: char = 's';
/// That of approvals.
pub(super) const APPROVALS: char = 'a';
/// That of decisions.
pub(super) const DECISIONS: char = 'd';
/// That of grants.
pub(super) const GRANTS: char = 'g';

/// Page size if none is asked for.
const DEFAULT: usize = 100;
/// Largest page.
const MAX: usize = 1000;

/// How many to return.
pub(super) fn size(asked: i32) -> Result<usize, Error> {
    match usize::try_from(asked) {
        Ok(0) => Ok(DEFAULT),
        Ok(size) => Ok(size.min(MAX)),
        Err(_) => Err(Error::invalid("page_size", "must not be negative")),
    }
}

/// Reads a filter.
pub(super) fn filter(text: &str, allowed: &[&str]) -> Result<Filter, Error> {
    Filter::parse(text, allowed).map_err(|error: FilterError| Error::invalid("filter", error))
}

/// The token behind something that is listed in the order of its time. `list` names the list.
pub(super) fn token(list: char, cursor: (Timestamp, impl Display), filter: &Filter) -> String {
    let (time, id) = cursor;
    format!("{list}{}.{id}.{:x}", time.as_micros(), query(filter))
}

/// Reads it; it must be one of the same list and query.
pub(super) fn cursor<Id: FromStr>(
    list: char,
    token: &str,
    filter: &Filter,
) -> Result<Option<(Timestamp, Id)>, Error> {
    let read = |token: &str| -> Option<((Timestamp, Id), u64)> {
        let mut parts = token.strip_prefix(list)?.split('.');
        let time = Timestamp::from_micros(parts.next()?.parse().ok()?);
        let id = parts.next()?.parse().ok()?;
        let query = u64::from_str_radix(parts.next()?, 16).ok()?;
        parts.next().is_none().then_some(((time, id), query))
    };
    of_query(token, filter, read)
}

/// The token behind an event.
pub(super) fn event_token(revision: Revision, filter: &Filter) -> String {
    format!("e{}.{:x}", revision.0, query(filter))
}

/// Reads it; it must be one of the same query.
pub(super) fn event_cursor(token: &str, filter: &Filter) -> Result<Option<Revision>, Error> {
    let read = |token: &str| -> Option<(Revision, u64)> {
        let (revision, query) = token.strip_prefix('e')?.split_once('.')?;
        Some((Revision(revision.parse().ok()?), u64::from_str_radix(query, 16).ok()?))
    };
    of_query(token, filter, read)
}

/// The token behind a record of the audit log.
pub(super) fn audit_token(seq: AuditSeq, query: &AuditQuery, order: AuditOrder) -> String {
    format!("u{}.{:x}", seq.0, audit_query(query, order))
}

/// Reads it; it must be one of the same query.
pub(super) fn audit_cursor(
    token: &str,
    query: &AuditQuery,
    order: AuditOrder,
) -> Result<Option<AuditSeq>, Error> {
    let read = |token: &str| -> Option<(AuditSeq, u64)> {
        let (seq, query) = token.strip_prefix('u')?.split_once('.')?;
        Some((AuditSeq(seq.parse().ok()?), u64::from_str_radix(query, 16).ok()?))
    };
    of(token, audit_query(query, order), read)
}

fn audit_query(query: &AuditQuery, order: AuditOrder) -> u64 {
    let time = |time: Option<Timestamp>| time.map(Timestamp::as_micros);
    let AuditQuery { filter, since, until } = query;
    let text = format!("{filter}\n{:?} {:?} {order:?}", time(*since), time(*until));
    RequestHash::of("page", text.as_bytes()).0
}

/// The token behind a checkpoint.
pub(super) fn checkpoint_token(seq: AuditSeq) -> String {
    format!("c{}", seq.0)
}

/// Reads it.
pub(super) fn checkpoint_cursor(token: &str) -> Result<AuditSeq, Error> {
    let read = |token: &str| Some((AuditSeq(token.strip_prefix('c')?.parse().ok()?), 0));
    Ok(of(token, 0, read)?.unwrap_or_default())
}

/// The token behind a policy, a revision or a binding of `list`: what it lists, and of what.
pub(super) fn policy_token(list: &str, place: &impl Display) -> String {
    format!("p{place}.{:x}", RequestHash::of("page", list.as_bytes()).0)
}

/// Reads it; it must be one of the same list.
pub(super) fn policy_cursor<T: FromStr>(token: &str, list: &str) -> Result<Option<T>, Error> {
    let read = |token: &str| -> Option<(T, u64)> {
        let (place, query) = token.strip_prefix('p')?.split_once('.')?;
        Some((place.parse().ok()?, u64::from_str_radix(query, 16).ok()?))
    };
    of(token, RequestHash::of("page", list.as_bytes()).0, read)
}

fn of_query<T>(
    token: &str,
    filter: &Filter,
    read: impl Fn(&str) -> Option<(T, u64)>,
) -> Result<Option<T>, Error> {
    of(token, query(filter), read)
}

fn of<T>(
    token: &str,
    query: u64,
    read: impl Fn(&str) -> Option<(T, u64)>,
) -> Result<Option<T>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    match read(token) {
        Some((cursor, of)) if of == query => Ok(Some(cursor)),
        Some(_) => Err(Error::invalid("page_token", "belongs to another query: begin anew")),
        None => Err(Error::invalid("page_token", "is not one of this daemon's")),
    }
}

fn query(filter: &Filter) -> u64 {
    RequestHash::of("page", filter.to_string().as_bytes()).0
}

#[cfg(test)]
mod tests {
    use codeplane_core::SessionId;

    use super::*;

    type Cursor = Option<(Timestamp, SessionId)>;

    #[test]
    fn a_token_belongs_to_its_query() {
        let running = filter("state=running", &["state"]).unwrap();
        let all = filter("", &["state"]).unwrap();
        let cursor = (Timestamp::from_micros(5), SessionId::from_bytes([3; 16]));

        let read = |list, token: &str, filter| -> Result<Cursor, Error> {
            super::cursor(list, token, filter)
        };
        let token = token(SESSIONS, cursor, &running);

        assert_eq!(read(SESSIONS, &token, &running).unwrap(), Some(cursor));
        assert!(read(SESSIONS, &token, &all).is_err());
        assert!(read(APPROVALS, &token, &running).is_err());
        assert!(read(SESSIONS, "nonsense", &all).is_err());
        assert_eq!(read(SESSIONS, "", &all).unwrap(), None);
        assert!(event_cursor(&token, &running).is_err());
        let token = event_token(Revision(7), &all);
        assert_eq!(event_cursor(&token, &all).unwrap(), Some(Revision(7)));
    }

    #[test]
    fn a_token_of_policies_belongs_to_its_list() {
        let token = policy_token("history read-only", &7);

        assert_eq!(policy_cursor(&token, "history read-only").unwrap(), Some(7_i64));
        assert!(policy_cursor::<i64>(&token, "history other").is_err());
        assert!(policy_cursor::<i64>("7", "history read-only").is_err());
        let token = policy_token("policies", &"read-only");
        assert_eq!(policy_cursor(&token, "policies").unwrap(), Some("read-only".to_owned()));
    }

    #[test]
    fn a_page_has_a_size() {
        assert_eq!(size(0).unwrap(), 100);
        assert_eq!(size(5000).unwrap(), 1000);
        assert!(size(-1).is_err());
    }
}
