//! Grafana: its health, a query through each of its Prometheus sources, and its dashboards. It is asked as the admin
//! whom its own pod was given.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::{
    Run,
    caller::{Caller, Question},
    http_call::Reply,
    reach::{Reach, Surroundings},
    trouble::Trouble,
    vault::Vault,
};
use crate::snapshot::{
    Snapshot, Unreadable, Why, hostile,
    roles::Role,
    sessions::{Grafana, GrafanaDashboard, GrafanaSource},
};

/// Longest time for one question: it may pass it on to a data source.
const LONGEST: Duration = Duration::from_secs(6);
/// Longest answer that is read.
const LARGEST: usize = 4 << 20;
/// Most sources and dashboards that are kept.
const MOST: usize = 500;
/// Connections at once.
const AT_ONCE: usize = 2;

/// How Grafana's image is told who its admin is.
const USER: &[&str] = &["GF_SECURITY_ADMIN_USER"];
const PASSWORD: &[&str] = &["GF_SECURITY_ADMIN_PASSWORD"];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Health {
    database: String,
    version: String,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    uid: String,
    #[serde(default)]
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    uid: String,
    #[serde(default)]
    title: String,
}

/// The answer of Prometheus to an instant query.
#[derive(Deserialize)]
struct Answered {
    data: Samples,
}

#[derive(Deserialize)]
struct Samples {
    result: Vec<serde::de::IgnoredAny>,
}

impl Run {
    /// `None` when the declared service is not there.
    pub(super) async fn grafana(&self, snapshot: &Snapshot, vault: &Vault) -> Result<Option<Grafana>, Trouble> {
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let address = &snapshot.expectations().map_err(needs)?.monitoring.grafana;
        let surroundings = Surroundings {
            namespace: self.namespace(),
            services: snapshot.services().map_err(needs)?,
            pods: snapshot.pods().map_err(needs)?,
        };
        let is_here = |name: &str| surroundings.services.iter().any(|one| one.metadata.name == name);
        if !address.service.contains('.') && !is_here(&address.service) {
            return Ok(None);
        }
        let reach = surroundings.reach(&address.service, address.port, 3000, None);
        let reach = reach.map_err(Trouble::session)?;
        let caller = Caller::new(self, &reach, AT_ONCE);
        let health: Health = self.grafana_says(&caller, "/api/health", None).await?;
        let mut grafana = Grafana {
            object: format!("service/{}", address.service),
            version: hostile::line(&health.version),
            database: hostile::line(&health.database),
            ..Grafana::default()
        };
        match self.grafana_admin(snapshot, &reach, vault).await? {
            None => grafana.refused = Some("its pod names no admin and no password".into()),
            Some(admin) => self.look_into(&mut grafana, &caller, &admin).await?,
        }
        Ok(Some(grafana))
    }

    /// `Authorization` of the admin, as Grafana's own pod was told.
    async fn grafana_admin(
        &self,
        snapshot: &Snapshot,
        reach: &Reach,
        vault: &Vault,
    ) -> Result<Option<HeaderValue>, Trouble> {
        let Reach::Pod { name, .. } = reach else {
            return Ok(None);
        };
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let pods = snapshot.pods().map_err(needs)?;
        let Some(pod) = pods.iter().find(|pod| pod.metadata.name == *name) else {
            return Ok(None);
        };
        vault.must_be_whole()?;
        let role = Role {
            workload: reach.object(),
            template: pod.spec.clone(),
            ..Role::default()
        };
        let environment = self.environment(&role, vault).await?;
        // Grafana's own default for the name; for the password it has one that nobody should rely on.
        let user = environment.password(USER);
        let user = user.as_ref().and_then(|user| user.text()).unwrap_or("admin");
        let Some(password) = environment.password(PASSWORD) else {
            return Ok(None);
        };
        let pair = Zeroizing::new([user.as_bytes(), b":", password.reveal()].concat());
        let basic = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(&*pair)));
        let mut value = HeaderValue::from_str(&basic).ok();
        if let Some(value) = &mut value {
            value.set_sensitive(true);
        }
        Ok(value)
    }

    async fn look_into(&self, grafana: &mut Grafana, caller: &Caller<'_>, admin: &HeaderValue) -> Result<(), Trouble> {
        let sources = self.grafana_reply(caller, "/api/datasources", Some(admin)).await?;
        if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&sources.status) {
            grafana.refused = Some(format!(
                "its admin's own credentials were refused with HTTP {}",
                sources.status.as_u16()
            ));
            return Ok(());
        }
        let sources: Vec<Source> = parsed(&sources, "/api/datasources")?;
        let search = format!("/api/search?type=dash-db&limit={MOST}");
        let asked = sources
            .into_iter()
            .take(MOST)
            .map(|source| self.through(caller, admin, source));
        let (sources, dashboards) = futures::try_join!(
            stream::iter(asked.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect(),
            self.grafana_says::<Vec<Found>>(caller, &search, Some(admin)),
        )?;
        grafana.data_sources = sources;
        let dashboard = |found: Found| GrafanaDashboard {
            uid: hostile::line(&found.uid),
            title: hostile::line(&found.title),
        };
        grafana.dashboards = dashboards.into_iter().take(MOST).map(dashboard).collect();
        Ok(())
    }

    /// Asks a data source through Grafana; only Prometheus' language is spoken here.
    async fn through(
        &self,
        caller: &Caller<'_>,
        admin: &HeaderValue,
        source: Source,
    ) -> Result<GrafanaSource, Trouble> {
        let mut told = GrafanaSource {
            uid: hostile::line(&source.uid),
            name: hostile::line(&source.name),
            kind: hostile::line(&source.kind),
            ..GrafanaSource::default()
        };
        if source.kind != "prometheus" {
            return Ok(told);
        }
        let uid = utf8_percent_encode(&source.uid, NON_ALPHANUMERIC);
        let path = format!("/api/datasources/proxy/uid/{uid}/api/v1/query?query=up");
        match self.grafana_says::<Answered>(caller, &path, Some(admin)).await {
            Ok(answer) => told.answered = Some(answer.data.result.len() as u64),
            // What one source answers is its own fact.
            Err(Trouble::Unreadable(Why::Session(message))) => told.error = Some(message),
            Err(trouble) => return Err(trouble),
        }
        Ok(told)
    }

    async fn grafana_says<T: DeserializeOwned>(
        &self,
        caller: &Caller<'_>,
        path: &str,
        admin: Option<&HeaderValue>,
    ) -> Result<T, Trouble> {
        parsed(&self.grafana_reply(caller, path, admin).await?, path)
    }

    async fn grafana_reply(
        &self,
        caller: &Caller<'_>,
        path: &str,
        admin: Option<&HeaderValue>,
    ) -> Result<Reply, Trouble> {
        let question = Question {
            path,
            authorization: admin,
            within: LONGEST,
            most: LARGEST,
        };
        caller.get(question).await
    }
}

fn parsed<T: DeserializeOwned>(reply: &Reply, path: &str) -> Result<T, Trouble> {
    if !reply.status.is_success() {
        return Err(Trouble::session(format!("HTTP {} to {path}", reply.status.as_u16())));
    }
    serde_json::from_slice(&reply.body).map_err(|error| {
        Trouble::session(hostile::line(&format!(
            "the answer to {path} is not Grafana's: {error}"
        )))
    })
}
