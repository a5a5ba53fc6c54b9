//! What service accounts may do in the cluster: asked of the API server itself, which decides.

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::{Api, Client, api::PostParams};
use serde_json::json;

use crate::{
    snapshot::{Snapshot, hostile, roles::Roles, sessions::ProbeResult},
    values::{Allowance, AuthorizedAccess},
};

const ITEM: &str = "security/authorization";

/// Asks for every declared access, and adds to the result of the visit how that came out.
pub(super) async fn add(client: &Client, snapshot: &Snapshot, results: &mut [ProbeResult]) {
    let Some(result) = results.iter_mut().find(|result| result.item == ITEM) else {
        return;
    };
    let Ok(expected) = snapshot.expectations() else {
        return;
    };
    let own = Roles::of(snapshot).ok().and_then(|roles| roles.application);
    let own = own
        .map(|role| role.template.service_account_name.clone())
        .unwrap_or_default();
    let mut outcome = Outcome::default();
    for access in &expected.authorization.service_accounts {
        let account = if access.account.is_empty() {
            own.as_str()
        } else {
            &access.account
        };
        // A pod that names none runs as `default`.
        let account = if account.is_empty() { "default" } else { account };
        outcome.take(
            account,
            access,
            review(client, &snapshot.namespace, account, access).await,
        );
    }
    let text = outcome.text();
    if !outcome.wrong.is_empty() {
        if result.passed {
            result.detail = format!("serviceAccounts: {text}");
        }
        result.passed = false;
    }
    result.values.insert("serviceAccounts".into(), text);
}

#[derive(Default)]
struct Outcome {
    asked: usize,
    wrong: Vec<String>,
    untried: Option<String>,
}

impl Outcome {
    fn take(&mut self, account: &str, access: &AuthorizedAccess, answer: Result<bool, String>) {
        self.asked += 1;
        let what = format!("`{}` of `{}` by serviceaccount/{account}", access.verb, access.resource);
        match (answer, access.expect) {
            (Ok(true), Allowance::Refused) => self.wrong.push(format!("{what} is allowed")),
            (Ok(false), Allowance::Allowed) => self.wrong.push(format!("{what} is refused")),
            (Ok(_), _) => {}
            (Err(why), _) => self.untried = Some(why),
        }
    }

    fn text(&self) -> String {
        if !self.wrong.is_empty() {
            return hostile::capped(&self.wrong.join("; "), 240);
        }
        if let Some(why) = &self.untried {
            return format!("untried: {why}");
        }
        if self.asked == 0 {
            return "untried: `checklist.authorization.serviceAccounts` declares none".into();
        }
        "ok".into()
    }
}

/// Whether the account may.
async fn review(client: &Client, namespace: &str, account: &str, access: &AuthorizedAccess) -> Result<bool, String> {
    let (resource, subresource) = access.resource.split_once('/').unwrap_or((&access.resource, ""));
    let asked: SubjectAccessReview = serde_json::from_value(json!({
        "spec": {
            "user": format!("system:serviceaccount:{namespace}:{account}"),
            "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
            "resourceAttributes": {
                "namespace": namespace, "verb": access.verb, "group": access.group, "resource": resource, "subresource": subresource,
            },
        },
    }))
    .map_err(|error| error.to_string())?;
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    match reviews.create(&PostParams::default(), &asked).await {
        Ok(answer) => answer
            .status
            .map(|status| status.allowed)
            .ok_or_else(|| "the API server gave no answer".to_owned()),
        Err(kube::Error::Api(status)) if status.code == 403 => {
            Err("not permitted to create `subjectaccessreviews.authorization.k8s.io`".into())
        }
        Err(error) => Err(hostile::line(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_either_way_is_wrong_and_a_silent_server_is_no_answer() {
        let access = |expect| AuthorizedAccess {
            verb: "get".into(),
            resource: "secrets".into(),
            expect,
            ..AuthorizedAccess::default()
        };
        let text = |answer, expect| {
            let mut outcome = Outcome::default();
            outcome.take("app", &access(expect), answer);
            outcome.text()
        };
        assert_eq!(text(Ok(false), Allowance::Refused), "ok");
        assert_eq!(
            text(Ok(true), Allowance::Refused),
            "`get` of `secrets` by serviceaccount/app is allowed"
        );
        assert_eq!(
            text(Ok(false), Allowance::Allowed),
            "`get` of `secrets` by serviceaccount/app is refused"
        );
        assert_eq!(text(Err("why".into()), Allowance::Allowed), "untried: why");
        assert!(Outcome::default().text().starts_with("untried: "));
    }
}
