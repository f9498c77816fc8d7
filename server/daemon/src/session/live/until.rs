//! Waiting for a session to be as somebody wants it.

use super::Live;
use crate::session::wakers::Wakers;

impl Live {
    /// Waits until `look` sees what it looks for.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn until<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let place = Place { wakers: &self.wakers, slot: self.wakers.join() };
        std::future::poll_fn(|cx| {
            // First ask to be woken, then look.
            place.wakers.register(place.slot, cx.waker());
            look(self).map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }
}

/// A place among those who are woken, given back however the wait ends.
struct Place<'a> {
    wakers: &'a Wakers,
    slot: usize,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.wakers.leave(self.slot);
    }
}
