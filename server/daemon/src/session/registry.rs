//! All sessions of the daemon, by id and by name.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codeplane_core::{SessionId, SessionName, SessionRef};

use super::live::Live;

/// Every session that exists, ended ones included.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    sessions: HashMap<SessionId, Arc<Live>>,
    names: HashMap<SessionName, SessionId>,
    /// Sessions that are being made: they count, so that many at once do not pass the limit.
    admitted: HashSet<SessionId>,
}

/// What a reference names.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// This session.
    Found(Arc<Live>),
    /// None.
    Missing,
    /// Several, by a prefix they share.
    Ambiguous(usize),
}

/// A name that is kept for a session which is not there yet; given back when dropped.
#[derive(Debug)]
pub(crate) struct NameReservation<'a> {
    registry: &'a Registry,
    name: Option<SessionName>,
    id: SessionId,
}

/// A place for a session that is being made; given back when dropped before it is there.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    registry: &'a Registry,
    id: SessionId,
}

impl Registry {
    /// Keeps a place for one more session, unless there are `max` already. Its id is one whose short
    /// form no other session has: sockets are named by it.
    pub(crate) fn admit(&self, max: usize) -> Option<Admission<'_>> {
        let mut inner = self.lock();
        if inner.sessions.len() + inner.admitted.len() >= max {
            return None;
        }
        loop {
            let id = SessionId::random();
            let short = id.short();
            let mut others = inner.sessions.keys().chain(&inner.admitted);
            if others.all(|other| other.short() != short) {
                inner.admitted.insert(id);
                return Some(Admission { registry: self, id });
            }
        }
    }

    /// Adds a session; its name, if it has one, is its own from now on.
    pub(crate) fn insert(&self, live: Arc<Live>) {
        let name = live.session().spec.name;
        let mut inner = self.lock();
        if let Some(name) = name {
            inner.names.insert(name, live.id());
        }
        inner.admitted.remove(&live.id());
        inner.sessions.insert(live.id(), live);
    }

    /// Removes a session and frees its name.
    pub(crate) fn remove(&self, id: SessionId) {
        let mut inner = self.lock();
        inner.sessions.remove(&id);
        inner.names.retain(|_, owner| *owner != id);
    }

    /// Keeps `name` for `id`.
    ///
    /// # Errors
    /// The session whose name it is.
    pub(crate) fn reserve(
        &self,
        name: Option<SessionName>,
        id: SessionId,
    ) -> Result<NameReservation<'_>, SessionId> {
        let mut inner = self.lock();
        if let Some(name) = &name {
            match inner.names.get(name) {
                Some(owner) if *owner != id => return Err(*owner),
                Some(_) | None => {}
            }
            // People type what they see: a name that is also the beginning of an id takes the
            // session with that id away from them.
            let other =
                |one: &&SessionId| **one != id && SessionRef::is_prefix(name.as_str(), **one);
            if let Some(owner) = inner.sessions.keys().find(other) {
                return Err(*owner);
            }
            inner.names.insert(name.clone(), id);
        }
        Ok(NameReservation { registry: self, name, id })
    }

    /// Frees the names of a session but `keep`.
    pub(crate) fn release_names(&self, id: SessionId, keep: Option<&SessionName>) {
        self.lock().names.retain(|name, owner| *owner != id || Some(name) == keep);
    }

    /// Finds a session.
    pub(crate) fn find(&self, reference: &SessionRef) -> Lookup {
        let inner = self.lock();
        let text = match reference {
            SessionRef::Id(id) => {
                return inner.sessions.get(id).cloned().map_or(Lookup::Missing, Lookup::Found);
            }
            SessionRef::NameOrPrefix(text) => text,
        };
        let named = SessionName::new(text).ok().and_then(|name| inner.names.get(&name));
        if let Some(live) = named.and_then(|id| inner.sessions.get(id)) {
            return Lookup::Found(Arc::clone(live));
        }
        let mut matching =
            inner.sessions.iter().filter(|(id, _)| SessionRef::is_prefix(text, **id));
        match (matching.next(), matching.count()) {
            (None, _) => Lookup::Missing,
            (Some((_, live)), 0) => Lookup::Found(Arc::clone(live)),
            (Some(_), more) => Lookup::Ambiguous(more + 1),
        }
    }

    /// One session by its whole id.
    pub(crate) fn get(&self, id: SessionId) -> Option<Arc<Live>> {
        self.lock().sessions.get(&id).cloned()
    }

    /// All sessions, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        self.lock().sessions.values().cloned().collect()
    }

    /// Everybody who follows a session is to look again.
    pub(crate) fn wake_all(&self) {
        for live in self.all() {
            live.changed();
        }
    }

    /// How many there are, without those that are being made.
    pub(crate) fn count(&self) -> usize {
        self.lock().sessions.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// The id of the session to be.
    pub(crate) const fn id(&self) -> SessionId {
        self.id
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        self.registry.lock().admitted.remove(&self.id);
    }
}

impl NameReservation<'_> {
    /// The session is there: the name is its own.
    pub(crate) fn keep(mut self) {
        self.name = None;
    }
}

impl Drop for NameReservation<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            let mut inner = self.registry.lock();
            if inner.names.get(&name) == Some(&self.id) {
                inner.names.remove(&name);
            }
        }
    }
}
