//! What waits, and which of it is looked at.

use codeplane_client::v1;

/// Approvals, oldest first.
///
/// Only its user moves the selection. One that is decided elsewhere while it is selected stays until
/// then: a key must never meet another approval than the one it was meant for.
#[derive(Debug, Default)]
pub(super) struct Queue {
    approvals: Vec<v1::Approval>,
    selected: usize,
}

impl Queue {
    /// Takes what has changed.
    pub(super) fn apply(&mut self, changes: Vec<v1::Approval>) {
        for change in changes {
            let place = self.approvals.iter().position(|one| one.id == change.id);
            let waits = is_pending(&change);
            match place {
                Some(place) if waits || place == self.selected => self.approvals[place] = change,
                Some(place) => self.remove(place),
                None if waits => self.approvals.push(change),
                None => {}
            }
        }
    }

    fn remove(&mut self, place: usize) {
        self.approvals.remove(place);
        if place < self.selected {
            self.selected -= 1;
        }
    }

    /// Selects the one so many places on; leaves what is decided behind.
    pub(super) fn step(&mut self, by: isize) {
        let is_over = self.selected().is_some_and(|one| !is_pending(one));
        let mut by = by;
        if is_over {
            self.approvals.remove(self.selected);
            // The next one has taken its place.
            by -= isize::from(by > 0);
        }
        let last = self.approvals.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    pub(super) fn selected(&self) -> Option<&v1::Approval> {
        self.approvals.get(self.selected)
    }

    pub(super) fn find(&self, id: &str) -> Option<&v1::Approval> {
        self.approvals.iter().find(|one| one.id == id)
    }

    /// All of them, and the place of the selected one.
    pub(super) fn all(&self) -> (&[v1::Approval], usize) {
        (&self.approvals, self.selected)
    }

    /// How many wait.
    pub(super) fn pending(&self) -> usize {
        self.approvals.iter().filter(|one| is_pending(one)).count()
    }
}

/// Whether it waits for a decision.
pub(super) fn is_pending(approval: &v1::Approval) -> bool {
    approval.state() == v1::ApprovalState::Pending
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approval(id: &str, state: v1::ApprovalState) -> v1::Approval {
        v1::Approval { id: id.into(), state: state.into(), ..Default::default() }
    }

    fn queue(ids: &[&str]) -> Queue {
        let mut queue = Queue::default();
        queue.apply(ids.iter().map(|id| approval(id, v1::ApprovalState::Pending)).collect());
        queue
    }

    fn ids(queue: &Queue) -> Vec<&str> {
        queue.all().0.iter().map(|one| one.id.as_str()).collect()
    }

    fn selected(queue: &Queue) -> &str {
        queue.selected().map(|one| one.id.as_str()).unwrap_or_default()
    }

    #[test]
    fn what_is_decided_elsewhere_goes_and_the_selection_stays_where_it_is() {
        let mut queue = queue(&["a", "b", "c"]);
        queue.step(1);

        queue.apply(vec![approval("a", v1::ApprovalState::Denied)]);

        assert_eq!((ids(&queue), selected(&queue)), (vec!["b", "c"], "b"));
    }

    #[test]
    fn the_selected_one_stays_until_it_is_left() {
        let mut queue = queue(&["a", "b"]);

        queue.apply(vec![approval("a", v1::ApprovalState::Allowed)]);
        assert_eq!((ids(&queue), selected(&queue), queue.pending()), (vec!["a", "b"], "a", 1));

        queue.step(1);
        assert_eq!((ids(&queue), selected(&queue)), (vec!["b"], "b"));
    }

    #[test]
    fn what_is_over_is_left_in_both_directions() {
        for (by, expected) in [(1, "c"), (-1, "a"), (5, "c")] {
            let mut queue = queue(&["a", "b", "c"]);
            queue.step(1);
            queue.apply(vec![approval("b", v1::ApprovalState::Allowed)]);

            queue.step(by);

            assert_eq!((ids(&queue), selected(&queue)), (vec!["a", "c"], expected), "{by}");
        }
    }

    #[test]
    fn the_last_one_goes_when_it_is_left_although_there_is_no_other() {
        let mut queue = queue(&["a"]);
        queue.apply(vec![approval("a", v1::ApprovalState::Allowed)]);

        queue.step(1);

        assert_eq!(ids(&queue), [""; 0]);
        queue.step(-1);
        assert_eq!(selected(&queue), "");
    }

    #[test]
    fn a_new_one_comes_last() {
        let mut queue = queue(&["a"]);

        queue.apply(vec![approval("b", v1::ApprovalState::Pending)]);
        queue.apply(vec![approval("x", v1::ApprovalState::Expired)]);

        assert_eq!((ids(&queue), selected(&queue)), (vec!["a", "b"], "a"));
    }
}
