//! A declared call: it is made, and what comes back is compared.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Outcome, Visit,
    client::{Body, Call, Reply},
};
use crate::{snapshot::hostile, values::ExpectedCall};

/// What a call came to, and its answer when there was one.
pub(super) struct Made {
    pub(super) outcome: Outcome,
    pub(super) reply: Option<Reply>,
}

/// Makes a call as it is declared, with the token of its role, and compares the answer.
pub(super) async fn make(visit: &Visit, expected: &ExpectedCall, captured: &mut BTreeMap<String, String>) -> Made {
    let title = expected.title();
    let token = match visit.tokens.of(&expected.role) {
        Ok(token) => token,
        Err(outcome) => {
            return Made {
                outcome: about(&title, outcome),
                reply: None,
            };
        }
    };
    let call = match worded(visit, expected, captured) {
        Ok(call) => call.bearing(token),
        Err(why) => {
            return Made {
                outcome: Outcome::Wrong(format!("{title}: {why}")),
                reply: None,
            };
        }
    };
    match visit.client.call(call).await {
        Err(why) => Made {
            outcome: Outcome::Wrong(format!("{title}: {why}")),
            reply: None,
        },
        Ok(reply) => {
            let outcome = match differs(visit, expected, &reply, captured) {
                None => Outcome::Held,
                Some(why) => Outcome::Wrong(format!("{title}: {why}")),
            };
            Made {
                outcome,
                reply: Some(reply),
            }
        }
    }
}

/// The same with the call's name before its reason.
pub(super) fn about(title: &str, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Held => Outcome::Held,
        Outcome::Untried(why) => Outcome::Untried(format!("{title}: {why}")),
        Outcome::Wrong(why) => Outcome::Wrong(format!("{title}: {why}")),
    }
}

/// The call without a token.
pub(super) fn worded(
    visit: &Visit,
    expected: &ExpectedCall,
    captured: &BTreeMap<String, String>,
) -> Result<Call, String> {
    let path = visit.filled(&expected.path, captured);
    if let Some((_, rest)) = path.split_once('{')
        && let Some((name, _)) = rest.split_once('}')
    {
        return Err(format!("no call before it captured `{}`", hostile::capped(name, 40)));
    }
    let mut call = Call::get(visit.url(&expected.host, &path)?);
    call.method.clone_from(&expected.method);
    for (name, value) in &expected.headers {
        call = call.header(name, visit.filled(value, captured));
    }
    if let Some(body) = &expected.body {
        let body = visit.filled(&body.to_string(), captured);
        call.body = Body::Bytes(body.into_bytes());
        call = call.header("content-type", "application/json");
    }
    Ok(call)
}

/// In what an answer differs from what is expected; captures what later calls need.
fn differs(
    visit: &Visit,
    expected: &ExpectedCall,
    reply: &Reply,
    captured: &mut BTreeMap<String, String>,
) -> Option<String> {
    let status = reply.status.as_u16();
    if status != expected.status {
        return Some(format!("{status} instead of {}", expected.status));
    }
    let json = reply.json();
    for (name, pointer) in &expected.capture {
        match json.pointer(pointer).map(plain) {
            Some(value) if value.len() <= 200 => _ = captured.insert(name.clone(), value),
            _ => return Some(format!("the answer has no `{pointer}`")),
        }
    }
    for (pointer, wanted) in &expected.fields {
        let wanted: Value = match wanted {
            Value::String(text) => Value::String(visit.filled(text, captured)),
            other => other.clone(),
        };
        match json.pointer(pointer) {
            Some(_) if wanted == "*" => {}
            Some(value) if same(value, &wanted) => {}
            Some(value) => {
                let value = hostile::capped(&plain(value), 60);
                return Some(format!("`{pointer}` is `{value}` instead of `{}`", plain(&wanted)));
            }
            None => return Some(format!("the answer has no `{pointer}`")),
        }
    }
    headers(&expected.response_headers, reply)
}

/// In what the headers of an answer differ.
pub(super) fn headers(expected: &BTreeMap<String, String>, reply: &Reply) -> Option<String> {
    expected
        .iter()
        .find_map(|(name, wanted)| match (reply.header(name), wanted.as_str()) {
            (Some(value), "") => Some(format!("the header `{name}` is sent: `{}`", hostile::capped(value, 60))),
            (None, "") | (Some(_), "*") => None,
            (None, _) => Some(format!("the header `{name}` is missing")),
            (Some(value), wanted) if value == wanted => None,
            (Some(value), wanted) => Some(format!(
                "the header `{name}` is `{}` instead of `{wanted}`",
                hostile::capped(value, 60)
            )),
        })
}

/// Numbers that were captured are text in later calls.
fn same(value: &Value, wanted: &Value) -> bool {
    value == wanted || (wanted.is_string() && value.is_number() && plain(value) == plain(wanted))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
