//! The Sentinels of the cache, each asked for itself: agreement can only be seen by asking all of them.

use super::{
    super::{
        Run,
        environment::Credentials,
        reach::{Reach, Surroundings},
        trouble::Trouble,
    },
    Logins, MOST, attempt, ping,
};
use crate::{
    cache::Failure,
    snapshot::{Pod, Source, Unreadable, reduce::SecretValue, roles::target_port, sessions::Sentinel},
    values::ExpectedSentinel,
};

impl Run {
    /// What every ready pod behind the declared service says.
    pub(super) async fn sentinels(
        &self,
        surroundings: &Surroundings<'_>,
        logins: &Logins,
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
            match self.sentinel(&reach, logins, &expected.master).await {
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

    /// As the application asks it, else as the server's own user, else with the application's password alone. First
    /// without any, which it should refuse.
    async fn sentinel(&self, reach: &Reach, logins: &Logins, master: &str) -> Result<Sentinel, Trouble> {
        let nobody = Credentials {
            scheme: logins.application.scheme.clone(),
            host: logins.application.host.clone(),
            ..Credentials::default()
        };
        let mut way = self.tunnel(reach).await?;
        let (open, stranger) = match ping(attempt(&mut way, &nobody, None).await).await {
            Ok((session, answer)) => (Some(session), answer),
            Err(failure @ (Failure::Refused(_) | Failure::Server(_))) => (None, failure.to_string()),
            Err(failure @ Failure::Other(_)) => {
                return Err(Trouble::session(way.refusal().await.unwrap_or(failure.to_string())));
            }
        };
        let told = |sentinel: Sentinel| Sentinel {
            stranger: stranger.clone(),
            ..sentinel
        };
        if let Some(mut session) = open {
            let answer = session.sentinel(master).await;
            return answer
                .map(told)
                .map_err(|failure| Trouble::session(failure.to_string()));
        }
        let (application, server) = (&logins.application, logins.server());
        let mut last = String::new();
        for (login, password) in [
            (application, &application.password),
            (&server, &server.password),
            (&nobody, &application.password),
        ] {
            let mut way = self.tunnel(reach).await?;
            let answer = match attempt(&mut way, login, password.as_ref().and_then(SecretValue::text)).await {
                Ok(mut session) => session.sentinel(master).await,
                Err(failure) => Err(failure),
            };
            match answer {
                Ok(sentinel) => return Ok(told(sentinel)),
                // Another user may be let in, or may ask more.
                Err(failure @ (Failure::Refused(_) | Failure::Server(_))) => last = failure.to_string(),
                Err(failure) => return Err(Trouble::session(failure.to_string())),
            }
        }
        Err(Trouble::session(last))
    }
}
