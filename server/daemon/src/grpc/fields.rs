//! Fields of requests that several calls have.

use codeplane_core::{
    AttachmentId, Incarnation, Offset, OutputPosition, RequestId, TerminalSize, Timestamp,
};
use codeplane_proto::v1;
use prost::Message;
use std::time::Duration;

use crate::app::{Error, Mutation, RequestHash};

/// The mutation a request names, if it does. `cleared` is the request without its id.
pub(super) fn mutation(
    method: &str,
    request_id: &str,
    cleared: &impl Message,
) -> Result<Option<Mutation>, Error> {
    let Some(id) = request(request_id)? else { return Ok(None) };
    Ok(Some(Mutation { id, hash: RequestHash::of(method, &cleared.encode_to_vec()) }))
}

/// A request id; none if it is empty.
pub(super) fn request(text: &str) -> Result<Option<RequestId>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| Error::invalid("request_id", error))
}

/// The version in an etag; none if it is empty.
pub(super) fn etag(text: &str) -> Result<Option<i64>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Error::invalid("etag", "is not an etag of this daemon"))
}

/// An attachment's id.
pub(super) fn attachment(field: &str, text: &str) -> Result<AttachmentId, Error> {
    text.parse().map_err(|error| Error::invalid(field, error))
}

/// A size; absent is as 0x0.
pub(super) fn size(field: &str, size: Option<v1::TerminalSize>) -> Result<TerminalSize, Error> {
    let size = size.unwrap_or_default();
    TerminalSize::new(size.cols, size.rows).map_err(|error| Error::invalid(field, error))
}

/// A position.
pub(super) fn position(field: &str, position: v1::OutputPosition) -> Result<OutputPosition, Error> {
    if position.incarnation == 0 {
        return Err(Error::invalid(format!("{field}.incarnation"), "counts from 1"));
    }
    Ok(OutputPosition {
        incarnation: Incarnation(position.incarnation),
        offset: Offset(position.offset),
    })
}

/// A duration that is not negative.
pub(super) fn duration(field: &str, duration: prost_types::Duration) -> Result<Duration, Error> {
    duration.try_into().map_err(|_| Error::invalid(field, "must not be negative"))
}

/// A moment.
pub(super) fn timestamp(field: &str, time: prost_types::Timestamp) -> Result<Timestamp, Error> {
    let micros = time.seconds.checked_mul(1_000_000);
    let micros = micros.and_then(|micros| micros.checked_add(i64::from(time.nanos / 1000)));
    let wrong = || Error::invalid(field, "is no time");
    micros.map(Timestamp::from_micros).ok_or_else(wrong)
}
