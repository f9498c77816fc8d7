//! Following a terminal: what arrives, and where it is in the output.

use bytes::{Buf, Bytes};

use crate::{Error, v1};

/// What happens to a terminal, as an [`crate::Attachment`] or [`crate::OutputTail`] yields it.
///
/// Kinds of frames that this version does not know are left out.
#[derive(Clone, Debug, PartialEq)]
pub enum TerminalEvent {
    /// The attachment stands. Comes first, and once.
    Attached(v1::Attached),
    /// The screen at a position; output goes on there.
    Snapshot(v1::Snapshot),
    /// Bytes the program printed: each exactly once, in order.
    Output {
        /// Position of the first one.
        position: v1::OutputPosition,
        /// The bytes.
        data: Bytes,
    },
    /// These bytes are gone.
    Gap {
        /// The first.
        from: v1::OutputPosition,
        /// The first that is there again.
        to: v1::OutputPosition,
    },
    /// The terminal has another size.
    Resized {
        /// From this position on.
        at: v1::OutputPosition,
        /// The size.
        size: v1::TerminalSize,
    },
    /// Somebody else holds control.
    ControlChanged(v1::ControlChanged),
    /// What was typed is lost: a permission may be asked for on the screen, and this client may not give
    /// it. Escape and Ctrl-C go through.
    InputRefused {
        /// For people.
        message: String,
    },
    /// The session's state changed.
    StateChanged {
        /// The new state.
        state: v1::SessionState,
        /// The newest run.
        incarnation: u32,
    },
    /// The run is over; all its output has been yielded.
    Exited(v1::Exited),
    /// The daemon answered a ping.
    Pong {
        /// Of the ping.
        id: u64,
    },
    /// The connection broke, or the daemon said that it stops. Typing goes on: it is kept.
    Reconnecting {
        /// Why no frames come.
        cause: crate::Unavailability,
    },
    /// The connection stands again; nothing that was printed is missing.
    Reconnected {
        /// The present mode, size and state, and from where on queries are the client's to answer.
        attached: v1::Attached,
        /// Bytes that were typed before the cut and of which nobody knows whether they arrived:
        /// more than 10 minutes passed, or the run they were for is over. They are not typed again.
        uncertain_input_bytes: usize,
    },
    /// Nothing follows.
    End {
        /// Why.
        reason: v1::EndReason,
        /// For people.
        message: String,
    },
}

/// Where a follower is in the output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cursor {
    /// The next byte to yield; unknown until the first frame.
    next: Option<v1::OutputPosition>,
    /// A screen was asked for and has not come: after a cut it has to be asked for again.
    awaits_snapshot: bool,
    /// The newest run whose end was told.
    exited: u32,
}

impl Cursor {
    /// A follower that asks for `from`.
    pub(crate) fn asking(from: &v1::OutputFrom) -> Self {
        use v1::output_from::From;
        let awaits_snapshot = match &from.from {
            Some(From::Snapshot(_)) | None => true,
            Some(From::Position(_) | From::Start(_) | From::End(_)) => false,
        };
        Self { next: None, awaits_snapshot, exited: 0 }
    }

    /// Where to go on after a cut; `asked` is what was asked for first.
    pub(crate) fn resume(&self, asked: &v1::OutputFrom) -> v1::OutputFrom {
        match self.next {
            Some(next) if !self.awaits_snapshot => {
                v1::OutputFrom { from: Some(v1::output_from::From::Position(next)) }
            }
            Some(_) | None => *asked,
        }
    }

    /// The position of the next byte, once it is known.
    pub(crate) const fn next(&self) -> Option<v1::OutputPosition> {
        self.next
    }

    /// Output begins here.
    pub(crate) fn begin(&mut self, position: v1::OutputPosition) {
        self.next = Some(position);
    }

    /// Takes a frame; what it means to the follower, if anything. `Attached` and `InputAck` are
    /// not for it.
    pub(crate) fn take(
        &mut self,
        frame: v1::terminal_frame::Frame,
        out: &mut impl FnMut(TerminalEvent),
    ) -> Result<(), Error> {
        use v1::terminal_frame::Frame;
        match frame {
            Frame::Output(output) => self.output(output, out),
            Frame::Snapshot(snapshot) => {
                self.awaits_snapshot = false;
                self.next = Some(position(snapshot.position)?);
                out(TerminalEvent::Snapshot(snapshot));
            }
            Frame::Gap(gap) => {
                let (from, to) = (position(gap.from)?, position(gap.to)?);
                if self.advance_to(to) {
                    out(TerminalEvent::Gap { from, to });
                }
            }
            Frame::Resized(resized) => out(TerminalEvent::Resized {
                at: position(resized.at)?,
                size: resized.size.ok_or_else(|| Error::missing("resized.size"))?,
            }),
            Frame::ControlChanged(changed) => out(TerminalEvent::ControlChanged(changed)),
            Frame::StateChanged(changed) => out(TerminalEvent::StateChanged {
                state: changed.state(),
                incarnation: changed.incarnation,
            }),
            Frame::Exited(exited) => self.exited(exited, out)?,
            Frame::InputRefused(refused) => {
                out(TerminalEvent::InputRefused { message: refused.message });
            }
            Frame::Pong(pong) => out(TerminalEvent::Pong { id: pong.id }),
            Frame::End(end) => {
                out(TerminalEvent::End { reason: end.reason(), message: end.message });
            }
            Frame::Attached(_) | Frame::InputAck(_) => {}
        }
        Ok(())
    }

    /// After a cut the daemon tells the end of the run again.
    fn exited(
        &mut self,
        exited: v1::Exited,
        out: &mut impl FnMut(TerminalEvent),
    ) -> Result<(), Error> {
        let incarnation = position(exited.position)?.incarnation;
        if incarnation > self.exited {
            self.exited = incarnation;
            out(TerminalEvent::Exited(exited));
        }
        Ok(())
    }

    /// Cuts off what was yielded before; a hole that nobody announced is a gap.
    fn output(&mut self, output: v1::Output, out: &mut impl FnMut(TerminalEvent)) {
        let v1::Output { offset, mut data, incarnation } = output;
        let mut first = v1::OutputPosition { incarnation, offset };
        if let Some(next) = self.next {
            if order(next) > order(first) {
                if next.incarnation != incarnation {
                    return;
                }
                let known = usize::try_from(next.offset - offset).unwrap_or(usize::MAX);
                if known >= data.len() {
                    return;
                }
                data.advance(known);
                first = next;
            } else if next.incarnation == incarnation && next != first {
                out(TerminalEvent::Gap { from: next, to: first });
            }
        }
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.next = Some(v1::OutputPosition { incarnation, offset: first.offset + length });
        if !data.is_empty() {
            out(TerminalEvent::Output { position: first, data });
        }
    }

    /// Goes forward, never back; whether it did.
    fn advance_to(&mut self, to: v1::OutputPosition) -> bool {
        let forward = self.next.is_none_or(|next| order(to) > order(next));
        if forward {
            self.next = Some(to);
        }
        forward
    }
}

const fn order(position: v1::OutputPosition) -> (u32, u64) {
    (position.incarnation, position.offset)
}

pub(crate) fn position(position: Option<v1::OutputPosition>) -> Result<v1::OutputPosition, Error> {
    position.ok_or_else(|| Error::missing("a position"))
}

#[cfg(test)]
mod tests {
    use v1::terminal_frame::Frame;

    use super::*;

    const fn at(incarnation: u32, offset: u64) -> v1::OutputPosition {
        v1::OutputPosition { incarnation, offset }
    }

    fn output(incarnation: u32, offset: u64, data: &'static [u8]) -> Frame {
        Frame::Output(v1::Output { offset, data: Bytes::from_static(data), incarnation })
    }

    fn follow(cursor: &mut Cursor, frames: Vec<Frame>) -> Vec<TerminalEvent> {
        let mut events = Vec::new();
        for frame in frames {
            cursor.take(frame, &mut |event| events.push(event)).unwrap();
        }
        events
    }

    fn from_start() -> (v1::OutputFrom, Cursor) {
        let asked = v1::OutputFrom { from: Some(v1::output_from::From::Start(v1::LogStart {})) };
        (asked, Cursor::asking(&asked))
    }

    #[test]
    fn bytes_that_were_yielded_before_are_cut_off() {
        let (_, mut cursor) = from_start();
        cursor.begin(at(1, 0));

        let events = follow(
            &mut cursor,
            vec![output(1, 0, b"abc"), output(1, 1, b"bcde"), output(1, 0, b"a")],
        );

        let yielded: Vec<_> = events
            .iter()
            .map(|event| match event {
                TerminalEvent::Output { position, data } => (position.offset, data.as_ref()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(yielded, [(0, b"abc".as_slice()), (3, b"de")]);
    }

    #[test]
    fn a_hole_is_a_gap_whether_announced_or_not() {
        let (_, mut cursor) = from_start();
        cursor.begin(at(1, 0));
        let announced = v1::Gap { from: Some(at(1, 3)), to: Some(at(1, 10)) };

        let events = follow(
            &mut cursor,
            vec![output(1, 0, b"abc"), Frame::Gap(announced), output(1, 12, b"x")],
        );

        assert_eq!(events[1], TerminalEvent::Gap { from: at(1, 3), to: at(1, 10) });
        assert_eq!(events[2], TerminalEvent::Gap { from: at(1, 10), to: at(1, 12) });
    }

    #[test]
    fn the_next_run_begins_at_its_own_first_byte() {
        let (asked, mut cursor) = from_start();
        cursor.begin(at(1, 0));

        let events = follow(&mut cursor, vec![output(1, 0, b"abc"), output(2, 0, b"d")]);

        assert_eq!(events.len(), 2);
        let resume = cursor.resume(&asked).from;
        assert_eq!(resume, Some(v1::output_from::From::Position(at(2, 1))));
    }

    #[test]
    fn a_screen_that_did_not_come_is_asked_for_again() {
        let asked = v1::OutputFrom { from: None };
        let mut cursor = Cursor::asking(&asked);
        cursor.begin(at(1, 7));

        assert_eq!(cursor.resume(&asked), asked);

        let snapshot = v1::Snapshot { position: Some(at(1, 7)), data: Bytes::new(), size: None };
        follow(&mut cursor, vec![Frame::Snapshot(snapshot)]);
        let resume = cursor.resume(&asked).from;
        assert_eq!(resume, Some(v1::output_from::From::Position(at(1, 7))));
    }
}
