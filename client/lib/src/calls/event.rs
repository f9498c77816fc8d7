//! `EventService`, but for its stream.

use crate::client::{Repeat, events};
use crate::{Client, Error, v1};

impl Client {
    /// Reads one page of history, oldest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter or page token that is none; [`Error::OutOfRange`] if history
    /// does not go back that far.
    pub async fn list_events(
        &self,
        request: v1::ListEventsRequest,
    ) -> Result<v1::ListEventsResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            events(channel).list_events(request).await
        })
        .await
    }
}
