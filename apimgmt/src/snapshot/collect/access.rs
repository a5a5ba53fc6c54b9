//! Asks the authorizer what the release's accounts may do. The API server answers and stores nothing.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use http::{Request, StatusCode, header::CONTENT_TYPE};
use kube::client::Body;
use serde::Deserialize;
use serde_json::json;

use super::{Run, api_server::JSON, trouble::Trouble};
use crate::snapshot::{
    Snapshot, Unreadable, Why, hostile,
    sessions::{AccessReview, Question},
};

/// Most questions of one run.
const MOST: usize = 100;
/// Questions that are made ready at once; the API server's door lets fewer through.
const AT_ONCE: usize = 8;
/// Where questions are asked.
const PATH: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Review {
    status: ReviewStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ReviewStatus {
    allowed: bool,
    reason: String,
}

impl Run {
    /// One answer for every declared need, and one for each account on whether it may do everything.
    pub(super) async fn access_reviews(&self, snapshot: &Snapshot) -> Result<Vec<AccessReview>, Trouble> {
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let accounts = snapshot.own_accounts().map_err(needs)?;
        let mut questions: BTreeSet<Question> = accounts.keys().map(|account| Question::everything(account)).collect();
        let declared = &snapshot.expectations().map_err(needs)?.permissions;
        for (account, permissions) in declared {
            let asked = permissions
                .iter()
                .flat_map(|need| need.questions(account, self.namespace()));
            questions.extend(asked);
        }
        if questions.len() > MOST {
            return Err(Trouble::failed(format!(
                "{} permissions are more than {MOST}",
                questions.len()
            )));
        }
        stream::iter(questions.into_iter().map(|question| self.ask(question)))
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn ask(&self, question: Question) -> Result<AccessReview, Trouble> {
        let Question {
            account,
            verb,
            group,
            resource,
            name,
            namespace,
        } = &question;
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let own = self.namespace();
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": format!("system:serviceaccount:{own}:{account}"),
                "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{own}"), "system:authenticated"],
                "resourceAttributes": {
                    "verb": verb, "group": group, "resource": resource, "subresource": subresource,
                    "name": name, "namespace": namespace,
                },
            },
        });
        let request = Request::post(PATH)
            .header(CONTENT_TYPE, JSON)
            .body(Body::from(body.to_string().into_bytes()))
            .map_err(|error| Trouble::failed(error.to_string()))?;
        let (status, _, answer) = self.api.send_once(request).await?;
        match status {
            StatusCode::OK | StatusCode::CREATED => {}
            StatusCode::FORBIDDEN => return Err(Trouble::Unreadable(Why::Forbidden)),
            StatusCode::NOT_FOUND => return Err(Trouble::Absent),
            other => return Err(Trouble::failed(format!("HTTP {other}"))),
        }
        let whole = answer.whole().await?;
        let review: Review = serde_json::from_slice(&whole).map_err(|error| Trouble::misfit(&error))?;
        Ok(AccessReview {
            question,
            allowed: review.status.allowed,
            reason: hostile::line(&review.status.reason),
        })
    }
}
