//! How units are shown of a line that holds characters which show one thing and mean another.

use super::super::request::{Request, Unit};
use super::super::shell;
use super::reader::Reader;

/// Shows each unit as it was written. A line is understood without its odd characters, so that what
/// denies finds it; whoever has to decide about it must see that they are there.
pub(super) fn as_written(units: &mut [Unit], text: &str, request: &Request) {
    if !shell::has_odd_characters(text) {
        return;
    }
    let mut reader = Reader::new(request);
    shell::read_as_written(text).commands.iter().for_each(|command| reader.command(command));
    let written = reader.units;
    let fit = written.len() == units.len()
        && units.iter().zip(&written).all(|(unit, written)| says(&written.text, &unit.text));
    for (at, unit) in units.iter_mut().enumerate() {
        // Where they cannot be told apart, each is shown as all of it.
        let whole = text.to_owned();
        unit.text = written.get(at).filter(|_| fit).map_or(whole, |written| written.text.clone());
    }
}

/// Whether a text is another with odd characters in it.
fn says(written: &str, understood: &str) -> bool {
    let plain = shell::without_odd_characters(written);
    plain.split_whitespace().eq(understood.split_whitespace())
}
