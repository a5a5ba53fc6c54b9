//! An API server of a few objects in memory, for the tests of leases and journals: versions, conflicts, absence.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde_json::{Value, json};

/// What the server holds, by path.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<(u64, BTreeMap<String, Value>)>>);

impl Server {
    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, std::convert::Infallible>(server.answer(request).await) }
        });
        Client::new(service, "default")
    }

    /// Changes an object behind everybody's back.
    pub(crate) fn touch(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.0.lock().unwrap();
        state.0 += 1;
        let version = state.0.to_string();
        let object = state.1.get_mut(path).unwrap();
        change(object);
        object["metadata"]["resourceVersion"] = version.into();
    }

    /// An object.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.0.lock().unwrap().1.get(path).cloned()
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let sent: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let mut state = self.0.lock().unwrap();
        let mut path = parts.uri.path().to_owned();
        if parts.method == Method::POST {
            path = format!("{path}/{}", sent["metadata"]["name"].as_str().unwrap());
        }
        let found = state.1.get(&path).cloned();
        let is_stale = |found: &Value| sent["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"];
        match (parts.method, found) {
            (Method::GET, Some(found)) => respond(200, &found),
            (Method::DELETE, Some(found)) => {
                state.1.remove(&path);
                respond(200, &found)
            }
            (Method::POST, Some(_)) => refuse(409, "AlreadyExists"),
            (Method::PUT, Some(found)) if is_stale(&found) => refuse(409, "Conflict"),
            (Method::POST, None) | (Method::PUT, Some(_)) => {
                state.0 += 1;
                let mut object = sent;
                object["metadata"]["resourceVersion"] = state.0.to_string().into();
                object["metadata"]["uid"] = path.clone().into();
                state.1.insert(path, object.clone());
                respond(200, &object)
            }
            _ => refuse(404, "NotFound"),
        }
    }
}

fn respond(code: u16, body: &Value) -> Response<Body> {
    Response::builder()
        .status(code)
        .body(Body::from(body.to_string().into_bytes()))
        .unwrap()
}

fn refuse(code: u16, reason: &str) -> Response<Body> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": reason});
    respond(code, &status)
}
