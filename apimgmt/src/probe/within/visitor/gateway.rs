//! What the gateway does with what comes in: routes, unknown paths, headers, limits.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};

use super::{
    Outcome, Steps, Visit,
    calls::{about, headers, make},
    client::{Body, Call, PATIENCE},
};
use crate::values::{ExpectedCall, ExpectedRateLimit, ExpectedSizeLimit};

/// Connections that ask at once until one is refused.
const AT_ONCE: usize = 16;
/// Longest time until a refusal must have come.
const RUSH: Duration = Duration::from_secs(15);
/// How long a client that asked too often may be refused afterwards.
const RECOVERY: Duration = Duration::from_secs(10);

/// Everything but the limit of requests.
pub(super) async fn probe(visit: &Visit) -> Steps {
    let declared = &visit.errand.gateway;
    let mut steps = Steps::default();
    let (mut routes, mut heads) = (Vec::new(), Vec::new());
    for route in &declared.routes {
        let made = make(visit, route, &mut BTreeMap::new()).await;
        if let Some(reply) = &made.reply {
            heads.push(match headers(&declared.headers, reply) {
                None => Outcome::Held,
                Some(why) => Outcome::Wrong(format!("{}: {why}", route.title())),
            });
        }
        routes.push(made.outcome);
    }
    steps.outcome("routes", Outcome::all(routes));
    let heads = if declared.headers.is_empty() { Vec::new() } else { heads };
    steps.outcome("headers", Outcome::all(heads));
    let mut unknown = Vec::new();
    for path in &declared.unknown {
        let call = ExpectedCall {
            path: path.clone(),
            status: 404,
            ..ExpectedCall::default()
        };
        unknown.push(make(visit, &call, &mut BTreeMap::new()).await.outcome);
    }
    steps.outcome("unknown", Outcome::all(unknown));
    steps.outcome(
        "sizeLimit",
        match &declared.size_limit {
            Some(limit) => size(visit, limit).await,
            None => Outcome::Untried("`checklist.gateway.sizeLimit` declares none".into()),
        },
    );
    steps
}

/// A body of the limit is taken, one more byte is not.
async fn size(visit: &Visit, limit: &ExpectedSizeLimit) -> Outcome {
    let title = format!("{} {}", limit.method, limit.path);
    let token = match visit.tokens.of(&limit.role) {
        Ok(token) => token,
        Err(outcome) => return about(&title, outcome),
    };
    if limit.bytes > 64 << 20 {
        return Outcome::Untried(format!("{title}: a limit above 64 MiB is not tried"));
    }
    let send = async |body: Body| {
        let call = Call {
            method: limit.method.clone(),
            body,
            ..Call::get(visit.url("", &visit.filled(&limit.path, &BTreeMap::new()))?)
        };
        let call = call.header("content-type", "application/json").bearing(token);
        visit.client.call(call).await.map(|reply| reply.status.as_u16())
    };
    let above = limit.bytes + 1;
    let whole = |bytes| Body::Pattern { seed: 1, bytes };
    // A server that refuses the announcement hangs up while a whole body is still on its way.
    let refused = match send(Body::Announced(above)).await {
        Ok(413) => Ok(413),
        _ => send(whole(above)).await,
    };
    match (send(whole(limit.bytes)).await, refused) {
        (Ok(413), _) => Outcome::Wrong(format!(
            "{title}: {} bytes answer 413 though they are permitted",
            limit.bytes
        )),
        (Ok(_), Ok(413)) => Outcome::Held,
        (Ok(_), Ok(other)) => Outcome::Wrong(format!(
            "{title}: {} bytes answer {other} instead of 413",
            limit.bytes + 1
        )),
        (Err(why), _) | (_, Err(why)) => Outcome::Wrong(format!("{title}: {why}")),
    }
}

/// Asks as fast as it can until it is refused, and then once more later.
pub(super) async fn rate(visit: &Visit, steps: &mut Steps) {
    let outcome = match &visit.errand.gateway.rate_limit {
        Some(limit) => rush(visit, limit).await,
        None => Outcome::Untried("`checklist.gateway.rateLimit` declares none".into()),
    };
    steps.outcome("rateLimit", outcome);
}

async fn rush(visit: &Visit, limit: &ExpectedRateLimit) -> Outcome {
    let path = visit.filled(&limit.path, &BTreeMap::new());
    let call = match visit.url("", &path) {
        Ok(url) => Call::get(url),
        Err(why) => return Outcome::Wrong(why),
    };
    let (asked, served) = (AtomicU32::new(0), AtomicU32::new(0));
    let mut askers: FuturesUnordered<_> = (0..AT_ONCE)
        .map(|_| ask(visit, &call, limit.requests, &asked, &served))
        .collect();
    let refused = async {
        let mut last = Ok(false);
        while let Some(end) = askers.next().await {
            match end {
                Ok(true) => return Ok(true),
                // One connection that broke is no verdict while others go on.
                other => last = other,
            }
        }
        last
    };
    let end = tokio::time::timeout(RUSH, refused).await;
    drop(askers);
    let (asked, served) = (asked.into_inner().min(limit.requests), served.into_inner());
    match end {
        Ok(Ok(true)) if served == 0 => Outcome::Wrong(format!("GET {path}: 429 from the first request on")),
        Ok(Ok(true)) => recovers(visit, &call, &path).await,
        // Who asks more slowly than is permitted is rightly served.
        Err(_) if asked < limit.requests => Outcome::Untried(format!(
            "GET {path}: only {asked} of {} requests were made in {} s, and none was refused",
            limit.requests,
            RUSH.as_secs()
        )),
        Ok(Ok(false)) | Err(_) => Outcome::Wrong(format!("GET {path}: {asked} requests without one 429")),
        Ok(Err(why)) => Outcome::Wrong(format!("GET {path}: {why}")),
    }
}

/// One connection's share; true once it was refused.
async fn ask(visit: &Visit, call: &Call, most: u32, asked: &AtomicU32, served: &AtomicU32) -> Result<bool, String> {
    let mut connection = visit.client.connect(&call.url).await?;
    while asked.fetch_add(1, Ordering::Relaxed) < most {
        let reply = tokio::time::timeout(PATIENCE, connection.call(call))
            .await
            .map_err(|_| "no answer in time".to_owned())?;
        match reply.map(|reply| reply.status.as_u16()) {
            Ok(429) => return Ok(true),
            Ok(_) => _ = served.fetch_add(1, Ordering::Relaxed),
            // Servers close connections after so many requests.
            Err(_) => connection = visit.client.connect(&call.url).await?,
        }
    }
    Ok(false)
}

/// A limit that never lifts is an outage.
async fn recovers(visit: &Visit, call: &Call, path: &str) -> Outcome {
    let began = std::time::Instant::now();
    loop {
        match visit.client.call(call.clone()).await {
            Ok(reply) if reply.status.as_u16() != 429 => return Outcome::Held,
            Err(why) => return Outcome::Wrong(format!("GET {path}: {why}")),
            Ok(_) if began.elapsed() > RECOVERY => {
                return Outcome::Wrong(format!("GET {path}: still 429 after {} s of peace", RECOVERY.as_secs()));
            }
            Ok(_) => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}
