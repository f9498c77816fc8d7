//! Which users may do what.

use std::collections::BTreeMap;

use codeplane_core::{Role, Roles};
use serde::{Deserialize, Deserializer, de};

/// What users may do, by their names or numbers as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct RolesConfig(BTreeMap<String, Granted>);

/// The roles of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Granted(Roles);

/// What each user may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleTable {
    own: u32,
    others: BTreeMap<u32, Roles>,
}

impl RolesConfig {
    /// What is wrong, one line each; `user_id` knows the numbers of users.
    pub(crate) fn problems(&self, user_id: impl Fn(&str) -> Option<u32>) -> Vec<String> {
        let unknown = self.0.keys().filter(|user| number(user, &user_id).is_none());
        unknown
            .map(|user| format!("roles.{user}: no user of this name; write a name or a number"))
            .collect()
    }
}

impl RoleTable {
    /// The table for a daemon that runs as `own`. Users that are not there (any more) get nothing.
    #[must_use]
    pub(crate) fn new(
        config: &RolesConfig,
        own: u32,
        user_id: impl Fn(&str) -> Option<u32>,
    ) -> Self {
        let mut others = BTreeMap::<u32, Roles>::new();
        for (user, granted) in &config.0 {
            if let Some(uid) = number(user, &user_id) {
                // A user may be there twice, by name and by number.
                let roles = others.entry(uid).or_default();
                *roles = roles.or(granted.0);
            }
        }
        Self { own, others }
    }

    /// What a user may do: the daemon's own everything, others what they were given.
    #[must_use]
    pub(crate) fn of(&self, uid: u32) -> Roles {
        if uid == self.own {
            return Roles::HUMAN;
        }
        self.others.get(&uid).copied().unwrap_or(Roles::NONE)
    }
}

fn number(user: &str, user_id: impl Fn(&str) -> Option<u32>) -> Option<u32> {
    user.parse().ok().or_else(|| user_id(user))
}

impl<'de> Deserialize<'de> for Granted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        let roles = words.iter().map(|word| match Role::parse(word) {
            Some(Role::Agent) | None => Err(de::Error::custom(format!(
                "'{}' is no role to give: there are viewer, operator, approver and admin",
                word.escape_debug()
            ))),
            Some(role) => Ok(role),
        });
        roles.collect::<Result<Roles, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 1000;

    /// Some people and their numbers.
    fn user_id(name: &str) -> Option<u32> {
        match name {
            "me" => Some(OWN),
            "alice" => Some(1001),
            "bob" => Some(1002),
            _ => None,
        }
    }

    fn read(text: &str) -> Result<RolesConfig, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    fn roles(text: &str, uid: u32) -> String {
        let table = RoleTable::new(&read(text).unwrap(), OWN, user_id);
        table.of(uid).iter().map(Role::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_user_may_do_what_it_was_given_and_the_daemons_own_everything() {
        let all = "viewer operator approver admin";
        let some = "alice = ['operator', 'viewer']\n1002 = ['approver']\nme = ['viewer']\n";
        for (text, uid, may) in [
            ("", OWN, all),
            ("", 0, ""),
            ("", 1001, ""),
            (some, OWN, all),
            (some, 1001, "viewer operator"),
            (some, 1002, "approver"),
            (some, 1003, ""),
            (some, 0, ""),
            ("0 = ['admin']", 0, "admin"),
            ("bob = []", 1002, ""),
            ("bob = ['viewer']\n1002 = ['operator']", 1002, "viewer operator"),
            ("ghost = ['admin']", 1003, ""),
        ] {
            assert_eq!(roles(text, uid), may, "{uid} of {text:?}");
        }
    }

    #[test]
    fn what_cannot_be_given_is_refused_by_name() {
        for text in ["alice = ['agent']", "alice = ['root']", "alice = ['']"] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains("is no role to give"), "{text}: {problem}");
        }
        assert!(read("alice = 'viewer'").is_err());
        let unknown = read("ghost = ['viewer']\nalice = ['viewer']\n-1 = ['viewer']").unwrap();
        let problems = unknown.problems(user_id);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("roles.-1: no user"), "{problems:?}");
        assert!(problems[1].starts_with("roles.ghost: no user"), "{problems:?}");
    }
}
