//! What a caller may do.

use std::fmt;

/// What a caller may do. A role includes nothing of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Sees sessions, their output and events.
    Viewer,
    /// Creates, types into, stops and deletes sessions.
    Operator,
    /// Decides what agents may do.
    Approver,
    /// Runs the daemon.
    Admin,
    /// The program inside a session. Nobody is given it: it is what a session's processes are.
    Agent,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Viewer, Self::Operator, Self::Approver, Self::Admin, Self::Agent];

    /// The word in configuration and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
            Self::Agent => "agent",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    const fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// Those that people and services hold.
    pub const HUMAN: Self =
        Self(Role::Viewer.bit() | Role::Operator.bit() | Role::Approver.bit() | Role::Admin.bit());
    /// That of a program inside a session, which is never joined with another one.
    pub const AGENT: Self = Self(Role::Agent.bit());

    /// Whether `role` is among them.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<T: IntoIterator<Item = Role>>(roles: T) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}

/// A socket of the daemon: what is served differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `cpd.sock`: people and services.
    Operators,
    /// `hook.sock`: programs inside sessions.
    Hooks,
}

/// Whether a call is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Admitted,
    /// The caller lacks the role.
    Lacks(Role),
    /// There is no such method at this door.
    NotHere,
}

impl Door {
    /// Whether a caller with `roles` may call a method that needs `role` at this door.
    #[must_use]
    pub const fn admits(self, role: Role, roles: Roles) -> Admission {
        let is_here = match (self, role) {
            (Self::Operators, Role::Viewer | Role::Operator | Role::Approver | Role::Admin)
            | (Self::Hooks, Role::Agent) => true,
            (Self::Operators, Role::Agent)
            | (Self::Hooks, Role::Viewer | Role::Operator | Role::Approver | Role::Admin) => false,
        };
        match (is_here, roles.contains(role)) {
            (false, _) => Admission::NotHere,
            (true, true) => Admission::Admitted,
            (true, false) => Admission::Lacks(role),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_includes_nothing_of_another_one() {
        for held in Role::ALL {
            let roles: Roles = [held].into_iter().collect();
            for role in Role::ALL {
                assert_eq!(roles.contains(role), role == held, "{held} and {role}");
            }
            assert!(roles.iter().eq([held]));
        }
        assert!(!Roles::HUMAN.contains(Role::Agent));
        assert_eq!(Roles::HUMAN.iter().count(), 4);
        assert!(Roles::NONE.is_empty());
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }

    #[test]
    fn no_role_opens_the_other_door() {
        let everything = Roles::HUMAN.or(Roles::AGENT);
        for role in Role::ALL {
            let human = role != Role::Agent;
            let at = |door: Door| door.admits(role, everything) == Admission::Admitted;
            assert_eq!((at(Door::Operators), at(Door::Hooks)), (human, !human), "{role}");
        }
    }
}
