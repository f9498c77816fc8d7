//! Approvals as people see them.

use codeplane_core::{Approval, ApprovalId, ApprovalState, Decision, Filter, Timestamp};
use codeplane_store::ApprovalFilter;

use super::super::hooks::subject_of;
use super::super::{App, Error};

/// What approvals can be filtered on.
pub(crate) const APPROVAL_FILTER_FIELDS: [&str; 2] = ["state", "session"];

/// An approval with what it decides.
#[derive(Clone, Debug)]
pub(crate) struct ApprovalView {
    /// The approval.
    pub approval: Approval,
    /// The call.
    pub decision: Option<Decision>,
    /// The name of its session, if it has one and exists.
    pub session_name: String,
    /// The agent's questions.
    pub questions: Vec<crate::agents::Question>,
    /// What was answered to them: question and answer.
    pub answers: Vec<(String, String)>,
    /// What other input than the agent's would do, for people; none: its input is as it was.
    pub updated_subject: Option<String>,
}

/// Some approvals, and where the next page begins.
#[derive(Clone, Debug)]
pub(crate) struct ApprovalsPage {
    /// The newest first.
    pub approvals: Vec<ApprovalView>,
    /// To be given to the next call; none at the end.
    pub next: Option<(Timestamp, ApprovalId)>,
}

impl App {
    /// One approval.
    ///
    /// # Errors
    /// [`Error::NoSuch`], [`Error::Ambiguous`]; those of the store.
    pub(crate) async fn approval(&self, reference: &str) -> Result<ApprovalView, Error> {
        let approval = self.find_approval(reference).await?;
        self.view_of(approval).await
    }

    /// Approvals, the newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter; those of the store.
    pub(crate) async fn list_approvals(
        &self,
        filter: &Filter,
        size: usize,
        after: Option<(Timestamp, ApprovalId)>,
    ) -> Result<ApprovalsPage, Error> {
        let mut wanted = ApprovalFilter::default();
        for term in filter.terms() {
            match term.field.as_str() {
                "state" => wanted.state = Some(state(&term.value)?),
                // Approvals outlive their session.
                _ => wanted.session = Some(self.find_recorded(&term.value).await?),
            }
        }
        let page = self.store.list_approvals(wanted, size, after).await;
        let page = page.map_err(|error| self.store_error(error))?;
        let mut approvals = Vec::with_capacity(page.approvals.len());
        for approval in page.approvals {
            approvals.push(self.view_of(approval).await?);
        }
        Ok(ApprovalsPage { approvals, next: page.next })
    }

    /// An approval by its id or the beginning of one.
    pub(super) async fn find_approval(&self, reference: &str) -> Result<Approval, Error> {
        let shown = || reference.escape_debug().to_string();
        let Some(digits) = id_digits(reference) else {
            return Err(Error::NoSuch { what: "approval", name: shown() });
        };
        let found = self.store.approvals_with_prefix(digits).await;
        let mut found = found.map_err(|error| self.store_error(error))?;
        match found.len() {
            0 => Err(Error::NoSuch { what: "approval", name: shown() }),
            1 => Ok(found.remove(0)),
            count => Err(Error::Ambiguous { what: "approval", text: shown(), count }),
        }
    }

    /// An approval with what it decides.
    pub(in crate::app) async fn view_of(&self, approval: Approval) -> Result<ApprovalView, Error> {
        let decision = self.store.decision(approval.asked.decision).await;
        let decision = decision.map_err(|error| self.store_error(error))?;
        let live = self.registry.get(approval.asked.session);
        let name = live.and_then(|live| live.session().spec.name);
        let updated = approval.resolution.as_ref().and_then(|end| end.updated_input.as_deref());
        let (mut answers, mut updated_subject) = (Vec::new(), None);
        if let (Some(decision), Some(input)) = (&decision, updated) {
            answers = super::decide::answers(decision, input);
            updated_subject = answers.is_empty().then(|| subject_of(decision, input));
        }
        Ok(ApprovalView {
            answers,
            updated_subject,
            session_name: name.map(|name| name.to_string()).unwrap_or_default(),
            questions: decision.as_ref().map(super::decide::questions).unwrap_or_default(),
            approval,
            decision,
        })
    }
}

/// What may be the beginning of an id, as ids are written: four characters or more.
pub(in crate::app) fn id_digits(reference: &str) -> Option<String> {
    let digits = reference.to_lowercase();
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (digits.len() >= 4 && plain).then_some(digits)
}

fn state(text: &str) -> Result<ApprovalState, Error> {
    ApprovalState::parse(text).ok_or_else(|| {
        let shown = text.escape_debug();
        Error::invalid("filter", format!("'{shown}' is not a state of an approval"))
    })
}
