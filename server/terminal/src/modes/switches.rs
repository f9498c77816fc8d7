//! DEC private modes that are on or off.

/// What a mode is before a program touches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Initially {
    On,
    Off,
    /// Terminals differ.
    Varies,
}

/// Every mode that is followed, with its state in a new terminal. The position in this table is
/// the bit in memory and not stable; the number is.
const TABLE: [(u16, Initially); 34] = [
    (1, Initially::Off),       // application cursor keys
    (4, Initially::Off),       // smooth scroll
    (5, Initially::Off),       // reverse video
    (6, Initially::Off),       // origin
    (7, Initially::On),        // autowrap
    (8, Initially::On),        // autorepeat
    (9, Initially::Off),       // mouse: presses only
    (25, Initially::On),       // cursor visible
    (45, Initially::Off),      // reverse wrap
    (66, Initially::Off),      // application keypad
    (67, Initially::Varies),   // backarrow sends backspace
    (69, Initially::Off),      // left and right margins
    (80, Initially::Varies),   // sixel scrolling
    (1000, Initially::Off),    // mouse: presses and releases
    (1001, Initially::Off),    // mouse: highlight
    (1002, Initially::Off),    // mouse: drags
    (1003, Initially::Off),    // mouse: every motion
    (1004, Initially::Off),    // focus
    (1005, Initially::Off),    // mouse in UTF-8
    (1006, Initially::Off),    // mouse in SGR form
    (1007, Initially::Varies), // wheel as cursor keys on the alternate screen
    (1015, Initially::Off),    // mouse in urxvt form
    (1016, Initially::Off),    // mouse in SGR form, pixels
    (1034, Initially::Varies), // meta as the eighth bit
    (1035, Initially::Varies), // special modifiers
    (1036, Initially::Varies), // meta sends escape
    (1039, Initially::Varies), // alt sends escape
    (1042, Initially::Varies), // bell is urgent
    (2004, Initially::Off),    // bracketed paste
    (2026, Initially::Off),    // synchronized update
    (2027, Initially::Varies), // grapheme clusters
    (2031, Initially::Off),    // colour scheme reports
    (2048, Initially::Off),    // size reports
    (9001, Initially::Off),    // win32 input
];

/// Of these at most one is on.
const MOUSE_EVENTS: [u16; 5] = [9, 1000, 1001, 1002, 1003];
/// Of these at most one is on.
const MOUSE_FORMS: [u16; 4] = [1005, 1006, 1015, 1016];

/// The states of all modes of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Switches {
    on: u64,
    /// Set or reset by the program since the terminal was new.
    touched: u64,
    /// What XTSAVE kept, and of which modes.
    saved_on: u64,
    saved: u64,
}

fn bit_of(mode: u16) -> Option<u64> {
    TABLE.binary_search_by_key(&mode, |(number, _)| *number).ok().map(|index| 1 << index)
}

fn bits_of(modes: &[u16]) -> u64 {
    modes.iter().filter_map(|mode| bit_of(*mode)).fold(0, |bits, bit| bits | bit)
}

impl Default for Switches {
    fn default() -> Self {
        let on = TABLE.iter().enumerate().filter(|(_, (_, initially))| *initially == Initially::On);
        Self {
            on: on.fold(0, |bits, (index, _)| bits | 1 << index),
            touched: 0,
            saved_on: 0,
            saved: 0,
        }
    }
}

impl Switches {
    /// Whether `mode` is on; none if it is not followed.
    pub(crate) fn get(&self, mode: u16) -> Option<bool> {
        bit_of(mode).map(|bit| self.on & bit != 0)
    }

    /// Whether `mode` is on.
    pub(crate) fn is_on(&self, mode: u16) -> bool {
        self.get(mode) == Some(true)
    }

    /// Turns `mode` on, and off what it excludes.
    pub(crate) fn turn_on(&mut self, mode: u16) {
        let Some(bit) = bit_of(mode) else { return };
        for group in [&MOUSE_EVENTS[..], &MOUSE_FORMS[..]] {
            if group.contains(&mode) {
                self.on &= !bits_of(group);
            }
        }
        self.on |= bit;
        self.touched |= bit;
    }

    /// Turns `mode` off.
    pub(crate) fn turn_off(&mut self, mode: u16) {
        if let Some(bit) = bit_of(mode) {
            self.on &= !bit;
            self.touched |= bit;
        }
    }

    /// Keeps the state of `mode` for [`saved`](Self::saved).
    pub(crate) fn save(&mut self, mode: u16) {
        if let Some(bit) = bit_of(mode) {
            self.saved |= bit;
            self.saved_on = (self.saved_on & !bit) | (self.on & bit);
        }
    }

    /// The state of `mode` when it was saved, if it was.
    pub(crate) fn saved(&self, mode: u16) -> Option<bool> {
        let bit = bit_of(mode)?;
        (self.saved & bit != 0).then_some(self.saved_on & bit != 0)
    }

    /// Whether every new terminal has `mode` in the same state.
    pub(crate) fn has_known_default(&self, mode: u16) -> bool {
        TABLE.iter().any(|(known, initially)| *known == mode && *initially != Initially::Varies)
    }

    /// The modes that a new terminal has not, or may not have, in their present state.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (u16, bool)> + '_ {
        TABLE.iter().enumerate().filter_map(|(index, (mode, initially))| {
            let bit = 1 << index;
            let on = self.on & bit != 0;
            let differs = match initially {
                Initially::On => !on,
                Initially::Off => on,
                Initially::Varies => true,
            };
            (differs && self.touched & bit != 0).then_some((*mode, on))
        })
    }

    /// Everything, by mode number, for files: mode, and its bit of each field.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u16, u8)> + '_ {
        let fields = [self.on, self.touched, self.saved, self.saved_on];
        TABLE.iter().enumerate().map(move |(index, (mode, _))| {
            let flags =
                (0..).zip(fields).map(|(flag, bits)| u8::from(bits & (1 << index) != 0) << flag);
            (*mode, flags.sum())
        })
    }

    /// Takes back one of [`entries`](Self::entries); a mode that is not followed is dropped.
    pub(crate) fn set_entry(&mut self, mode: u16, flags: u8) {
        let Some(bit) = bit_of(mode) else { return };
        let fields = [&mut self.on, &mut self.touched, &mut self.saved, &mut self.saved_on];
        for (flag, field) in fields.into_iter().enumerate() {
            *field = (*field & !bit) | if flags & (1 << flag) == 0 { 0 } else { bit };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(TABLE.is_sorted_by_key(|(mode, _)| *mode));
    }

    #[test]
    fn mouse_modes_exclude_each_other() {
        let mut switches = Switches::default();

        for mode in [1000, 1006, 1003, 1016] {
            switches.turn_on(mode);
        }

        assert_eq!(switches.changed().collect::<Vec<_>>(), [(1003, true), (1016, true)]);
    }

    #[test]
    fn a_mode_set_back_is_not_changed_unless_terminals_differ_on_it() {
        let mut switches = Switches::default();

        for mode in [7, 25, 2004, 1007] {
            switches.turn_off(mode);
            switches.turn_on(mode);
            switches.turn_off(mode);
        }

        let changed: Vec<_> = switches.changed().collect();
        assert_eq!(changed, [(7, false), (25, false), (1007, false)]);
    }
}
