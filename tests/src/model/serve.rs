//! The model's HTTP.

use std::{net::TcpListener, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State as Extract},
    http::{Method, Response, StatusCode, Uri, header},
};
use serde_json::{Value, json};
use tokio::{runtime::Builder, sync::oneshot};

use super::{
    State,
    conversation::Conversation,
    messages::{self, Answer},
    responses,
    script::Chosen,
};

/// Serves until `stopped`. Connections that are open then are cut.
pub(super) fn until(stopped: oneshot::Receiver<()>, listener: TcpListener, state: Arc<State>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("threads are left");
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("it is a socket");
        let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
        let app = Router::new().fallback(answer).layer(DefaultBodyLimit::disable());
        let server = axum::serve(listener, app.with_state(state));
        tokio::select! {
            served = async { server.await } => served.expect("loopback serves"),
            // It is over with the sender too.
            _ = stopped => {}
        }
    });
}

/// What differs between the two APIs.
struct Api {
    read: fn(&Value) -> Conversation,
    plain: fn(&Answer<'_>) -> Value,
    events: fn(&Answer<'_>) -> Vec<Value>,
    error: fn(u16, &str) -> Value,
}

const MESSAGES: Api = Api {
    read: Conversation::of_messages,
    plain: messages::plain,
    events: messages::events,
    error: messages::error,
};

const RESPONSES: Api = Api {
    read: Conversation::of_responses,
    plain: responses::plain,
    events: responses::events,
    error: responses::error,
};

async fn answer(
    Extract(state): Extract<Arc<State>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response<Body> {
    if let Some(host) = uri.authority() {
        let mut journal = state.journal.lock().expect("no panic holds it");
        journal.outsiders.push(host.to_string());
        return json(403, &messages::error(403, "there is nothing but the model"));
    }
    let parsed = serde_json::from_slice(&body).unwrap_or_default();
    let request = format!("{method} {}", uri.path());
    let number = state.journal.lock().expect("no panic holds it").note(request, parsed);
    match (method, uri.path()) {
        (Method::POST, "/v1/messages") => play(&state, number, &MESSAGES).await,
        (Method::POST, "/v1/responses") => play(&state, number, &RESPONSES).await,
        (Method::POST, "/v1/messages/count_tokens") => {
            json(200, &json!({"input_tokens": body.len() / 4}))
        }
        // Who may list models, or reads the head of anything, sees that somebody is there.
        (Method::GET, "/v1/models") => json(200, &json!({"data": [], "models": []})),
        (Method::HEAD, _) => json(200, &Value::Null),
        (_, path) => json(404, &messages::error(404, &format!("there is no {path}"))),
    }
}

async fn play(state: &State, number: usize, api: &Api) -> Response<Body> {
    let (chosen, body) = choose(state, number, api);
    if let Some(gate) = &chosen.turn.gate {
        gate.pass().await;
    }
    if let Some(failure) = &chosen.turn.failure {
        return json(failure.status, &(api.error)(failure.status, &failure.message));
    }
    let ids = state.journal.lock().expect("no panic holds it").issue(number, &chosen);
    let answer = Answer {
        id: format!("{number:04}"),
        model: body["model"].clone(),
        blocks: ids.into_iter().zip(&chosen.turn.blocks).collect(),
    };
    if body["stream"] == true {
        streamed((api.events)(&answer))
    } else {
        json(200, &(api.plain)(&answer))
    }
}

fn choose(state: &State, number: usize, api: &Api) -> (Chosen, Value) {
    let mut journal = state.journal.lock().expect("no panic holds it");
    let body = journal.exchanges[number].body.clone();
    let conversation = (api.read)(&body);
    let chosen = state.scripts.lock().expect("no panic holds it").choose(&conversation);
    journal.note_answer(number, &conversation, &chosen);
    (chosen, body)
}

fn json(status: u16, body: &Value) -> Response<Body> {
    respond(status, "application/json", body.to_string())
}

/// Server-sent events, named as their type says.
fn streamed(events: Vec<Value>) -> Response<Body> {
    let lines = events.into_iter().map(|event| {
        let name = event["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    });
    respond(200, "text/event-stream", lines.collect())
}

fn respond(status: u16, kind: &str, body: String) -> Response<Body> {
    let status = StatusCode::from_u16(status).expect("a script names a status of HTTP");
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    response.body(body.into()).expect("its parts are sound")
}
