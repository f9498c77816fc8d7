//! W7 without terminals: readers that call `TailOutput` themselves, as a service does.

use std::{
    path::Path,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use codeplane_proto::v1::{
    OutputFrom, SendInputRequest, TailOutputRequest, output_from, terminal_frame,
    terminal_service_client::TerminalServiceClient,
};
use tokio::runtime::Builder;
use tonic::transport::{Channel, Endpoint};

use super::{
    bulk::{BulkReader, BulkResult},
    fan::FanResult,
};
use crate::bench::Result;

pub(super) fn measure(
    socket: &Path,
    id: &str,
    readers: usize,
    limit: Duration,
) -> Result<FanResult> {
    let barrier = Barrier::new(readers + 1);
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..readers).map(|_| scope.spawn(|| read(socket, id, &barrier, limit))).collect();
        barrier.wait();
        runtime()?.block_on(begin(socket, id))?;
        let results: Vec<_> = threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .map(|result| {
                result.unwrap_or_else(|error| BulkResult {
                    why: Some(error.to_string()),
                    ..BulkResult::default()
                })
            })
            .collect();
        Ok(FanResult::of(&results))
    })
}

/// Tells the program to print.
async fn begin(socket: &Path, id: &str) -> Result<()> {
    let request = SendInputRequest {
        session: id.to_owned(),
        data: b"g".as_slice().into(),
        ..SendInputRequest::default()
    };
    connect(socket).await?.send_input(request).await?;
    Ok(())
}

fn read(socket: &Path, id: &str, barrier: &Barrier, limit: Duration) -> Result<BulkResult> {
    runtime()?.block_on(async {
        let opened = tail(socket, id).await;
        // Also after a failure: the others wait.
        barrier.wait();
        let mut frames = opened?;
        let begun = Instant::now();
        let mut reader = BulkReader::new(id, &[]);
        let mut result = BulkResult::default();
        let mut buffer = Vec::with_capacity(1 << 20);
        while let Some(response) = tokio::time::timeout(limit, frames.message()).await?? {
            let Some(terminal_frame::Frame::Output(output)) =
                response.frame.and_then(|frame| frame.frame)
            else {
                continue;
            };
            result.bytes += output.data.len() as u64;
            buffer.extend_from_slice(&output.data);
            if reader.take(&mut buffer) {
                result.seconds = begun.elapsed().as_secs_f64();
                return Ok(result);
            }
        }
        Err("the stream ended without the end mark".into())
    })
}

async fn tail(
    socket: &Path,
    id: &str,
) -> Result<tonic::Streaming<codeplane_proto::v1::TailOutputResponse>> {
    let from = OutputFrom { from: Some(output_from::From::End(codeplane_proto::v1::LogEnd {})) };
    let request = TailOutputRequest {
        session: id.to_owned(),
        from: Some(from),
        follow: true,
        ..TailOutputRequest::default()
    };
    Ok(connect(socket).await?.tail_output(request).await?.into_inner())
}

async fn connect(socket: &Path) -> Result<TerminalServiceClient<Channel>> {
    // The windows of `cpctl attach`: large enough for a chunk, small enough for the daemon.
    let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display()))?
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(512 * 1024);
    Ok(TerminalServiceClient::new(endpoint.connect().await?))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    Builder::new_current_thread().enable_all().build()
}
