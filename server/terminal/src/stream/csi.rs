//! The parts of a control sequence.

/// Parameters and subparameters a terminal keeps; a sequence with more has no effect.
const MAX_PARAMS: usize = 32;
/// Intermediates, the prefix included, of a sequence with a meaning.
const MAX_INTERMEDIATES: usize = 2;

/// A control sequence: `ESC [` prefix parameters intermediates last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Csi<'a> {
    /// One of `<=>?`, or 0 for none.
    pub(crate) prefix: u8,
    params: &'a [u8],
    /// Bytes 0x20 to 0x2f before the last.
    pub(crate) intermediates: &'a [u8],
    /// The byte that says what it does.
    pub(crate) last: u8,
}

impl<'a> Csi<'a> {
    /// Takes `body`, the bytes 0x20 to 0x3f after the bracket, apart; none if they are in an order
    /// that terminals ignore.
    pub(crate) fn parse(body: &'a [u8], last: u8) -> Option<Self> {
        let csi = Self::split(body, last)?;
        let few = csi.intermediates.len() + usize::from(csi.prefix != 0) <= MAX_INTERMEDIATES;
        (few && has_few_params(csi.params)).then_some(csi)
    }

    /// The same, however many parameters and intermediates there are.
    pub(super) fn split(body: &'a [u8], last: u8) -> Option<Self> {
        let (prefix, rest) = match body.split_first() {
            Some((&prefix @ 0x3c..=0x3f, rest)) => (prefix, rest),
            Some(_) | None => (0, body),
        };
        let middle = rest.iter().position(|byte| !(0x30..=0x3b).contains(byte));
        let (params, intermediates) = rest.split_at(middle.unwrap_or(rest.len()));
        let is_ordered = intermediates.iter().all(|byte| (0x20..=0x2f).contains(byte));
        is_ordered.then_some(Self { prefix, params, intermediates, last })
    }

    /// What the sequence does: prefix, intermediates and last byte.
    pub(crate) fn function(&self) -> (u8, &'a [u8], u8) {
        (self.prefix, self.intermediates, self.last)
    }

    /// The only number, if there is no separator.
    pub(crate) fn single(&self) -> Option<u16> {
        let is_single = self.params.iter().all(u8::is_ascii_digit);
        is_single.then(|| self.params().next().map_or(0, |param| param.value))
    }

    /// Whether it has neither prefix nor intermediates.
    pub(crate) fn is_plain(&self) -> bool {
        self.prefix == 0 && self.intermediates.is_empty()
    }

    /// Whether it does nothing but move the cursor, or erase or shift cells.
    pub(crate) fn only_moves_or_erases(&self) -> bool {
        self.is_plain() && matches!(self.last, b'@'..=b'M' | b'P' | b'S' | b'T' | b'X' | b'd')
    }

    /// The parameters and subparameters in order.
    pub(crate) fn params(&self) -> Params<'a> {
        Params { rest: Some(self.params), is_sub: false }
    }

    /// The values of the parameters, without their subparameters; one 0 if there are none.
    pub(crate) fn values(&self) -> impl Iterator<Item = u16> + 'a {
        self.params().filter(|param| !param.is_sub).map(|param| param.value)
    }

    /// The value of parameter `index`, counted from 0, if it is given and not 0.
    pub(crate) fn value(&self, index: usize) -> Option<u16> {
        self.values().nth(index).filter(|value| *value != 0)
    }
}

fn has_few_params(params: &[u8]) -> bool {
    let is_separator = |byte: &&u8| matches!(byte, b';' | b':');
    params.len() < MAX_PARAMS || params.iter().filter(is_separator).count() < MAX_PARAMS
}

/// One number of a control sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Param {
    /// 0 if empty, 65,535 if larger.
    pub(crate) value: u16,
    /// Whether a colon joins it to the one before.
    pub(crate) is_sub: bool,
}

/// Iterates over the numbers of a control sequence.
#[derive(Clone, Debug)]
pub(crate) struct Params<'a> {
    rest: Option<&'a [u8]>,
    is_sub: bool,
}

impl Iterator for Params<'_> {
    type Item = Param;

    fn next(&mut self) -> Option<Param> {
        let bytes = self.rest.take()?;
        let param_is_sub = self.is_sub;
        let mut value = 0_u16;
        for (index, byte) in bytes.iter().enumerate() {
            if byte.is_ascii_digit() {
                value = value.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
            } else {
                self.is_sub = *byte == b':';
                self.rest = bytes.get(index + 1..);
                break;
            }
        }
        Some(Param { value, is_sub: param_is_sub })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(body: &str) -> Vec<(u16, bool)> {
        let csi = Csi::parse(body.as_bytes(), b'm').unwrap();
        csi.params().map(|param| (param.value, param.is_sub)).collect()
    }

    #[test]
    fn an_empty_parameter_is_zero_and_a_large_one_stops_at_65535() {
        assert_eq!(numbers(""), [(0, false)]);
        assert_eq!(numbers(";5"), [(0, false), (5, false)]);
        assert_eq!(numbers("1;;"), [(1, false), (0, false), (0, false)]);
        assert_eq!(numbers("4:3;99999999"), [(4, false), (3, true), (65_535, false)]);
    }

    #[test]
    fn prefix_parameters_and_intermediates_come_apart() {
        let csi = Csi::parse(b"?2026$", b'p').unwrap();

        assert_eq!(csi.function(), (b'?', &b"$"[..], b'p'));
        assert_eq!(csi.values().collect::<Vec<_>>(), [2026]);
    }

    #[test]
    fn what_is_out_of_order_or_too_much_has_no_effect() {
        for body in ["1?", "$1", "1<", "?!\"$", " !\""] {
            assert_eq!(Csi::parse(body.as_bytes(), b'm'), None, "{body}");
        }
        assert!(Csi::parse(";".repeat(31).as_bytes(), b'm').is_some());
        assert!(Csi::parse(";".repeat(32).as_bytes(), b'm').is_none());
    }
}
