//! Where daemons come in.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::connection::{Audience, Connection, News, PLACES, Place};
use crate::os::{self, Accepted, SeqPacket};

/// The socket and the connections that came through it.
#[derive(Debug)]
pub(super) struct Door {
    listener: OwnedFd,
    path: PathBuf,
    /// Device and inode of the socket's name: a later shim may have put its own there.
    inode: Option<(u64, u64)>,
    own_pid: i32,
    connections: [Option<Connection>; PLACES],
    /// How many there have ever been.
    count: u64,
}

impl Door {
    /// Listens at `path`, and takes the connection the shim was born with.
    pub(super) fn open(path: &Path, first: SeqPacket, own_pid: i32) -> io::Result<Self> {
        let listener = os::listen(path)?;
        let connections = [Some(Connection::new(first, Audience::Told, 0)), None, None, None];
        let inode = inode(path);
        Ok(Self { listener, path: path.to_path_buf(), inode, own_pid, connections, count: 1 })
    }

    /// Listens at `path` instead.
    pub(super) fn reopen(&mut self, path: &Path) -> io::Result<()> {
        self.listener = os::listen(path)?;
        if path != self.path {
            self.remove_name();
            self.path = path.to_path_buf();
        }
        self.inode = inode(path);
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn listener(&self) -> &OwnedFd {
        &self.listener
    }

    /// The next who wants in.
    pub(super) fn next(&self) -> Accepted {
        os::accept(&self.listener, self.own_pid)
    }

    /// The place for a newcomer. Where all are taken it is that of the oldest who never said hello,
    /// else of the oldest.
    pub(super) fn place_for_newcomer(&self) -> Place {
        let rank = |place: &Place| match self.get(*place) {
            None => (0, 0),
            Some(Connection { audience: Audience::Silent, number, .. }) => (1, *number),
            Some(Connection { audience: Audience::Told, number, .. }) => (2, *number),
        };
        Place::all().min_by_key(rank).unwrap_or(Place(0))
    }

    /// Lets a newcomer in.
    pub(super) fn admit(&mut self, place: Place, socket: SeqPacket) {
        self.connections[place.0] = Some(Connection::new(socket, Audience::Silent, self.count));
        self.count += 1;
    }

    pub(super) const fn get(&self, place: Place) -> Option<&Connection> {
        self.connections[place.0].as_ref()
    }

    pub(super) const fn get_mut(&mut self, place: Place) -> Option<&mut Connection> {
        self.connections[place.0].as_mut()
    }

    pub(super) fn close(&mut self, place: Place) {
        self.connections[place.0] = None;
    }

    /// Has everyone told who wants to be.
    pub(super) fn announce(&mut self, news: News) {
        for connection in self.connections.iter_mut().flatten() {
            if connection.audience == Audience::Told {
                connection.untold.add(news);
            }
        }
    }

    /// Who is told, one bit each.
    pub(super) fn audience(&self) -> u8 {
        let is_told =
            |place: &Place| self.get(*place).is_some_and(|c| c.audience == Audience::Told);
        Place::all().filter(is_told).fold(0, |set, place| set | place.bit())
    }

    /// Whether everyone who wants to be told knows everything.
    pub(super) fn is_everyone_told(&self) -> bool {
        self.connections
            .iter()
            .flatten()
            .all(|connection| connection.audience == Audience::Silent || connection.is_told())
    }

    fn remove_name(&self) {
        if self.inode.is_some() && inode(&self.path) == self.inode {
            fs::remove_file(&self.path).ok();
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.remove_name();
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}
