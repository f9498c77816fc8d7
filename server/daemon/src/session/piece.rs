//! One piece of output, read once.

use bytes::{Bytes, BytesMut};
use codeplane_core::Offset;
use codeplane_shim::{LogReader, Read};

/// Bytes of a log and where they begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where they begin: later than asked for if output is gone.
    pub(crate) offset: Offset,
    /// The bytes; none at the end.
    pub(crate) data: Bytes,
}

impl Piece {
    /// Reads up to `limit` bytes between two positions. Blocks.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn read(
        mut reader: LogReader,
        from: Offset,
        to: Offset,
        limit: usize,
    ) -> std::io::Result<Self> {
        let wanted = usize::try_from(to.since(from)).unwrap_or(limit).min(limit);
        let mut buffer = BytesMut::zeroed(wanted);
        let mut offset = from;
        loop {
            match reader.read(offset, to, &mut buffer)? {
                Read::Bytes(count) => {
                    buffer.truncate(count);
                    return Ok(Self { offset, data: buffer.freeze() });
                }
                Read::Gap { to: behind, .. } => offset = behind,
                Read::Empty => return Ok(Self { offset, data: Bytes::new() }),
            }
        }
    }
}
