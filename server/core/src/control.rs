//! The control lease of one terminal: who may type and set the size.

use crate::AttachmentId;

/// Who controls a terminal: one holder at a time, and those who would follow.
///
/// The newest controller holds it. When it leaves, the newest of the remaining ones follows, as
/// with windows of a dropped focus; observers never do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlLease {
    /// Oldest first; the last one is the holder.
    controllers: Vec<AttachmentId>,
}

/// What to do when another attachment holds control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquire {
    /// Take it; the other becomes an observer and may follow again later.
    Steal,
    /// Be refused.
    IfFree,
}

/// Another attachment holds control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlTaken {
    /// The one that does.
    pub holder: AttachmentId,
}

/// Whether a step changed who holds control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlChange {
    /// The holder is another one now, or nobody.
    Changed,
    /// It is the same as before.
    Unchanged,
}

impl ControlLease {
    /// Who may type now.
    #[must_use]
    pub fn holder(&self) -> Option<AttachmentId> {
        self.controllers.last().copied()
    }

    /// Asks for control on behalf of `who`.
    ///
    /// # Errors
    /// [`ControlTaken`] if another one holds it and `how` does not steal.
    pub fn acquire(
        &mut self,
        who: AttachmentId,
        how: Acquire,
    ) -> Result<ControlChange, ControlTaken> {
        match (self.holder(), how) {
            (Some(holder), Acquire::Steal | Acquire::IfFree) if holder == who => {
                return Ok(ControlChange::Unchanged);
            }
            (Some(holder), Acquire::IfFree) => return Err(ControlTaken { holder }),
            (Some(_), Acquire::Steal) | (None, Acquire::Steal | Acquire::IfFree) => {}
        }
        self.controllers.retain(|one| *one != who);
        self.controllers.push(who);
        Ok(ControlChange::Changed)
    }

    /// Gives control up, or leaves altogether.
    pub fn release(&mut self, who: AttachmentId) -> ControlChange {
        let before = self.holder();
        self.controllers.retain(|one| *one != who);
        if self.holder() == before { ControlChange::Unchanged } else { ControlChange::Changed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: AttachmentId = AttachmentId::from_bytes([1; 16]);
    const B: AttachmentId = AttachmentId::from_bytes([2; 16]);
    const C: AttachmentId = AttachmentId::from_bytes([3; 16]);

    #[test]
    fn the_newest_controller_holds_and_the_newest_remaining_follows() {
        let mut lease = ControlLease::default();
        for who in [A, B, C] {
            assert_eq!(lease.acquire(who, Acquire::Steal), Ok(ControlChange::Changed));
        }
        assert_eq!(lease.holder(), Some(C));

        assert_eq!(lease.release(B), ControlChange::Unchanged);
        assert_eq!(lease.release(C), ControlChange::Changed);
        assert_eq!(lease.holder(), Some(A));

        assert_eq!(lease.release(A), ControlChange::Changed);
        assert_eq!(lease.holder(), None);
    }

    #[test]
    fn without_stealing_a_held_lease_is_refused_and_nothing_changes() {
        let mut lease = ControlLease::default();
        lease.acquire(A, Acquire::IfFree).unwrap();

        assert_eq!(lease.acquire(B, Acquire::IfFree), Err(ControlTaken { holder: A }));
        assert_eq!(lease.holder(), Some(A));
        assert_eq!(lease.acquire(A, Acquire::IfFree), Ok(ControlChange::Unchanged));

        lease.release(A);
        assert_eq!(lease.holder(), None, "a refused client is not in line");
    }

    #[test]
    fn taking_control_again_does_not_queue_twice() {
        let mut lease = ControlLease::default();
        for who in [A, B, A] {
            lease.acquire(who, Acquire::Steal).unwrap();
        }

        lease.release(A);

        assert_eq!(lease.holder(), Some(B));
    }
}
