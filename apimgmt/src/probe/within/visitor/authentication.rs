//! Who is let in: with a real token, and with none, an expired one, a forged one, one for somebody else.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{
    Outcome, Steps, Visit, browser,
    calls::{make, worded},
    client::Call,
    tokens::Token,
};
use crate::snapshot::hostile;

/// Longest wait for a token to expire.
const LONGEST: Duration = Duration::from_secs(45);

/// Tries the declared call with every kind of token.
pub(super) async fn probe(visit: &Visit) -> Steps {
    let declared = &visit.errand.authentication;
    let mut steps = Steps::default();
    let Some(discovery) = &visit.tokens.discovery else {
        steps.outcome(
            "discovery",
            Outcome::Untried("`checklist.authentication.issuer` declares no issuer".into()),
        );
        return steps;
    };
    let Some(discovery) = steps.step("discovery", discovery.clone()) else {
        return steps;
    };
    let token = match visit.tokens.token(&declared.role) {
        Ok(token) => {
            steps.step("token", Ok(()));
            token
        }
        Err(outcome) => {
            steps.outcome("token", outcome);
            return steps;
        }
    };
    let (keys, expired, code_flow) = futures::join!(
        keys(visit, &discovery.jwks_uri, token),
        expired(visit),
        browser::log_in(visit, &discovery),
    );
    steps.outcome("keys", keys);
    let mut expected = declared.call.clone();
    expected.role.clone_from(&declared.role);
    steps.outcome("accepted", make(visit, &expected, &mut BTreeMap::new()).await.outcome);
    steps.outcome("withoutToken", refused(visit, None, "no token").await);
    for (name, what, forged) in [
        ("signature", "another signature", token.with_another_signature()),
        ("claims", "other claims", token.with_other_claims()),
        ("unsigned", "`alg: none`", token.without_signature()),
    ] {
        let outcome = match forged {
            Some(forged) => refused(visit, Some(&forged), what).await,
            None => Outcome::Untried("tokens are no JSON Web Tokens".into()),
        };
        steps.outcome(name, outcome);
    }
    steps.outcome("audience", foreign(visit).await);
    steps.outcome("expired", expired);
    if let Some(outcome) = code_flow {
        steps.outcome("codeFlow", outcome);
    }
    steps
}

/// The issuer publishes the key that the token is signed with.
async fn keys(visit: &Visit, url: &str, token: &Token) -> Outcome {
    let reply = match visit.client.call(Call::get(url)).await {
        Ok(reply) if reply.status.as_u16() == 200 => reply,
        Ok(reply) => return Outcome::Wrong(format!("{url} answers {}", reply.status.as_u16())),
        Err(why) => return Outcome::Wrong(format!("{url}: {why}")),
    };
    let set = reply.json();
    let published = set["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let header = token.header();
    let Some(kid) = header["kid"].as_str() else {
        let one = published.len() == 1;
        return if one {
            Outcome::Held
        } else {
            Outcome::Wrong(format!("the token names none of the {} keys at {url}", published.len()))
        };
    };
    if published.iter().any(|key| key["kid"] == kid) {
        Outcome::Held
    } else {
        Outcome::Wrong(format!(
            "the token's key `{}` is not at {url}",
            hostile::capped(kid, 60)
        ))
    }
}

/// The declared call with a token that must not open it.
pub(super) async fn refused(visit: &Visit, token: Option<&str>, what: &str) -> Outcome {
    match worded(visit, &visit.errand.authentication.call, &BTreeMap::new()) {
        Ok(call) => refuses(visit, call, token, what).await,
        Err(why) => Outcome::Wrong(why),
    }
}

/// A call with a token that must not open it.
pub(super) async fn refuses(visit: &Visit, call: Call, token: Option<&str>, what: &str) -> Outcome {
    match visit.client.call(call.bearing(token)).await {
        Ok(reply) if reply.is_refusal() => Outcome::Held,
        Ok(reply) => Outcome::Wrong(format!(
            "{what} is answered with {} instead of 401",
            reply.status.as_u16()
        )),
        Err(why) => Outcome::Wrong(format!("{what}: {why}")),
    }
}

/// The token of another audience, when one is declared and is what it should be.
pub(super) fn foreign_token(visit: &Visit) -> Result<&Token, Outcome> {
    let declared = &visit.errand.authentication;
    if declared.foreign.is_empty() {
        return Err(Outcome::Untried(
            "`checklist.authentication.foreign` declares no role".into(),
        ));
    }
    let token = visit.tokens.token(&declared.foreign)?;
    if declared.audience.is_empty() || token.is_for(&declared.audience) || token.claims().is_null() {
        return Err(Outcome::Untried(format!(
            "tokens of `{}` are not for another audience than `{}`",
            declared.foreign, declared.audience
        )));
    }
    Ok(token)
}

async fn foreign(visit: &Visit) -> Outcome {
    match foreign_token(visit) {
        Ok(token) => refused(visit, Some(token.text()), "a token for another audience").await,
        Err(outcome) => outcome,
    }
}

/// A token that opened the call does so no more once it has expired.
async fn expired(visit: &Visit) -> Outcome {
    let declared = &visit.errand.authentication;
    if declared.expiring.is_empty() {
        return Outcome::Untried("`checklist.authentication.expiring` declares no role".into());
    }
    let token = match visit.tokens.token(&declared.expiring) {
        Ok(token) => token,
        Err(outcome) => return outcome,
    };
    let claims = token.claims();
    let Some(expires) = claims["exp"]
        .as_i64()
        .and_then(|second| Timestamp::from_second(second).ok())
    else {
        return Outcome::Untried(format!("tokens of `{}` do not say when they expire", declared.expiring));
    };
    let last = expires.saturating_add(jiff::SignedDuration::try_from(declared.leeway.0).unwrap_or_default());
    let wait = last.unwrap_or(expires).duration_since(Timestamp::now());
    let wait = Duration::try_from(wait).unwrap_or_default() + Duration::from_secs(1);
    if wait > LONGEST {
        return Outcome::Untried(format!(
            "tokens of `{}` live for another {} s",
            declared.expiring,
            wait.as_secs()
        ));
    }
    let mut call = declared.call.clone();
    call.role.clone_from(&declared.expiring);
    // Without the leeway of the application this one might be too late already: then it shows as much.
    let fresh = make(visit, &call, &mut BTreeMap::new()).await;
    let was_late = Timestamp::now() > expires;
    match fresh.outcome {
        Outcome::Held => {}
        Outcome::Wrong(_) if was_late && fresh.reply.as_ref().is_some_and(super::client::Reply::is_refusal) => {}
        Outcome::Wrong(why) => return Outcome::Untried(format!("also before it expires: {why}")),
        untried @ Outcome::Untried(_) => return untried,
    }
    tokio::time::sleep(wait).await;
    refused(visit, Some(token.text()), "an expired token").await
}
