//! An attachment frame by frame, for what no well-behaved client does.

use std::time::Duration;

use codeplane_client::v1::{
    self, AttachInit, AttachInput, AttachMode, AttachRequest, AttachResponse, OutputFrom,
    OutputPosition, attach_request::Request, output_from, terminal_frame::Frame,
};
use codeplane_proto::v1::terminal_service_client::TerminalServiceClient;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

use crate::PATIENCE;

/// Requests that may wait for the connection.
const REQUESTS: usize = 256;

/// One client on one terminal. It reads only when it is told to, and reconnects never.
#[derive(Debug)]
pub struct Attached {
    requests: mpsc::Sender<AttachRequest>,
    frames: Streaming<AttachResponse>,
    /// The first frame.
    pub first: v1::Attached,
    /// All output so far.
    pub output: Vec<u8>,
    /// All other frames so far, oldest first.
    pub seen: Vec<Frame>,
    next_seq: u64,
    expected: usize,
    is_over: bool,
}

/// Attaches to `session` from its first byte on, as an observer.
#[must_use]
pub fn observe(session: &str) -> AttachInit {
    AttachInit {
        session: session.to_owned(),
        from: Some(from_start()),
        mode: AttachMode::Observe.into(),
        ..AttachInit::default()
    }
}

/// As [`observe`], with control.
#[must_use]
pub fn control(session: &str) -> AttachInit {
    AttachInit { mode: AttachMode::Control.into(), ..observe(session) }
}

/// Output from the first byte on.
#[must_use]
pub const fn from_start() -> OutputFrom {
    OutputFrom { from: Some(output_from::From::Start(v1::LogStart {})) }
}

/// Output from `offset` of the first run on.
#[must_use]
pub const fn from_offset(offset: u64) -> OutputFrom {
    OutputFrom {
        from: Some(output_from::From::Position(OutputPosition { incarnation: 1, offset })),
    }
}

impl Attached {
    /// Attaches and waits for the first frame.
    ///
    /// # Errors
    /// What the daemon refuses.
    ///
    /// # Panics
    /// If the first frame is another one.
    pub async fn open(channel: Channel, init: AttachInit) -> Result<Self, Status> {
        let (requests, queue) = mpsc::channel(REQUESTS);
        let init = AttachRequest { request: Some(Request::Init(init)) };
        requests.send(init).await.expect("the queue is open");
        let mut client = TerminalServiceClient::new(channel);
        let mut frames = client.attach(ReceiverStream::new(queue)).await?.into_inner();
        let first = match frames.message().await?.and_then(|one| one.frame?.frame) {
            Some(Frame::Attached(first)) => first,
            other => panic!("the first frame is {other:?}"),
        };
        let next_seq = first.input_seq + 1;
        Ok(Self {
            requests,
            frames,
            first,
            output: Vec::new(),
            seen: Vec::new(),
            next_seq,
            expected: 0,
            is_over: false,
        })
    }

    /// Sends a message.
    ///
    /// # Panics
    /// If the connection takes none any more.
    pub async fn send(&self, request: Request) {
        let request = AttachRequest { request: Some(request) };
        self.requests.send(request).await.expect("the stream takes messages");
    }

    /// Types; the number of the input.
    ///
    /// # Panics
    /// If the connection takes nothing any more.
    pub async fn type_text(&mut self, text: impl AsRef<[u8]>) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.type_as(seq, text).await;
        seq
    }

    /// Types with a number of the caller's.
    ///
    /// # Panics
    /// If the connection takes nothing any more.
    pub async fn type_as(&self, seq: u64, text: impl AsRef<[u8]>) {
        let data = text.as_ref().to_vec().into();
        self.send(Request::Input(AttachInput { seq, data })).await;
    }

    /// The next frame; none when the stream is over.
    ///
    /// # Panics
    /// If none comes within [`PATIENCE`], or the stream breaks.
    pub async fn next(&mut self) -> Option<Frame> {
        let next = self.next_within(PATIENCE).await;
        next.unwrap_or_else(|| panic!("no frame within {PATIENCE:?}: {}", self.summary()))
    }

    /// As [`Self::next`]; none at all if no frame comes in time.
    ///
    /// # Panics
    /// If the stream breaks.
    pub async fn next_within(&mut self, limit: Duration) -> Option<Option<Frame>> {
        let message = timeout(limit, self.frames.message()).await.ok()?;
        let message = message.unwrap_or_else(|status| panic!("{status}: {}", self.summary()));
        let frame = message.map(|one| one.frame.and_then(|frame| frame.frame).expect("a frame"));
        match &frame {
            Some(Frame::Output(output)) => self.output.extend_from_slice(&output.data),
            Some(other) => self.seen.push(other.clone()),
            None => self.is_over = true,
        }
        Some(frame)
    }

    /// Reads until a frame fulfils `is_right`, and returns what it says.
    ///
    /// # Panics
    /// If none comes within [`PATIENCE`].
    pub async fn until<T>(&mut self, what: &str, is_right: impl Fn(&Frame) -> Option<T>) -> T {
        loop {
            match self.next().await {
                Some(frame) => {
                    if let Some(value) = is_right(&frame) {
                        return value;
                    }
                }
                None => panic!("the stream ended before {what}: {}", self.summary()),
            }
        }
    }

    /// Reads until the output has `text` in it, behind what the last call found; where it ends.
    ///
    /// # Panics
    /// If it does not come within [`PATIENCE`].
    pub async fn expect(&mut self, text: &str) -> usize {
        loop {
            let found = memchr::memmem::find(&self.output[self.expected..], text.as_bytes());
            if let Some(at) = found {
                self.expected += at + text.len();
                return self.expected;
            }
            assert!(self.next().await.is_some(), "no {text:?}: {}", self.summary());
        }
    }

    /// Reads until there are `len` bytes of output.
    ///
    /// # Panics
    /// If they do not come.
    pub async fn read_bytes(&mut self, len: usize) {
        while self.output.len() < len {
            assert!(self.next().await.is_some(), "{len} bytes wanted: {}", self.summary());
        }
    }

    /// Reads to the end of the stream; why it ended.
    ///
    /// # Panics
    /// If it does not end, or was cut.
    pub async fn read_to_end(&mut self) -> v1::EndReason {
        while !self.is_over {
            self.next().await;
        }
        match self.seen.last() {
            Some(Frame::End(end)) => end.reason(),
            other => panic!("the last frame is {other:?}"),
        }
    }

    /// Reads until everything that was sent before is known to have arrived.
    ///
    /// # Panics
    /// If the daemon does not answer.
    pub async fn settle(&mut self) {
        self.send(Request::Ping(v1::AttachPing { id: 7_000_000 })).await;
        self.until("the pong", |frame| matches!(frame, Frame::Pong(_)).then_some(())).await;
    }

    /// Reads until the input up to `seq` is acknowledged.
    ///
    /// # Panics
    /// If it is not.
    pub async fn acknowledged(&mut self, seq: u64) {
        let is_right = |frame: &Frame| match frame {
            Frame::InputAck(ack) if ack.seq >= seq => Some(()),
            _ => None,
        };
        // What was applied before the attachment came back is told in its first frame.
        let before = self.first.input_seq >= seq;
        if !before && !self.seen.iter().any(|frame| is_right(frame).is_some()) {
            self.until("the acknowledgement", is_right).await;
        }
    }

    fn summary(&self) -> String {
        let from = self.output.len().saturating_sub(500);
        let tail = String::from_utf8_lossy(&self.output[from..]);
        format!("{} bytes, the last {tail:?}; frames {:?}", self.output.len(), self.seen)
    }
}
