//! Grants as rows.

use codeplane_core::{Grant, GrantId, GrantScope, GrantTarget, NewEvent, RequestDigest, Timestamp};
use diesel::prelude::*;

use super::{Read, damaged, hash, id, time};
use crate::error::StoreError;
use crate::event::append;
use crate::schema::grants;
use crate::store::Store;
use crate::trail::Trail;
use crate::transaction::{Transaction, Urgency};

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = grants)]
struct GrantRow {
    id: String,
    scope: String,
    scope_value: String,
    tool: String,
    digest: Option<Vec<u8>>,
    pattern: Option<String>,
    subject: String,
    created_by: String,
    created_at: i64,
    approval: String,
    expires_at: Option<i64>,
    revoked_by: Option<String>,
    revoked_at: Option<i64>,
}

/// Some grants, and where the next page begins if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantPage {
    /// The newest first.
    pub grants: Vec<Grant>,
    /// To be given to the next call.
    pub next: Option<(Timestamp, GrantId)>,
}

/// Which grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichGrants {
    /// All there ever were.
    All,
    /// Those that hold at this time: neither revoked nor expired.
    Holding(Timestamp),
}

impl Store {
    /// Every grant that was not revoked.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`], and those of every read.
    pub async fn held_grants(&self) -> Result<Vec<Grant>, StoreError> {
        self.read(|connection| {
            let rows = grants::table.filter(grants::revoked_at.is_null());
            let rows: Vec<GrantRow> = rows.select(GrantRow::as_select()).load(connection)?;
            rows.into_iter().map(Grant::try_from).collect()
        })
        .await
    }

    /// Grants, the newest first, from behind `after`.
    ///
    /// # Errors
    /// As [`Store::held_grants`].
    pub async fn list_grants(
        &self,
        which: WhichGrants,
        page_size: usize,
        after: Option<(Timestamp, GrantId)>,
    ) -> Result<GrantPage, StoreError> {
        self.read(move |connection| list(connection, which, page_size, after)).await
    }

    /// The grants whose id begins so, at most two: one is the answer, two are too many.
    ///
    /// # Errors
    /// As [`Store::held_grants`].
    pub async fn grants_with_prefix(&self, prefix: String) -> Result<Vec<Grant>, StoreError> {
        self.read(move |connection| {
            let rows = grants::table.filter(grants::id.ge(&prefix)).order(grants::id).limit(2);
            let rows: Vec<GrantRow> = rows.select(GrantRow::as_select()).load(connection)?;
            let matching = rows.into_iter().filter(|row| row.id.starts_with(&prefix));
            matching.map(Grant::try_from).collect()
        })
        .await
    }

    /// Revokes a grant. Answers whether it held until now.
    ///
    /// # Errors
    /// [`StoreError::RequestRepeated`] and [`StoreError::RequestReused`]; and those of every write.
    pub async fn revoke_grant(
        &self,
        id: GrantId,
        (by, at): (String, Timestamp),
        event: NewEvent,
        trail: Trail,
    ) -> Result<bool, StoreError> {
        // Less is allowed afterwards: that has to be possible on a full disk.
        self.write(Urgency::Essential, move |transaction| {
            trail.leave_request(transaction)?;
            let held = grants::table.find(id.to_string()).filter(grants::revoked_at.is_null());
            let revoked = diesel::update(held)
                .set((grants::revoked_by.eq(&by), grants::revoked_at.eq(at.as_micros())))
                .execute(transaction.connection)?;
            if revoked > 0 {
                append(transaction, &event)?;
                trail.leave_audit(transaction)?;
            }
            Ok(revoked > 0)
        })
        .await
    }
}

fn list(
    connection: &mut SqliteConnection,
    which: WhichGrants,
    page_size: usize,
    after: Option<(Timestamp, GrantId)>,
) -> Result<GrantPage, StoreError> {
    let mut query =
        grants::table.order((grants::created_at.desc(), grants::id.desc())).into_boxed();
    match which {
        WhichGrants::All => {}
        WhichGrants::Holding(now) => {
            let lasts = grants::expires_at.is_null().or(grants::expires_at.gt(now.as_micros()));
            query = query.filter(grants::revoked_at.is_null()).filter(lasts);
        }
    }
    if let Some((at, id)) = after {
        let at = at.as_micros();
        let same_moment = grants::created_at.eq(at).and(grants::id.lt(id.to_string()));
        query = query.filter(grants::created_at.lt(at).or(same_moment));
    }
    let limit = i64::try_from(page_size).unwrap_or(i64::MAX - 1).saturating_add(1);
    let rows: Vec<GrantRow> = query.limit(limit).select(GrantRow::as_select()).load(connection)?;
    let has_more = rows.len() > page_size;
    let rows = rows.into_iter().take(page_size);
    let grants = rows.map(Grant::try_from).collect::<Result<Vec<_>, _>>()?;
    let next = grants.last().filter(|_| has_more).map(|one| (one.created_at, one.id));
    Ok(GrantPage { grants, next })
}

pub(super) fn insert(transaction: &mut Transaction<'_>, grant: &Grant) -> Result<(), StoreError> {
    diesel::insert_into(grants::table)
        .values(GrantRow::from(grant))
        .execute(transaction.connection)?;
    Ok(())
}

impl From<&Grant> for GrantRow {
    fn from(grant: &Grant) -> Self {
        let (digest, pattern) = match &grant.target {
            GrantTarget::Request(digest) => (Some(digest.as_bytes().to_vec()), None),
            GrantTarget::Pattern(pattern) => (None, Some(pattern.clone())),
        };
        Self {
            id: grant.id.to_string(),
            scope: grant.scope.as_str().to_owned(),
            scope_value: grant.scope.value(),
            tool: grant.tool.clone(),
            digest,
            pattern,
            subject: grant.subject.clone(),
            created_by: grant.created_by.clone(),
            created_at: grant.created_at.as_micros(),
            approval: grant.approval.to_string(),
            expires_at: grant.expires_at.map(Timestamp::as_micros),
            revoked_by: grant.revoked.as_ref().map(|(by, _)| by.clone()),
            revoked_at: grant.revoked.as_ref().map(|(_, at)| at.as_micros()),
        }
    }
}

impl GrantRow {
    fn read(&self) -> Read<Grant> {
        let target = match (&self.digest, &self.pattern) {
            (Some(bytes), None) => GrantTarget::Request(RequestDigest::from_bytes(hash(bytes)?)),
            (None, Some(pattern)) => GrantTarget::Pattern(pattern.clone()),
            (Some(_), Some(_)) | (None, None) => return Err("not one target".to_owned()),
        };
        let scope = GrantScope::parse(&self.scope, &self.scope_value);
        Ok(Grant {
            id: id(&self.id)?,
            scope: scope.ok_or_else(|| format!("'{}' is not a scope", self.scope))?,
            tool: self.tool.clone(),
            target,
            subject: self.subject.clone(),
            created_by: self.created_by.clone(),
            created_at: Timestamp::from_micros(self.created_at),
            approval: id(&self.approval)?,
            expires_at: time(self.expires_at),
            revoked: self.revoked_by.clone().zip(time(self.revoked_at)),
        })
    }
}

impl TryFrom<GrantRow> for Grant {
    type Error = StoreError;

    fn try_from(row: GrantRow) -> Result<Self, StoreError> {
        row.read().map_err(|problem| damaged("grants", &row.id, problem))
    }
}
