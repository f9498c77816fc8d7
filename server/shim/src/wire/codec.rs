//! Little-endian fields, one after the other.

use codeplane_core::TerminalSize;

/// Appends fields to a message.
#[derive(Debug)]
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn i32(&mut self, value: i32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// Bytes whose number both sides know.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Bytes after their number. Nothing here is longer than a message or a launch, which are
    /// bounded far below 4 GiB.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).raw(bytes)
    }

    pub(crate) fn size(&mut self, size: TerminalSize) -> &mut Self {
        self.u16(size.cols()).u16(size.rows())
    }
}

/// Takes fields off the front of a message. Every method is `None` at its end, so that a field of
/// a later version can have a default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn raw(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.raw(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u32()?).ok()?;
        self.raw(len)
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    pub(crate) fn size(&mut self) -> Option<TerminalSize> {
        let (cols, rows) = (self.u16()?, self.u16()?);
        TerminalSize::new(u32::from(cols), u32::from(rows)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer};

    #[test]
    fn a_message_cut_anywhere_gives_none_and_never_panics() {
        let mut message = Vec::new();
        Writer(&mut message).u8(1).u16(2).u32(3).u64(4).bytes(b"five");

        for cut in 0..message.len() {
            let mut reader = Reader(&message[..cut]);
            let whole = (|| {
                reader.u8()?;
                reader.u16()?;
                reader.u32()?;
                reader.u64()?;
                reader.bytes()
            })();
            assert_eq!(whole, None, "cut at {cut}");
        }
    }

    #[test]
    fn a_length_beyond_the_message_is_refused() {
        assert_eq!(Reader(&[255, 255, 255, 255, 1]).bytes(), None);
    }
}
