//! What makes a log a recording: times, sizes, authors and gaps by offset.

mod reader;
mod record;
mod writer;

pub use reader::IndexReader;
pub use record::{IndexRecord, IndexRecordKind};
pub(crate) use writer::IndexWriter;
