//! Policies from files, and back to older ones.

use std::collections::BTreeMap;

use codeplane_core::policy::{Document, Format, Problem};
use codeplane_core::{PolicyName, Violations, is_printable};
use codeplane_store::{AppliedPolicy, NewRevision, PolicyAuthor};
use sha2::{Digest, Sha256};
use tracing::info;

use super::source;
use super::values::{AppliedView, FoundIn, PolicyFile, PolicyView, findings, named};
use crate::app::{App, Caller, Error, Mutation, PolicyProblem};

/// Most policies that exist at a time. Every verdict looks through the rules of all that are bound.
const POLICIES: usize = 256;
/// Longest word of why, in bytes.
const NOTE_BYTES: usize = 1024;

/// A request to apply policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApplyRequest {
    /// What to apply.
    pub(crate) file: PolicyFile,
    /// Whether to do it.
    pub(crate) mode: ApplyMode,
    /// Why.
    pub(crate) note: String,
    /// Revisions that policies must have; 0: they must not exist.
    pub(crate) expected: BTreeMap<String, i64>,
}

/// Whether to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApplyMode {
    /// Do it.
    Write,
    /// Say what would be done.
    DryRun,
}

/// What was applied, and what is worth a second look.
#[derive(Clone, Debug)]
pub(crate) struct AppliedFile {
    /// One for each document.
    pub(crate) policies: Vec<AppliedView>,
    /// Nothing of it is an error.
    pub(crate) findings: Vec<FoundIn>,
}

/// A request to go back to an older revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RollbackRequest {
    /// The policy.
    pub(crate) policy: String,
    /// The revision; none: the one before the newest.
    pub(crate) revision: Option<i64>,
    /// The revision that the policy must have.
    pub(crate) expected: Option<i64>,
    /// Why; empty: which revision was gone back to.
    pub(crate) note: String,
}

impl App {
    /// Makes each document of a file the newest revision of its policy, unless it is: all or none.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every problem of the file, [`PolicyProblem::Stale`], [`Error::Quota`],
    /// [`Error::RequestReused`], [`Error::DiskFull`].
    ///
    /// # Cancel safety
    /// Once begun it is carried out.
    pub(crate) async fn apply_policies(
        &self,
        caller: &Caller,
        request: ApplyRequest,
        mutation: Option<Mutation>,
    ) -> Result<AppliedFile, Error> {
        const METHOD: &str = "ApplyPolicies";
        let (app, author) = (self.clone(), self.author(caller, &request.note)?);
        let work = async move {
            let turn = async {
                let (revisions, found) = app.read_file(request.clone()).await?;
                if request.mode == ApplyMode::DryRun {
                    let planned = app.store.try_policies(revisions, author).await;
                    let planned = planned.map_err(|error| app.store_error(error))?;
                    return Ok(AppliedFile { policies: views(planned), findings: found });
                }
                if let Some(kept) = app.applied_before(METHOD, mutation).await? {
                    return Ok(AppliedFile { policies: kept, findings: found });
                }
                app.check_room(&revisions)?;
                let record = mutation.map(|one| app.recorded(one, METHOD, String::new()));
                let applied = app.store.apply_policies(revisions, author, record).await;
                let (applied, snapshot) = applied.map_err(|error| app.store_error(error))?;
                app.policies.adopt(snapshot);
                applied.iter().for_each(tell);
                Ok(AppliedFile { policies: views(applied), findings: found })
            };
            app.requests.in_turn(mutation, turn).await
        };
        self.shutdown.spawn(work).await.map_err(Error::internal)?
    }

    /// Makes a new revision with the content of an older one.
    ///
    /// # Errors
    /// [`PolicyProblem::NotFound`], [`PolicyProblem::RevisionNotFound`], [`PolicyProblem::Stale`],
    /// [`Error::RequestReused`], [`Error::DiskFull`].
    ///
    /// # Cancel safety
    /// Once begun it is carried out.
    pub(crate) async fn roll_back_policy(
        &self,
        caller: &Caller,
        request: RollbackRequest,
        mutation: Option<Mutation>,
    ) -> Result<AppliedView, Error> {
        const METHOD: &str = "RollbackPolicy";
        let (app, caller) = (self.clone(), caller.clone());
        let work = async move {
            let turn = async {
                if let Some(kept) = app.applied_before(METHOD, mutation).await? {
                    return kept.into_iter().next().ok_or_else(|| Error::internal("no answer"));
                }
                let (name, revision) = app.revision_to_go_back_to(&request).await?;
                let default = format!("back to revision {revision}");
                let note = if request.note.is_empty() { &default } else { &request.note };
                let author = app.author(&caller, note)?;
                let record = mutation.map(|one| app.recorded(one, METHOD, String::new()));
                let (target, expected) = ((name, revision), request.expected);
                let back = app.store.roll_back_policy(target, expected, author, record).await;
                let (back, snapshot) = back.map_err(|error| app.store_error(error))?;
                app.policies.adopt(snapshot);
                tell(&back);
                Ok(view(back))
            };
            app.requests.in_turn(mutation, turn).await
        };
        self.shutdown.spawn(work).await.map_err(Error::internal)?
    }

    async fn revision_to_go_back_to(
        &self,
        request: &RollbackRequest,
    ) -> Result<(PolicyName, i64), Error> {
        let name = named(&request.policy)?;
        if let Some(revision) = request.revision {
            return Ok((name, revision));
        }
        let newest = self.store.policy_revisions(name.clone(), 2, None).await;
        let newest = newest.map_err(|error| self.store_error(error))?.revisions;
        // Of a policy that was deleted the newest is the one before.
        let before = usize::from(self.policies.get(&name).is_some());
        match newest.get(before) {
            Some(revision) => Ok((name, revision.revision)),
            None => {
                let policy = name.to_string();
                Err(PolicyProblem::RevisionNotFound { policy, revision: 0 }.into())
            }
        }
    }

    /// What was answered to this very request before.
    async fn applied_before(
        &self,
        method: &str,
        mutation: Option<Mutation>,
    ) -> Result<Option<Vec<AppliedView>>, Error> {
        let Some(mutation) = mutation else { return Ok(None) };
        let Some(answer) = self.answered_before(method, mutation).await? else { return Ok(None) };
        let kept = AppliedPolicy::kept(&answer).ok_or_else(|| Error::internal("no answer"))?;
        let mut views = Vec::with_capacity(kept.len());
        for (name, revision, applied) in kept {
            let revision = self.store.policy_revision(name, revision).await;
            let revision = revision.map_err(|error| self.store_error(error))?;
            views.push(view(AppliedPolicy { revision, applied }));
        }
        Ok(Some(views))
    }

    /// Reads a file on a thread that may take its time: a rule's examples are tried.
    async fn read_file(
        &self,
        request: ApplyRequest,
    ) -> Result<(Vec<NewRevision>, Vec<FoundIn>), Error> {
        let now_ms = self.clock.now().as_micros() / 1000;
        let read = self.shutdown.spawn_blocking(move || read_file(&request, now_ms));
        read.await.map_err(Error::internal)?
    }

    fn check_room(&self, revisions: &[NewRevision]) -> Result<(), Error> {
        let (there, _) = self.policies.all();
        let new = revisions.iter().filter(|new| self.policies.get(&new.name).is_none()).count();
        if new == 0 || there.len() + new <= POLICIES {
            return Ok(());
        }
        Err(Error::Quota {
            subject: "policies",
            description: format!(
                "there can be {POLICIES} policies: delete one with cpctl policy delete"
            ),
        })
    }

    pub(super) fn author(&self, caller: &Caller, note: &str) -> Result<PolicyAuthor, Error> {
        if note.len() > NOTE_BYTES || !note.chars().all(is_printable) {
            let what = format!("must be at most {NOTE_BYTES} bytes without control characters");
            return Err(Error::invalid("note", what));
        }
        Ok(PolicyAuthor {
            principal: caller.principal.clone(),
            at: self.clock.now(),
            note: note.to_owned(),
        })
    }
}

/// The documents of a file.
///
/// # Errors
/// [`Error::Invalid`] with every problem, `FILE:LINE:COLUMN` as its field.
pub(super) fn documents(file: &PolicyFile) -> Result<(Vec<Document>, Format), Error> {
    let name = match file.name.as_str() {
        "" => "-".to_owned(),
        name => name.escape_debug().to_string(),
    };
    let format = file.format.unwrap_or_else(|| Format::of_file_name(&name));
    let documents = Document::read_all(&file.text, format, &name).map_err(|problems| {
        let mut violations = Violations::none();
        for Problem { file, line, column, message } in problems {
            violations.add(format!("{file}:{line}:{column}"), message);
        }
        violations
    })?;
    Ok((documents, format))
}

fn read_file(
    request: &ApplyRequest,
    now_ms: i64,
) -> Result<(Vec<NewRevision>, Vec<FoundIn>), Error> {
    let (documents, format) = documents(&request.file)?;
    let mut unused = request.expected.clone();
    let mut revisions = Vec::with_capacity(documents.len());
    let sources = source::of_each(&request.file.text, format, &documents);
    for (document, (source, format)) in documents.iter().zip(sources) {
        let name = PolicyName::new(&document.name).map_err(|why| Error::invalid("name", why))?;
        let expected = unused.remove(&document.name);
        let document = document.to_json();
        let hash = Sha256::digest(document.as_bytes()).into();
        revisions.push(NewRevision { name, document, source, format, hash, expected });
    }
    match unused.into_keys().next() {
        None => Ok((revisions, findings(&documents, now_ms))),
        Some(name) => {
            let field = format!("etags[{}]", name.escape_debug());
            Err(Error::invalid(field, "no document of the file has this name"))
        }
    }
}

fn view(applied: AppliedPolicy) -> AppliedView {
    AppliedView { policy: PolicyView::of(applied.revision), applied: applied.applied }
}

fn views(applied: Vec<AppliedPolicy>) -> Vec<AppliedView> {
    applied.into_iter().map(view).collect()
}

fn tell(applied: &AppliedPolicy) {
    let AppliedPolicy { revision, applied } = applied;
    let (name, number) = (&revision.name, revision.revision);
    info!(
        policy = %name,
        revision = number,
        principal = revision.author.principal,
        "policy {name} is at revision {number}: {applied:?}"
    );
}
