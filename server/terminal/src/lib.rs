//! What is known of terminals: bytes in, facts out.
//!
//! Nothing here reads, waits or draws. A log of a session's output is followed by a [`Scanner`],
//! which costs next to nothing and knows at every byte what the program asked, said and set
//! ([`Modes`]). Only when somebody asks for the screen does an emulator read the log (`Screen`, with
//! the feature `emulator`), and of a long one only the end (`converge`, from a place of a
//! [`ModesTrail`]). A [`Checkpoint`] stands in for output that is gone.
//!
//! On a user's side, an [`OutputFilter`] keeps away from the terminal what it must not answer, and
//! [`Modes::undo`] gives it back as it was. [`keys`] are encoded for the modes a program set;
//! [`PlainText`] is the output as a search should see it, and [`visible`] makes what a session says
//! fit to be printed.
//!
//! All of these give the same result however the bytes are cut into pieces.

mod checkpoint;
mod colour;
#[cfg(feature = "emulator")]
mod emulator;
mod filter;
pub mod keys;
mod modes;
mod pen;
mod query;
#[cfg(test)]
mod samples;
mod scanner;
mod status;
mod stream;
mod text;
mod trail;
mod visible;

pub use checkpoint::{Checkpoint, CheckpointError};
/// Where in an output; part of this crate's interface.
pub use codeplane_core::Offset;
pub use colour::{Colour, Rgb, initial_palette};
#[cfg(feature = "emulator")]
pub use emulator::{
    CharWidth, Resize, RowEnd, Screen, ScreenSnapshot, SnapshotCursor, SnapshotRow, Tail, TextRun,
    Visibility, converge,
};
pub use filter::OutputFilter;
pub use modes::{
    Charset, Charsets, CursorShape, CursorStyle, KeyboardFlags, Modes, Palette, PaletteEntry,
    Region, ScreenKind, Shift, Theme,
};
pub use pen::{Attributes, Hyperlink, Pen, Underline};
pub use query::{CellPixels, ColourQuery, CursorPosition, Query, ReplyContext, reply_to};
pub use scanner::{Fact, FactKind, Scanner};
pub use status::ProgramStatus;
pub use stream::{SEQUENCE_LIMIT, Span, Terminator};
pub use text::{PlainText, strip_escapes};
pub use trail::ModesTrail;
pub use visible::visible;
