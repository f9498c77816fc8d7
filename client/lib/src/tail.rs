//! Following output without being attached.

use std::collections::VecDeque;

use tokio::time::Instant;
use tonic::Streaming;

use crate::client::Repeat;
use crate::follow::{Cursor, position};
use crate::v1::{self, terminal_frame::Frame};
use crate::{
    Backoff, Client, ConnectOptions, Error, Rejoin, Remedy, TerminalEvent, Unavailability,
};

/// Output as it comes: every byte once, also across cut connections and restarted daemons.
///
/// ```no_run
/// # async fn example(client: codeplane_client::Client) -> Result<(), codeplane_client::Error> {
/// use codeplane_client::v1;
///
/// let request = v1::TailOutputRequest { session: "web".into(), ..Default::default() };
/// let mut tail = client.tail_output(request, Default::default()).await?;
/// while let Some(event) = tail.next().await? {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct OutputTail {
    client: Client,
    request: v1::TailOutputRequest,
    rejoin: Rejoin,
    cursor: Cursor,
    ready: VecDeque<TerminalEvent>,
    /// What is read, or why nothing is.
    frames: Result<Streaming<v1::TailOutputResponse>, Unavailability>,
    over: bool,
}

impl Client {
    /// Follows output. Begins at the present end unless the request says otherwise.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::OutOfRange`] for a position beyond the end.
    pub async fn tail_output(
        &self,
        request: v1::TailOutputRequest,
        rejoin: Rejoin,
    ) -> Result<OutputTail, Error> {
        let asked = from(&request);
        let frames = self.open_tail(&request).await?;
        Ok(OutputTail {
            client: self.clone(),
            request,
            rejoin,
            cursor: Cursor::asking(&asked),
            ready: VecDeque::new(),
            frames: Ok(frames),
            over: false,
        })
    }

    async fn open_tail(
        &self,
        request: &v1::TailOutputRequest,
    ) -> Result<Streaming<v1::TailOutputResponse>, Error> {
        self.call(Repeat::Safe, request.clone(), |channel, mut request| async move {
            // The stream itself has no time limit, only its beginning.
            request.metadata_mut().remove("grpc-timeout");
            crate::client::terminals(channel).tail_output(request).await
        })
        .await
    }
}

impl OutputTail {
    /// The position of the next byte, once it is known.
    #[must_use]
    pub fn position(&self) -> Option<v1::OutputPosition> {
        self.cursor.next()
    }

    /// Waits for what happens next; `None` after `End`.
    ///
    /// # Errors
    /// What cannot be cured by trying again. Nothing follows then.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is lost.
    pub async fn next(&mut self) -> Result<Option<TerminalEvent>, Error> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.over {
                return Ok(None);
            }
            let step = match &mut self.frames {
                Ok(frames) => match frames.message().await {
                    Ok(Some(message)) => self.take(message),
                    Ok(None) => {
                        self.leave(Unavailability::Vanished);
                        Ok(())
                    }
                    Err(status) => match Error::from(status) {
                        error if error.is_retryable() => {
                            self.leave(error.cause());
                            Ok(())
                        }
                        error => Err(error),
                    },
                },
                Err(why) => {
                    let why = *why;
                    self.come_back(why).await
                }
            };
            if let Err(error) = step {
                self.over = true;
                return Err(error);
            }
        }
    }

    fn take(&mut self, message: v1::TailOutputResponse) -> Result<(), Error> {
        match message.frame.and_then(|frame| frame.frame) {
            Some(Frame::Attached(mut attached)) => {
                attached.resume_token.clear();
                let first = self.cursor.next().is_none();
                if first {
                    self.cursor.begin(position(attached.position)?);
                    self.request.session.clone_from(&attached.session_id);
                    self.ready.push_back(TerminalEvent::Attached(attached));
                } else {
                    let uncertain_input_bytes = 0;
                    self.ready
                        .push_back(TerminalEvent::Reconnected { attached, uncertain_input_bytes });
                }
            }
            Some(Frame::End(end)) if end.reason() == v1::EndReason::DaemonStopping => {
                self.leave(Unavailability::Stopped);
            }
            Some(frame) => {
                self.over = matches!(frame, Frame::End(_));
                self.cursor.take(frame, &mut |event| self.ready.push_back(event))?;
            }
            None => {}
        }
        Ok(())
    }

    fn leave(&mut self, cause: Unavailability) {
        let asked = from(&self.request);
        self.request.from = Some(self.cursor.resume(&asked));
        self.frames = Err(cause);
        self.ready.push_back(TerminalEvent::Reconnecting { cause });
    }

    /// Dropped half-way, it begins again: nothing is read before it is done.
    async fn come_back(&mut self, why: Unavailability) -> Result<(), Error> {
        let request = &self.request;
        let open = async |client: &Client| client.open_tail(request).await;
        let (client, frames) = reopen(&self.client, (&self.rejoin, why), open).await?;
        self.client = client;
        self.frames = Ok(frames);
        Ok(())
    }
}

/// A new connection to the same daemon and a stream over it, as soon as it answers.
pub(crate) async fn reopen<S>(
    client: &Client,
    (rejoin, why): (&Rejoin, Unavailability),
    open: impl AsyncFn(&Client) -> Result<S, Error>,
) -> Result<(Client, S), Error> {
    // Repeated here, where a daemon can be started in between.
    let options = ConnectOptions { attempts: 1, ..client.options().clone() };
    let begun = Instant::now();
    let mut backoff = Backoff::new(rejoin.first_delay, rejoin.longest_delay);
    loop {
        let attempt = async {
            let new = Client::connect_with(client.endpoint(), options.clone()).await?;
            let stream = open(&new).await?;
            Ok::<_, Error>((new, stream))
        };
        let error = match attempt.await {
            Ok(opened) => return Ok(opened),
            Err(error) => error,
        };
        if !error.is_retryable() {
            return Err(error);
        }
        if let (Error::NoDaemon { .. }, Some(on_unavailable)) = (&error, &rejoin.on_unavailable)
            && on_unavailable(why).await? == Remedy::Started
        {
            continue;
        }
        if rejoin.give_up_after.is_some_and(|limit| begun.elapsed() >= limit) {
            return Err(error);
        }
        tokio::time::sleep(backoff.next_delay()).await;
    }
}

/// What the request asks for; a tail begins at the end unless told otherwise.
fn from(request: &v1::TailOutputRequest) -> v1::OutputFrom {
    request.from.unwrap_or(v1::OutputFrom { from: Some(v1::output_from::From::End(v1::LogEnd {})) })
}
