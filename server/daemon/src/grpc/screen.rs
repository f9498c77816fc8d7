//! Screens as messages.
use codeplane_proto::v1;
pub(super) fn message(_: &(), _: v1::ScreenFormat) -> v1::GetScreenResponse {
    v1::GetScreenResponse::default()
}
