//! The one queue of everything that is typed, in arrival order.

use std::collections::VecDeque;

use codeplane_core::{AttachmentId, RequestId, TerminalSize};

use super::tokens::Tokens;
use super::unary::Requests;
use crate::wire::{INPUT_WINDOW_BYTES, InputToken};

/// Waiting input of one attachment is put together up to this size: thousands of single keys must
/// not take a hundred times their bytes. Not more, as it is acknowledged together.
const TOGETHER_BYTES: usize = 4096;

/// Something to do to the terminal.
#[derive(Debug)]
pub(super) enum Work {
    /// Type this.
    Type(Typing),
    /// Set the size.
    Resize(TerminalSize, AttachmentId),
    /// Make the program repaint.
    Redraw,
}

/// Bytes on their way to the program.
#[derive(Debug)]
pub(super) struct Typing {
    pub(super) bytes: Vec<u8>,
    pub(super) done: usize,
    pub(super) author: AttachmentId,
    pub(super) origin: Origin,
}

impl Typing {
    /// Whether `next` may be typed and acknowledged together with this.
    fn continues_with(&self, next: &Self) -> bool {
        match (self.origin, next.origin) {
            (Origin::Attachment(one, _), Origin::Attachment(other, _)) => {
                one == other
                    && self.author == next.author
                    && self.bytes.len() + next.bytes.len() <= TOGETHER_BYTES
            }
            (
                Origin::Attachment(..) | Origin::Unary(_),
                Origin::Attachment(..) | Origin::Unary(_),
            ) => false,
        }
    }
}

/// Whom to tell when they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Attachment(InputToken, u64),
    Unary(RequestId),
}

/// The queue, and what must be remembered to type everything once.
#[derive(Debug)]
pub(super) struct Input {
    queue: VecDeque<Work>,
    pub(super) tokens: Tokens,
    pub(super) requests: Requests,
    /// What attachments have waiting.
    attached_bytes: usize,
    /// What unary input has waiting, incomplete ones included.
    unary_bytes: usize,
    unary_limit_bytes: usize,
}

impl Input {
    pub(super) fn new(unary_limit_bytes: u64) -> Self {
        Self {
            queue: VecDeque::new(),
            tokens: Tokens::default(),
            requests: Requests::default(),
            attached_bytes: 0,
            unary_bytes: 0,
            unary_limit_bytes: usize::try_from(unary_limit_bytes).unwrap_or(usize::MAX),
        }
    }

    /// Whether attachments have more waiting than the window: read no more of it.
    pub(super) const fn is_over_window(&self) -> bool {
        self.attached_bytes > INPUT_WINDOW_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes room for a part of unary input; false if there is none.
    #[must_use]
    pub(super) const fn reserve_unary(&mut self, bytes: usize) -> bool {
        if bytes > self.unary_limit_bytes.saturating_sub(self.unary_bytes) {
            return false;
        }
        self.unary_bytes += bytes;
        true
    }

    /// Gives the room of a dropped unary input back.
    pub(super) const fn release_unary(&mut self, bytes: usize) {
        self.unary_bytes = self.unary_bytes.saturating_sub(bytes);
    }

    /// Queues bytes of an attachment.
    pub(super) fn push_attached(&mut self, typing: Typing) {
        self.attached_bytes += typing.bytes.len();
        if let Some(Work::Type(last)) = self.queue.back_mut()
            && last.continues_with(&typing)
        {
            last.bytes.extend_from_slice(&typing.bytes);
            last.origin = typing.origin;
        } else {
            self.queue.push_back(Work::Type(typing));
        }
    }

    /// Queues a whole unary input, for which room was taken.
    pub(super) fn push_unary(&mut self, id: RequestId, author: AttachmentId, bytes: Vec<u8>) {
        self.requests.add(id, author);
        let origin = Origin::Unary(id);
        self.queue.push_back(Work::Type(Typing { bytes, done: 0, author, origin }));
    }

    /// Queues a size. Of sizes with no input between them only the last matters, so a program
    /// that does not read cannot make the queue grow.
    pub(super) fn push_resize(&mut self, size: TerminalSize, author: AttachmentId) {
        self.drop_trailing(|work| matches!(work, Work::Resize(..)));
        self.queue.push_back(Work::Resize(size, author));
    }

    /// Queues a redraw; one is enough.
    pub(super) fn push_redraw(&mut self) {
        self.drop_trailing(|work| matches!(work, Work::Redraw));
        self.queue.push_back(Work::Redraw);
    }

    /// What is next.
    pub(super) fn front(&mut self) -> Option<&mut Work> {
        self.queue.front_mut()
    }

    /// What is next is done.
    pub(super) fn pop(&mut self) {
        match self.queue.pop_front() {
            Some(Work::Type(Typing { bytes, origin: Origin::Attachment(..), .. })) => {
                self.attached_bytes -= bytes.len();
            }
            Some(Work::Type(Typing { bytes, origin: Origin::Unary(_), .. })) => {
                self.release_unary(bytes.len());
            }
            Some(Work::Resize(..) | Work::Redraw) | None => {}
        }
        if self.queue.is_empty() {
            // A large paste must not stay as an empty queue.
            self.queue.shrink_to(16);
        }
    }

    /// Nobody reads any more.
    pub(super) fn clear(&mut self) {
        while !self.queue.is_empty() {
            self.pop();
        }
    }

    /// Removes the work of a kind after the last typing.
    fn drop_trailing(&mut self, is_kind: impl Fn(&Work) -> bool) {
        let typed = self.queue.iter().rposition(|work| matches!(work, Work::Type(_)));
        let from = typed.map_or(0, |last| last + 1);
        if let Some(found) = (from..self.queue.len()).find(|i| is_kind(&self.queue[*i])) {
            self.queue.remove(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        AttachmentId, INPUT_WINDOW_BYTES, Input, InputToken, Origin, RequestId, TOGETHER_BYTES,
        TerminalSize, Typing, Work,
    };

    const TOKEN: InputToken = InputToken([1; 16]);
    const AUTHOR: AttachmentId = AttachmentId::from_bytes([2; 16]);

    fn key(seq: u64) -> Typing {
        let origin = Origin::Attachment(TOKEN, seq);
        Typing { bytes: b"x".to_vec(), done: 0, author: AUTHOR, origin }
    }

    #[test]
    fn single_keys_that_wait_are_put_together_and_the_window_counts_bytes() {
        let mut input = Input::new(100);
        let window = u64::try_from(INPUT_WINDOW_BYTES).unwrap();

        for seq in 1..=window {
            input.push_attached(key(seq));
        }
        assert!(!input.is_over_window());
        assert_eq!(input.queue.len(), INPUT_WINDOW_BYTES / TOGETHER_BYTES);
        input.push_attached(key(window + 1));
        assert!(input.is_over_window());

        let Some(Work::Type(first)) = input.front() else { panic!() };
        assert_eq!(first.origin, Origin::Attachment(TOKEN, 4096));
        input.pop();
        assert!(!input.is_over_window());
    }

    #[test]
    fn only_neighbours_of_the_same_attachment_are_put_together() {
        let mut input = Input::new(100);
        let other = Typing { origin: Origin::Attachment(InputToken([9; 16]), 1), ..key(1) };

        input.push_attached(key(1));
        input.push_attached(other);
        input.push_attached(key(2));
        input.push_resize(TerminalSize::DEFAULT, AUTHOR);
        input.push_attached(key(3));
        input.push_unary(RequestId::from_bytes([3; 16]), AUTHOR, b"y".to_vec());
        input.push_attached(key(4));

        assert_eq!(input.queue.len(), 7);
    }

    #[test]
    fn unary_input_is_bounded_whole_and_in_parts() {
        let mut input = Input::new(100);

        assert!(input.reserve_unary(60));
        assert!(!input.reserve_unary(41));
        input.push_unary(RequestId::from_bytes([3; 16]), AUTHOR, vec![b'x'; 60]);
        assert!(!input.reserve_unary(41));
        input.pop();

        assert!(input.reserve_unary(100));
    }

    #[test]
    fn of_sizes_with_no_input_between_only_the_last_is_kept() {
        let mut input = Input::new(100);
        let size = |cols| TerminalSize::new(cols, 24).unwrap();

        for cols in 80..90 {
            input.push_resize(size(cols), AUTHOR);
            input.push_redraw();
        }
        input.push_attached(key(1));
        input.push_resize(size(100), AUTHOR);

        let mut sizes = Vec::new();
        let mut works = 0;
        while let Some(work) = input.front() {
            if let Work::Resize(size, _) = work {
                sizes.push(size.cols());
            }
            works += 1;
            input.pop();
        }
        assert_eq!((sizes, works), (vec![89, 100], 4));
    }
}
