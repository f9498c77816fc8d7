//! What is known of terminals: bytes in, facts out.

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
pub use stream::{SEQUENCE_LIMIT, Span, Terminator};
pub use text::{PlainText, strip_escapes};
pub use trail::ModesTrail;
pub use visible::visible;
