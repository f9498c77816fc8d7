//! Answered mutations, so that a repetition is answered and not repeated.

use codeplane_core::{RequestId, Timestamp};
use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::requests;
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

/// A mutation and what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The id its client gave it.
    pub id: RequestId,
    /// Which mutation.
    pub method: String,
    /// A hash of its content without the id: the same id with other content is a mistake.
    pub hash: Vec<u8>,
    /// The answer, as the caller wants to read it back.
    pub answer: Vec<u8>,
    /// When it was answered.
    pub recorded_at: Timestamp,
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = requests)]
struct RequestRow {
    id: String,
    method: String,
    hash: Vec<u8>,
    answer: Vec<u8>,
    recorded_at: i64,
}

impl Store {
    /// The answer to a request, if it was made.
    ///
    /// # Errors
    /// Those of every read.
    pub async fn request(&self, id: RequestId) -> Result<Option<RecordedRequest>, StoreError> {
        if !self.parts().known.may_contain(id) {
            return Ok(None);
        }
        self.read(move |connection| find(connection, id)).await
    }

    /// Remembers the answer to a mutation that has no row of its own.
    ///
    /// # Errors
    /// [`StoreError::RequestRepeated`] with the first answer, [`StoreError::RequestReused`], and those
    /// of every write.
    pub async fn record_request(&self, request: RecordedRequest) -> Result<(), StoreError> {
        self.write(Urgency::Ordinary, move |transaction| record(transaction, Some(&request))).await
    }

    /// Forgets what was recorded before `before`. Answers how many.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn forget_requests(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.write(Urgency::Essential, move |transaction| {
            let old = requests::table.filter(requests::recorded_at.lt(before.as_micros()));
            Ok(diesel::delete(old).execute(transaction.connection)?)
        })
        .await
    }
}

/// Writes the request, if there is one, unless it is known.
pub(crate) fn record(
    transaction: &mut Transaction<'_>,
    request: Option<&RecordedRequest>,
) -> Result<(), StoreError> {
    let Some(request) = request else {
        return Ok(());
    };
    if let Some(known) = find(transaction.connection, request.id)? {
        return Err(if known.method == request.method && known.hash == request.hash {
            StoreError::RequestRepeated(Box::new(known))
        } else {
            StoreError::RequestReused(request.id)
        });
    }
    let row = RequestRow {
        id: request.id.to_string(),
        method: request.method.clone(),
        hash: request.hash.clone(),
        answer: request.answer.clone(),
        recorded_at: request.recorded_at.as_micros(),
    };
    transaction.known.add(request.id);
    diesel::insert_into(requests::table).values(row).execute(transaction.connection)?;
    Ok(())
}

fn find(
    connection: &mut SqliteConnection,
    id: RequestId,
) -> Result<Option<RecordedRequest>, StoreError> {
    let row: Option<RequestRow> = requests::table
        .find(id.to_string())
        .select(RequestRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(|row| RecordedRequest {
        id,
        method: row.method,
        hash: row.hash,
        answer: row.answer,
        recorded_at: Timestamp::from_micros(row.recorded_at),
    }))
}
