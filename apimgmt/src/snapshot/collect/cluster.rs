//! The cluster itself: version, readiness, identity, the release's namespace, events and cert-manager's objects.

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::{
    Run,
    list::{Listing, path},
    trouble::Trouble,
};
use crate::{
    Error,
    snapshot::{
        ClusterIdentity, Source, Why,
        cluster::{Readiness, ServerVersion},
        events::Event,
        hostile,
        namespaces::Namespace,
    },
};

impl Run {
    pub(super) async fn version(&self) -> Result<ServerVersion, Trouble> {
        self.api.object("/version").await?.ok_or(Trouble::Absent)
    }

    /// The API server answers 500 when a check fails, and names the check all the same.
    pub(super) async fn readiness(&self) -> Result<Readiness, Trouble> {
        let (status, _, answer) = self.api.get_once("/readyz?verbose", "*/*").await?;
        match status {
            StatusCode::FORBIDDEN => return Err(Trouble::Unreadable(Why::Forbidden)),
            StatusCode::NOT_FOUND => return Err(Trouble::Absent),
            _ => {}
        }
        let text = answer.whole().await?;
        let readiness = Readiness::parse(&String::from_utf8_lossy(&text));
        if readiness.passed.is_empty() && readiness.failed.is_empty() {
            return Err(Trouble::failed(format!("HTTP {status} without the checks' names")));
        }
        Ok(readiness)
    }

    pub(super) async fn own_namespace(&self) -> Result<Option<Namespace>, Trouble> {
        self.api
            .object(&path("", "v1", None, &format!("namespaces/{}", self.namespace())))
            .await
    }

    /// The objects of cert-manager; where it is not installed there are none: a fact.
    pub(super) async fn of_cert_manager<T: DeserializeOwned>(&self, source: Source) -> Result<Vec<T>, Trouble> {
        match self.api.list(&Listing::of(source, self.namespace()), Some).await {
            Err(Trouble::Absent) => Ok(Vec::new()),
            result => result,
        }
    }

    pub(super) async fn events(&self) -> Result<Vec<Event>, Trouble> {
        let listing = Listing::of(Source::Events, self.namespace());
        let tame = |mut event: Event| {
            event.message = hostile::capped(&event.message, 2 * hostile::LONGEST_LINE);
            event.reason = hostile::line(&event.reason);
            Some(event)
        };
        self.api.list(&listing, tame).await
    }

    /// Which cluster it is; what may not be read of that stays empty, and only a cluster out of reach is an error.
    pub(super) async fn identity(&self) -> Result<ClusterIdentity, Error> {
        let known = |result| match result {
            Err(Trouble::Fatal(error)) => Err(error),
            Err(_) => Ok(None),
            Ok(value) => Ok(value),
        };
        let system = async {
            let system: Option<Namespace> = self.api.object("/api/v1/namespaces/kube-system").await?;
            Ok(system.map(|namespace| namespace.metadata.uid.to_string()))
        };
        let version = async { Ok(Some(self.version().await?.git_version)) };
        let (uid, version) = futures::join!(system, version);
        Ok(ClusterIdentity {
            server: self.request.server.clone(),
            context: self.request.context.clone(),
            version: known(version)?.unwrap_or_default(),
            uid: known(uid)?.unwrap_or_default(),
        })
    }
}
