//! Who may do what: protected routes without a good token, and roles against what they may and may not do.

use std::collections::BTreeMap;

use super::{
    Outcome, Steps, Visit,
    authentication::{foreign_token, refuses},
    calls::{about, worded},
};
use crate::values::{Allowance, ExpectedCall};

/// No token of anybody: three parts of base64, as a careless check might take.
const NONSENSE: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.bm9ib2R5";

/// Every protected route refuses whoever has no good token.
pub(super) async fn control(visit: &Visit) -> Steps {
    let routes = &visit.errand.access_control.routes;
    let mut steps = Steps::default();
    steps.outcome("noToken", on_each(visit, routes, None, "no token").await);
    steps.outcome(
        "badToken",
        on_each(visit, routes, Some(NONSENSE), "a token of nobody").await,
    );
    let audience = match foreign_token(visit) {
        Ok(token) => on_each(visit, routes, Some(token.text()), "a token for another audience").await,
        Err(outcome) => outcome,
    };
    steps.outcome("wrongAudience", audience);
    steps.note("routes", routes.len());
    steps
}

async fn on_each(visit: &Visit, routes: &[ExpectedCall], token: Option<&str>, what: &str) -> Outcome {
    let mut outcomes = Vec::new();
    for route in routes {
        let outcome = match worded(visit, route, &BTreeMap::new()) {
            Ok(call) => refuses(visit, call, token, what).await,
            Err(why) => Outcome::Wrong(why),
        };
        outcomes.push(about(&route.title(), outcome));
    }
    Outcome::all(outcomes)
}

/// Each role does what it may, and is refused what it may not.
pub(super) async fn authorization(visit: &Visit) -> Steps {
    let mut steps = Steps::default();
    let (mut allowed, mut refused) = (Vec::new(), Vec::new());
    for declared in &visit.errand.authorization.calls {
        let outcome = permitted(visit, &declared.call, declared.expect).await;
        let title = format!("{} as `{}`", declared.call.title(), declared.call.role);
        match declared.expect {
            Allowance::Allowed => allowed.push(about(&title, outcome)),
            Allowance::Refused => refused.push(about(&title, outcome)),
        }
    }
    steps.outcome("allowed", Outcome::all(allowed));
    steps.outcome("refused", Outcome::all(refused));
    steps
}

async fn permitted(visit: &Visit, call: &ExpectedCall, expected: Allowance) -> Outcome {
    let token = match visit.tokens.of(&call.role) {
        Ok(Some(token)) => token,
        Ok(None) => return Outcome::Untried("it names no role".into()),
        Err(outcome) => return outcome,
    };
    let call = match worded(visit, call, &BTreeMap::new()) {
        Ok(call) => call.bearing(Some(token)),
        Err(why) => return Outcome::Wrong(why),
    };
    match (visit.client.call(call).await, expected) {
        (Err(why), _) => Outcome::Wrong(why),
        // 401 says that the token itself is no good, which tells nothing of the role.
        (Ok(reply), Allowance::Refused) if reply.status.as_u16() == 403 => Outcome::Held,
        (Ok(reply), Allowance::Allowed) if !reply.is_refusal() && !reply.status.is_server_error() => Outcome::Held,
        (Ok(reply), Allowance::Refused) => Outcome::Wrong(format!("{} instead of 403", reply.status.as_u16())),
        (Ok(reply), Allowance::Allowed) => Outcome::Wrong(format!("{} though it may", reply.status.as_u16())),
    }
}
