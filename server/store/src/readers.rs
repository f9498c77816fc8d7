//! The threads that read.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use diesel::SqliteConnection;
use tokio::sync::oneshot;

use crate::error::StoreError;

type Read = Box<dyn FnOnce(&mut SqliteConnection) + Send>;

enum Message {
    Read(Read),
    Close,
}

/// Some threads with a connection each, and one bounded queue for all.
pub(crate) struct Readers {
    queue: SyncSender<Message>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

impl Readers {
    /// A thread for each connection; at most `bound` reads wait.
    pub(crate) fn start(
        name: &str,
        connections: Vec<SqliteConnection>,
        bound: usize,
    ) -> io::Result<Self> {
        let (queue, receiver) = sync_channel(bound);
        let receiver = Arc::new(Mutex::new(receiver));
        let threads = connections
            .into_iter()
            .map(|connection| {
                let receiver = Arc::clone(&receiver);
                thread::Builder::new()
                    .name(name.to_owned())
                    .spawn(move || serve(connection, &receiver))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { queue, threads: Mutex::new(threads) })
    }

    /// Reads on one of the threads.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let message = Message::Read(Box::new(move |connection| {
            // Nobody waits for it any more: nothing to read.
            if !sender.is_closed() {
                drop(sender.send(read(connection)));
            }
        }));
        match self.queue.try_send(message) {
            Ok(()) => receiver.await.unwrap_or(Err(StoreError::Closed)),
            Err(TrySendError::Full(_)) => Err(StoreError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(StoreError::Closed),
        }
    }

    /// Finishes what is queued and waits for the threads.
    pub(crate) fn close(&self) {
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for _ in &threads {
            drop(self.queue.send(Message::Close));
        }
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a reading thread of the store has crashed");
            }
        }
    }
}

fn serve(mut connection: SqliteConnection, queue: &Mutex<Receiver<Message>>) {
    loop {
        // Waiting with the lock held is meant: the next message goes to exactly one thread.
        let message = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match message {
            Ok(Message::Read(read)) => read(&mut connection),
            Ok(Message::Close) | Err(_) => return,
        }
    }
}
