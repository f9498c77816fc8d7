//! `SessionService`.

use std::time::Duration;

use super::session;
use crate::client::{Repeat, fill_request_id, sessions};
use crate::{Client, Error, v1};

/// How much longer than the condition's own time a wait may take to be answered.
const WAIT_MARGIN: Duration = Duration::from_secs(10);
/// A wait without a limit: about a century, which every clock can add.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Client {
    /// Starts a command in a terminal of its own. A command that cannot be run is no error: the
    /// session is FAILED.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::AlreadyExists`], [`Error::QuotaExceeded`],
    /// [`Error::Unavailable`] while the daemon drains.
    pub async fn create_session(
        &self,
        request: v1::CreateSessionRequest,
    ) -> Result<v1::Session, Error> {
        session(self.create_session_answer(request).await?.session)
    }

    /// As [`Client::create_session`], with what its user should know: dialogs of the agent to expect, why
    /// its calls are not judged.
    ///
    /// # Errors
    /// As [`Client::create_session`].
    pub async fn create_session_answer(
        &self,
        mut request: v1::CreateSessionRequest,
    ) -> Result<v1::CreateSessionResponse, Error> {
        fill_request_id(&mut request.request_id);
        self.call(Repeat::Safe, request, |channel, request| async move {
            sessions(channel).create_session(request).await
        })
        .await
    }

    /// Reads one session by id, prefix or name.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if the prefix fits several.
    pub async fn get_session(&self, name: &str) -> Result<v1::Session, Error> {
        let request = v1::GetSessionRequest { session: name.to_owned() };
        let answer = self
            .call(Repeat::Safe, request, |channel, request| async move {
                sessions(channel).get_session(request).await
            })
            .await?;
        session(answer.session)
    }

    /// Reads one page of sessions, oldest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter or page token that is none.
    pub async fn list_sessions(
        &self,
        request: v1::ListSessionsRequest,
    ) -> Result<v1::ListSessionsResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            sessions(channel).list_sessions(request).await
        })
        .await
    }

    /// Reads all sessions that `filter` lets pass, oldest first; an empty filter is all.
    ///
    /// # Errors
    /// As [`Client::list_sessions`].
    pub async fn all_sessions(&self, filter: &str) -> Result<Vec<v1::Session>, Error> {
        let mut all = Vec::new();
        let mut request = v1::ListSessionsRequest {
            page_size: 1000,
            page_token: String::new(),
            filter: filter.to_owned(),
        };
        loop {
            let page = self.list_sessions(request.clone()).await?;
            all.extend(page.sessions);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Changes name or labels.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::AlreadyExists`] for a name that is taken,
    /// [`Error::Conflict`] if the etag is not the current one.
    pub async fn update_session(
        &self,
        mut request: v1::UpdateSessionRequest,
    ) -> Result<v1::Session, Error> {
        fill_request_id(&mut request.request_id);
        let answer = self
            .call(Repeat::Safe, request, |channel, request| async move {
                sessions(channel).update_session(request).await
            })
            .await?;
        session(answer.session)
    }

    /// Asks the process to end, ever more firmly. Answers at once.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::WrongState`] if it has ended already.
    pub async fn stop_session(
        &self,
        mut request: v1::StopSessionRequest,
    ) -> Result<v1::Session, Error> {
        fill_request_id(&mut request.request_id);
        let answer = self
            .call(Repeat::Safe, request, |channel, request| async move {
                sessions(channel).stop_session(request).await
            })
            .await?;
        session(answer.session)
    }

    /// Sends one signal.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] for a signal that is none; [`Error::WrongState`] if
    /// the session has ended.
    pub async fn kill_session(
        &self,
        mut request: v1::KillSessionRequest,
    ) -> Result<v1::Session, Error> {
        fill_request_id(&mut request.request_id);
        let answer = self
            .call(Repeat::Safe, request, |channel, request| async move {
                sessions(channel).kill_session(request).await
            })
            .await?;
        session(answer.session)
    }

    /// Removes an ended session with its output.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::WrongState`] while it runs, unless forced;
    /// [`Error::Conflict`] if the etag is not the current one.
    pub async fn delete_session(&self, mut request: v1::DeleteSessionRequest) -> Result<(), Error> {
        fill_request_id(&mut request.request_id);
        let v1::DeleteSessionResponse {} = self
            .call(Repeat::Safe, request, |channel, request| async move {
                sessions(channel).delete_session(request).await
            })
            .await?;
        Ok(())
    }

    /// Blocks until a condition holds, or the time in the request has passed; without one, forever.
    ///
    /// A wait that a daemon's restart interrupts is made again; the time goes on counting.
    ///
    /// # Errors
    /// [`Error::Timeout`]; [`Error::NotFound`], [`Error::Invalid`]; [`Error::WrongState`] if the
    /// session ends in another way first.
    pub async fn wait_session(
        &self,
        request: v1::WaitSessionRequest,
    ) -> Result<v1::WaitSessionResponse, Error> {
        let asked = request.timeout.and_then(|timeout| Duration::try_from(timeout).ok());
        let limit = asked.map_or(FOREVER, |asked| asked + WAIT_MARGIN);
        self.call_within(limit, Repeat::Safe, request, |channel, request| async move {
            sessions(channel).wait_session(request).await
        })
        .await
    }
}
