//! Every byte an incarnation printed, in segment files named by the offset they begin at.
//!
//! The writer appends before it tells anyone; a reader reads up to the end it was told. Bytes that
//! are missing, because retention removed them or a full disk never took them, are visible as a
//! hole between one segment's end and the next one's base.

mod reader;
mod segment;
mod writer;

pub use reader::{LogReader, Read};
pub use segment::{Segment, log_end, remove_segment, segments};
pub(crate) use writer::LogWriter;
