//! A large file goes up and comes back, one too large does not, and nothing stays.

use std::{collections::BTreeMap, time::Duration};

use sha2::{Digest, Sha256};

use super::{
    Outcome, Steps, Visit,
    client::{Body, Call, Pattern},
};

/// Longest time for a transfer.
const TRANSFER: Duration = Duration::from_secs(30);
/// So long a server may take to refuse what is only announced.
const ANNOUNCED: Duration = Duration::from_secs(5);

/// Transfers a file that nobody else has.
pub(super) async fn probe(visit: &Visit) -> Steps {
    let declared = &visit.errand.files;
    let mut steps = Steps::default();
    if declared.path.is_empty() {
        steps.outcome(
            "upload",
            Outcome::Untried("`checklist.files.path` declares no path".into()),
        );
        return steps;
    }
    let token = match visit.tokens.of(&declared.role) {
        Ok(token) => token,
        Err(outcome) => {
            steps.outcome("upload", outcome);
            return steps;
        }
    };
    let path = visit.filled(&declared.path, &BTreeMap::new());
    let url = match visit.url("", &path) {
        Ok(url) => url,
        Err(why) => {
            steps.outcome("upload", Outcome::Wrong(why));
            return steps;
        }
    };
    let seed = jiff::Timestamp::now().as_millisecond().unsigned_abs();
    let call = |method: &str, body: Body, patience: Duration| {
        let call = Call {
            method: method.into(),
            body,
            patience,
            ..Call::get(&url)
        };
        call.bearing(token)
    };
    let content = Body::Pattern {
        seed,
        bytes: declared.bytes,
    };
    let uploaded = match visit.client.call(call("PUT", content, TRANSFER)).await {
        Ok(reply) if reply.status.is_success() => Ok(()),
        Ok(reply) => Err(format!(
            "PUT of {} bytes answers {}",
            declared.bytes,
            reply.status.as_u16()
        )),
        Err(why) => Err(why),
    };
    if steps.step("upload", uploaded).is_some() {
        match visit.client.call(call("GET", Body::Empty, TRANSFER)).await {
            Ok(reply) if reply.status.as_u16() == 200 => {
                steps.step("download", Ok(()));
                let sent: [u8; 32] = Pattern::new(seed, declared.bytes)
                    .fold(Sha256::new(), |digest, piece| digest.chain_update(&piece))
                    .finalize()
                    .into();
                let same = if sent == reply.sha256 {
                    Ok(())
                } else {
                    Err(format!(
                        "{} bytes came back with another digest than the {} that went up",
                        reply.bytes, declared.bytes
                    ))
                };
                steps.step("digest", same);
            }
            Ok(reply) => _ = steps.step::<()>("download", Err(format!("GET answers {}", reply.status.as_u16()))),
            Err(why) => _ = steps.step::<()>("download", Err(why)),
        }
    }
    steps.outcome("limit", limit(visit, declared.limit, &call).await);
    // Also when something went wrong: half a file may be there.
    let left = match visit.client.call(call("DELETE", Body::Empty, TRANSFER)).await {
        Err(why) => format!("it could not be told whether a file stayed: {why}"),
        Ok(reply) if reply.status.is_success() || reply.status.as_u16() == 404 => {
            match visit.client.call(call("GET", Body::Empty, TRANSFER)).await {
                Ok(reply) if reply.status.as_u16() == 404 => "0".into(),
                Ok(reply) => format!("a file whose GET answers {}", reply.status.as_u16()),
                Err(why) => format!("it could not be told whether a file stayed: {why}"),
            }
        }
        Ok(reply) => format!("a file whose DELETE answers {}", reply.status.as_u16()),
    };
    steps.note("leftBehind", left);
    steps
}

/// First only announced, which spares everybody the bytes; a server that counts what comes gets them all.
async fn limit(visit: &Visit, limit: u64, call: &impl Fn(&str, Body, Duration) -> Call) -> Outcome {
    let above = limit + 1;
    if let Ok(reply) = visit.client.call(call("PUT", Body::Announced(above), ANNOUNCED)).await {
        return verdict(above, reply.status.as_u16());
    }
    let whole = Body::Pattern { seed: 3, bytes: above };
    match visit.client.call(call("PUT", whole, TRANSFER)).await {
        Ok(reply) => verdict(above, reply.status.as_u16()),
        Err(why) => Outcome::Wrong(format!("{above} bytes: {why}")),
    }
}

fn verdict(above: u64, status: u16) -> Outcome {
    match status {
        413 => Outcome::Held,
        other => Outcome::Wrong(format!("{above} bytes answer {other} instead of 413")),
    }
}
