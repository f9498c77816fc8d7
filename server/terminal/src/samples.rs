//! Outputs for tests.

use proptest::prelude::*;

/// Sequences that change modes.
pub(crate) fn mode_changes() -> impl Strategy<Value = Vec<u8>> {
    let one = proptest::sample::select(vec![
        &b"\x1b[?1h"[..],
        b"\x1b[?7l",
        b"\x1b[?25l",
        b"\x1b[?1000h",
        b"\x1b[?1003;1006h",
        b"\x1b[?1016h",
        b"\x1b[?2004h",
        b"\x1b[?2026h",
        b"\x1b[?1004h",
        b"\x1b[?6h",
        b"\x1b=",
        b"\x1b[4h",
        b"\x1b[20h",
        b"\x1b[3;9r",
        b"\x1b[>5u",
        b"\x1b[=3u",
        b"\x1b[<u",
        b"\x1b[>4;2m",
        b"\x1b[5 q",
        b"\x1b[?12h",
        b"\x1b(0",
        b"\x0e",
        b"\x1b[1;31m",
        b"\x1b]11;#123456\x07",
        b"\x1b]4;3;#123456\x07",
        b"\x1b]8;;http://x\x07",
        b"\x1b[?1049h",
        b"\x1b[?1049l",
        b"\x1b7",
        b"\x1b8",
        b"\x1b]2;t\x07",
    ]);
    proptest::collection::vec(one, 0..20).prop_map(|parts| parts.concat())
}
