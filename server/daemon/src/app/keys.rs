//! Typing named keys.

use codeplane_core::{OutputPosition, RequestId, Violations};
use codeplane_terminal::keys::{Key, encode};

use super::error::Error;
use super::typing::{Over, TypeRequest};
use super::{App, Caller};

/// Most keys of one call.
const KEYS: usize = 1000;

/// Keys of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyRequest<'a> {
    /// Their names.
    pub(crate) keys: &'a [String],
    /// A repetition with the same id is not typed again.
    pub(crate) request: Option<RequestId>,
    /// Whose control to override.
    pub(crate) over: Over,
}

impl App {
    /// Types named keys, encoded for the modes the program has set.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every unknown name; and those of [`App::type_bytes`].
    pub(crate) async fn type_keys(
        &self,
        caller: &Caller,
        reference: &str,
        typed: KeyRequest<'_>,
    ) -> Result<OutputPosition, Error> {
        let keys = parse(typed.keys)?;
        let live = self.find(reference)?;
        let modes = self.surroundings.watcher().modes(&live).await.map_err(|_| Error::Busy)?;
        let bytes: Vec<u8> = keys.into_iter().flat_map(|key| encode(key, &modes)).collect();
        let bytes = TypeRequest { bytes: &bytes, request: typed.request, over: typed.over };
        self.type_bytes(caller, reference, bytes).await
    }
}

fn parse(names: &[String]) -> Result<Vec<Key>, Error> {
    let mut violations = Violations::none();
    if names.is_empty() {
        violations.add("keys", "must name a key");
    }
    if names.len() > KEYS {
        violations.add("keys", format!("names {} keys: at most {KEYS}", names.len()));
    }
    let parsed: Vec<Key> = names
        .iter()
        .take(KEYS)
        .enumerate()
        .filter_map(|(i, name)| violations.check(format!("keys[{i}]"), Key::parse(name)))
        .collect();
    violations.into_result(parsed).map_err(Error::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unknown_key_is_named() {
        let names = ["enter", "nokey", "ctrl+c", "ctrl+nokey"].map(str::to_owned);

        let Err(Error::Invalid(violations)) = parse(&names) else { panic!("it was taken") };

        let fields: Vec<_> = violations.as_slice().iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["keys[1]", "keys[3]"]);
        assert!(parse(&[]).is_err());
        assert_eq!(parse(&names[..1]).unwrap().len(), 1);
    }
}
