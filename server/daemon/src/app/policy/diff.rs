//! What another revision of a policy would have answered to calls that were made.

use std::collections::{HashMap, VecDeque};

use codeplane_core::policy::{GrantSet, RuleSet, Verdict};
use codeplane_core::{Decision, DecisionId, PolicyRef, Timestamp};
use codeplane_store::DecisionFilter;

use super::again::{JudgedIn, Recorded};
use super::bound::Union;
use super::catalogue::Read;
use super::files::Files;
use crate::app::{App, Error};

/// Most calls that are compared.
const MOST: usize = 10_000;

/// How many decisions are read at a time: each may hold 256 KiB of input, and as much of its verdict.
const ROWS: usize = 64;

/// Rule sets that are kept ready, of each revision.
const READY: usize = 64;

/// Which revisions, and which calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiffRequest {
    /// The policy.
    pub(crate) policy: String,
    /// One revision; none: the newest.
    pub(crate) from: Option<i64>,
    /// The other; none: the newest.
    pub(crate) to: Option<i64>,
    /// How many calls, the newest first.
    pub(crate) last: usize,
}

/// What one step of a comparison found.
#[derive(Clone, Debug)]
pub(crate) enum DiffStep {
    /// A call that gets another answer.
    Changed(Box<ChangedAnswer>),
    /// That was all.
    Done(Compared),
}

/// A call that gets another answer.
#[derive(Clone, Debug)]
pub(crate) struct ChangedAnswer {
    /// What was decided then.
    pub(crate) decision: Decision,
    /// What the first revision says.
    pub(crate) before: Verdict,
    /// What the second one says.
    pub(crate) after: Verdict,
}

/// How many calls were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Judged by both revisions.
    pub(crate) judged: usize,
    /// With another answer.
    pub(crate) changed: usize,
    /// Not kept so that they can be judged again.
    pub(crate) left_out: usize,
}

/// What a pair of rule sets depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    others: Vec<(String, i64)>,
    workspace: String,
    home: String,
    settings: Vec<String>,
    allow: Vec<String>,
}

impl Key {
    fn of(others: &[PolicyRef], within: &JudgedIn) -> Self {
        Self {
            others: others.iter().map(|one| (one.name.clone(), one.revision)).collect(),
            workspace: within.workspace.clone(),
            home: within.home.clone(),
            settings: within.settings.clone(),
            allow: within.allow.clone(),
        }
    }
}

type Pairs = HashMap<Key, (RuleSet, RuleSet)>;

/// A comparison under way. It has no queue but the rows it read last: whoever wants no more drops it.
#[derive(Debug)]
pub(crate) struct PolicyDiff {
    app: App,
    name: String,
    revisions: [Option<Read>; 2],
    /// Other policies that were bound, as they were read.
    others: HashMap<(String, i64), Result<Option<Read>, String>>,
    pairs: Pairs,
    left: usize,
    after: Option<(Timestamp, DecisionId)>,
    found: VecDeque<ChangedAnswer>,
    compared: Compared,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Ahead,
    Reached,
    Told,
}

/// A call with the rules of the other policies that were bound.
struct Job {
    decision: Decision,
    recorded: Recorded,
    others: Vec<(PolicyRef, Option<Read>)>,
}

impl App {
    /// Begins to compare what two revisions of a policy say of the newest recorded calls of sessions that
    /// the policy was bound to. Other policies are as they were then, grants are left out, and paths are
    /// what they were; where patterns of rules lead is looked up now.
    ///
    /// # Errors
    /// [`Error::Invalid`] for too many calls, [`Error::Policy`] for a policy or revision that never was.
    pub(crate) async fn diff_policy(&self, request: DiffRequest) -> Result<PolicyDiff, Error> {
        if request.last == 0 || request.last > MOST {
            return Err(Error::invalid("last", format!("must be 1 to {MOST}")));
        }
        let mut revisions = [None, None];
        for (place, number) in revisions.iter_mut().zip([request.from, request.to]) {
            let view = self.policy(&request.policy, number).await?.revision;
            *place = super::catalogue::read(&view.document, &request.policy).ok();
        }
        Ok(PolicyDiff {
            app: self.clone(),
            name: request.policy,
            revisions,
            others: HashMap::new(),
            pairs: Pairs::new(),
            left: request.last,
            after: None,
            found: VecDeque::new(),
            compared: Compared::default(),
            end: End::Ahead,
        })
    }
}

impl PolicyDiff {
    /// The next call that gets another answer; at the end how many were compared, and then none.
    ///
    /// # Errors
    /// Those of the store. Nothing follows then.
    ///
    /// # Cancel safety
    /// Not cancel safe: drop it then.
    pub(crate) async fn next(&mut self) -> Result<Option<DiffStep>, Error> {
        loop {
            if let Some(changed) = self.found.pop_front() {
                return Ok(Some(DiffStep::Changed(Box::new(changed))));
            }
            match self.end {
                End::Ahead => self.read_on().await?,
                End::Reached => {
                    self.end = End::Told;
                    return Ok(Some(DiffStep::Done(self.compared)));
                }
                End::Told => return Ok(None),
            }
        }
    }

    /// Reads and judges some more calls.
    async fn read_on(&mut self) -> Result<(), Error> {
        let page = self.app.store.list_decisions(DecisionFilter::default(), ROWS, self.after).await;
        let page = page.map_err(|error| self.app.store_error(error))?;
        self.after = page.next;
        let mut jobs = Vec::new();
        for decision in page.decisions {
            if self.left == 0 || !decision.policies.iter().any(|one| one.name == self.name) {
                continue;
            }
            self.left -= 1;
            match self.job(decision).await? {
                Some(job) => jobs.push(job),
                None => self.compared.left_out += 1,
            }
        }
        self.judge(jobs).await?;
        if self.left == 0 || self.after.is_none() {
            self.end = End::Reached;
        }
        Ok(())
    }

    async fn job(&mut self, decision: Decision) -> Result<Option<Job>, Error> {
        let Ok(recorded) = Recorded::read(&decision) else { return Ok(None) };
        let mut others = Vec::new();
        for policy in decision.policies.iter().filter(|one| one.name != self.name) {
            let key = (policy.name.clone(), policy.revision);
            if !self.others.contains_key(&key) {
                let document = self.app.revision(policy).await?;
                self.others.insert(key.clone(), document);
            }
            match self.others.get(&key) {
                Some(Ok(document)) => others.push((policy.clone(), document.clone())),
                Some(Err(_)) | None => return Ok(None),
            }
        }
        Ok(Some(Job { decision, recorded, others }))
    }

    /// Judges where blocking is allowed: rules ask where the beginnings of their paths lead.
    async fn judge(&mut self, jobs: Vec<Job>) -> Result<(), Error> {
        self.compared.judged += jobs.len();
        let (app, revisions) = (self.app.clone(), self.revisions.clone());
        let mut pairs = std::mem::take(&mut self.pairs);
        let judging = move || {
            let judged =
                jobs.into_iter().filter_map(|job| app.changed_answer(job, &revisions, &mut pairs));
            let found: Vec<ChangedAnswer> = judged.collect();
            (found, pairs)
        };
        let judged = self.app.shutdown.spawn_blocking(judging).await.map_err(Error::internal)?;
        self.compared.changed += judged.0.len();
        self.found.extend(judged.0);
        self.pairs = judged.1;
        Ok(())
    }
}

impl App {
    /// What two revisions say of a call, if that is not the same.
    fn changed_answer(
        &self,
        job: Job,
        revisions: &[Option<Read>; 2],
        pairs: &mut Pairs,
    ) -> Option<ChangedAnswer> {
        let Job { decision, recorded, others } = job;
        let names: Vec<PolicyRef> = others.iter().map(|(policy, _)| policy.clone()).collect();
        let key = Key::of(&names, &recorded.within);
        if pairs.len() >= READY {
            pairs.clear();
        }
        let (before, after) = pairs.entry(key).or_insert_with(|| {
            let rules = |revision: &Option<Read>| {
                let documents = others.iter().map(|(_, document)| document.as_ref());
                let documents = documents.chain([revision.as_ref()]);
                let union = Union::join(names.clone(), documents, &recorded.within.allow);
                self.rules_within(union, &recorded.within)
            };
            (rules(&revisions[0]), rules(&revisions[1]))
        });
        let none = GrantSet::new(Vec::new(), &recorded.within.places(), &Files);
        let verdict = |rules: &RuleSet| recorded.verdict(rules.at(recorded.within.at_ms), &none);
        let (before, after) = (verdict(before), verdict(after));
        let differ = before.decision != after.decision;
        differ.then_some(ChangedAnswer { decision, before, after })
    }
}
