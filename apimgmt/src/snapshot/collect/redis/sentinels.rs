//! The Sentinels of the cache, each asked for itself: agreement can only be seen by asking all of them.

use super::{
    super::{
        Run,
        environment::Credentials,
        reach::{Reach, Surroundings},
        trouble::Trouble,
    },
    attempt,
};
use crate::{
    cache::Failure,
    snapshot::{Pod, Source, Unreadable, reduce::SecretValue, roles::target_port, sessions::Sentinel},
    values::ExpectedSentinel,
};

/// Most Sentinels that are asked; more than five serve nobody.
const MOST: usize = 9;

impl Run {
    /// What every ready pod behind the declared service says.
    pub(super) async fn sentinels(
        &self,
        surroundings: &Surroundings<'_>,
        application: &Credentials,
        expected: &ExpectedSentinel,
    ) -> Result<Vec<Sentinel>, Trouble> {
        let name = &expected.service;
        let services = surroundings.services;
        let Some(service) = services.iter().find(|service| service.metadata.name == *name) else {
            return Ok(Vec::new());
        };
        let selector = &service.spec.selector;
        let behind = |pod: &&Pod| {
            let labels = &pod.metadata.labels;
            !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        };
        let pods = surroundings.pods.iter().filter(behind).filter(|pod| pod.is_ready());
        let asked = pods.take(MOST).map(|pod| async move {
            let declared = service.spec.ports.iter().find(|port| port.port == expected.port);
            let reach = Reach::Pod {
                name: pod.metadata.name.clone(),
                port: declared
                    .and_then(|port| target_port(port, &pod.spec))
                    .unwrap_or(expected.port),
            };
            let object = reach.object();
            match self.sentinel(&reach, application, &expected.master).await {
                Ok(sentinel) => Ok(Sentinel { object, ..sentinel }),
                Err(Trouble::Unreadable(why)) => Ok(Sentinel {
                    object,
                    error: Some(Unreadable::new(Source::Redis, surroundings.namespace, why).to_string()),
                    ..Sentinel::default()
                }),
                Err(trouble) => Err(trouble),
            }
        });
        futures::future::try_join_all(asked).await
    }

    /// Without a password, and where it wants one with the cache's own.
    async fn sentinel(&self, reach: &Reach, application: &Credentials, master: &str) -> Result<Sentinel, Trouble> {
        let nobody = Credentials {
            host: application.host.clone(),
            scheme: application.scheme.clone(),
            ..Credentials::default()
        };
        let mut last = String::new();
        for password in [None, application.password.as_ref().and_then(SecretValue::text)] {
            let mut way = self.tunnel(reach).await?;
            let told = match attempt(&mut way, &nobody, password).await {
                Ok(mut session) => session.sentinel(master).await,
                Err(failure) => Err(failure),
            };
            match told {
                Ok(sentinel) => return Ok(sentinel),
                Err(failure @ Failure::Refused(_)) => last = failure.to_string(),
                Err(failure) => return Err(Trouble::session(failure.to_string())),
            }
        }
        Err(Trouble::session(last))
    }
}
