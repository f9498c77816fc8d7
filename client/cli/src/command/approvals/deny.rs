//! `cpctl approvals deny`.

use codeplane_client::{Client, v1};
use v1::decide_approval_request::Answer;

use super::decide::decide;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::select::settle;

/// Deny what is asked
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl approvals deny 3f2a
  cpctl approvals deny 3f2a 77b0 --message 'use the staging database'")]
pub(crate) struct Args {
    /// Ids, or beginnings of ids
    #[arg(value_name = "APPROVAL", required = true)]
    approvals: Vec<String>,
    /// What the agent is told
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    message: String,
    /// Deny it only if this is the hash of its request
    #[arg(long, value_name = "SHA256")]
    hash: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let mut results = Vec::new();
    for id in &args.approvals {
        results.push(deny(&client, id, &args).await);
    }
    Ok(settle(results))
}

async fn deny(client: &Client, id: &str, args: &Args) -> Result<(), Failure> {
    let approval = client.get_approval(id).await?;
    let answer = v1::DenyAnswer { message: args.message.clone() };
    decide(client, approval, args.hash.clone(), Answer::Deny(answer)).await
}
