//! Somebody who decides what agents ask, the oldest first, as fast as the API answers.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use codeplane_client::{Client, Endpoint, v1};
use tokio::runtime::Builder;

use crate::bench::Result;

/// How long all may take to have asked.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at what is asked.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// When the answer to each session's call was given, by the session's name; microseconds since 1970.
pub(super) type Decided = HashMap<String, i64>;

/// Waits until `count` calls wait, then allows each.
pub(super) fn decide_all(socket: &Path, count: usize) -> Result<Decided> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(&Endpoint::unix(socket)).await?;
        let mut decided = Decided::new();
        for approval in waiting(&client, count).await?.into_iter().rev() {
            let allow = v1::decide_approval_request::Answer::Allow(v1::AllowAnswer::default());
            let request = v1::DecideApprovalRequest {
                approval: approval.id,
                request_hash: approval.request_hash,
                answer: Some(allow),
                ..v1::DecideApprovalRequest::default()
            };
            let now_us = jiff::Timestamp::now().as_microsecond();
            client.decide_approval(request).await?;
            decided.insert(approval.session_name, now_us);
        }
        Ok(decided)
    })
}

/// All that is asked, the newest first, once it is so many.
async fn waiting(client: &Client, count: usize) -> Result<Vec<v1::Approval>> {
    let end = Instant::now() + PATIENCE;
    loop {
        let approvals = client.all_approvals("state=pending").await?;
        if approvals.len() >= count {
            return Ok(approvals);
        }
        if Instant::now() > end {
            return Err(format!("{} of {count} calls wait", approvals.len()).into());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
