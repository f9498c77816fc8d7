//! What the agent tries at the daemon's door.

use std::io;

use codeplane_proto::REQUIRED_ROLES;
use tokio::runtime::Builder;
use tonic::{
    Request,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

/// Makes every call of the API with an empty request; a line for each: its path, and `OK` or the
/// code and text of the refusal.
pub(super) fn every_call(socket: &str) -> io::Result<String> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let endpoint = Endpoint::from_shared(format!("unix:{socket}")).map_err(io::Error::other)?;
        let channel = match endpoint.connect().await {
            Ok(channel) => channel,
            Err(error) => return Ok(format!("no connection: {error:?}\n")),
        };
        let mut answers = String::new();
        for (path, _) in REQUIRED_ROLES {
            answers.push_str(&format!("{path} {}\n", call(&channel, path).await));
        }
        Ok(answers)
    })
}

async fn call(channel: &Channel, path: &'static str) -> String {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    if let Err(error) = grpc.ready().await {
        return format!("not ready: {error}");
    }
    let path = PathAndQuery::from_static(path);
    let codec: ProstCodec<(), ()> = ProstCodec::default();
    // A streaming call answers the first message of its stream.
    let answer = grpc.server_streaming(Request::new(()), path, codec).await;
    match answer {
        Ok(_) => "OK".to_owned(),
        Err(status) => format!("{:?} {}", status.code(), status.message()),
    }
}
