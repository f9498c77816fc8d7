//! `TerminalService`, but for its streams.

use crate::client::{Repeat, fill_request_id, terminals};
use crate::{Client, Error, v1};

impl Client {
    /// Reads one piece of output.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::OutOfRange`] if the position is beyond the end.
    pub async fn read_output(
        &self,
        request: v1::ReadOutputRequest,
    ) -> Result<v1::ReadOutputResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            terminals(channel).read_output(request).await
        })
        .await
    }

    /// Types raw bytes as one item. Tells where the output was then.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::WrongState`] if the session has ended;
    /// [`Error::ControlTaken`] unless forced; [`Error::Invalid`] if there is too much.
    pub async fn send_input(
        &self,
        mut request: v1::SendInputRequest,
    ) -> Result<v1::SendInputResponse, Error> {
        fill_request_id(&mut request.request_id);
        self.call(Repeat::Safe, request, |channel, request| async move {
            terminals(channel).send_input(request).await
        })
        .await
    }

    /// Types named keys.
    ///
    /// # Errors
    /// As [`Client::send_input`]; [`Error::Invalid`] names the keys that are none.
    pub async fn send_keys(
        &self,
        mut request: v1::SendKeysRequest,
    ) -> Result<v1::SendKeysResponse, Error> {
        fill_request_id(&mut request.request_id);
        self.call(Repeat::Safe, request, |channel, request| async move {
            terminals(channel).send_keys(request).await
        })
        .await
    }

    /// Sets the size. Tells the one that is set now.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`]; [`Error::ControlTaken`] unless forced.
    pub async fn resize_terminal(
        &self,
        mut request: v1::ResizeTerminalRequest,
    ) -> Result<v1::ResizeTerminalResponse, Error> {
        fill_request_id(&mut request.request_id);
        self.call(Repeat::Safe, request, |channel, request| async move {
            terminals(channel).resize_terminal(request).await
        })
        .await
    }

    /// Takes control for an attachment.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::ControlTaken`] if it was asked for only if free.
    pub async fn acquire_control(
        &self,
        request: v1::AcquireControlRequest,
    ) -> Result<v1::AcquireControlResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            terminals(channel).acquire_control(request).await
        })
        .await
    }

    /// Gives control up for an attachment. Tells who holds it now.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn release_control(
        &self,
        request: v1::ReleaseControlRequest,
    ) -> Result<v1::ReleaseControlResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            terminals(channel).release_control(request).await
        })
        .await
    }

    /// Makes the program paint its screen again.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::WrongState`] if the session has ended.
    pub async fn redraw_terminal(&self, session: &str) -> Result<(), Error> {
        let request = v1::RedrawTerminalRequest { session: session.to_owned() };
        let v1::RedrawTerminalResponse {} = self
            .call(Repeat::Safe, request, |channel, request| async move {
                terminals(channel).redraw_terminal(request).await
            })
            .await?;
        Ok(())
    }

    /// Reads the screen as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub async fn get_screen(
        &self,
        request: v1::GetScreenRequest,
    ) -> Result<v1::GetScreenResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            terminals(channel).get_screen(request).await
        })
        .await
    }
}
