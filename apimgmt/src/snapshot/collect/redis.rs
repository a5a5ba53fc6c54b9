//! The session to Redis: found as the application finds it, logged in as the application logs in.

mod sentinels;
mod server;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use tokio::time::timeout_at;

use super::{
    Run,
    environment::Credentials,
    postgresql::WRONG_PASSWORD,
    reach::{Reach, Surroundings},
    tls::Observer,
    trouble::Trouble,
    tunnel::{Stream, Tunnel},
    vault::Vault,
};
use crate::{
    cache::{self, Failure, Session},
    snapshot::{
        Snapshot, Unreadable, Why,
        reduce::SecretValue,
        roles::Roles,
        sessions::{KeyspaceReads, Login, Redis},
    },
};

/// Longest time for everything with the cache.
const LONGEST: Duration = Duration::from_secs(10);

impl Run {
    /// `None` when no workload plays the cache and the application knows of none.
    pub(super) async fn redis(&self, snapshot: &Snapshot, vault: &Vault) -> Result<Option<Redis>, Trouble> {
        timeout_at(self.until(LONGEST), self.ask_redis(snapshot, vault))
            .await
            .map_err(|_| Trouble::session(format!("no answer within {} s", LONGEST.as_secs())))?
    }

    async fn ask_redis(&self, snapshot: &Snapshot, vault: &Vault) -> Result<Option<Redis>, Trouble> {
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let roles = Roles::of(snapshot).map_err(needs)?;
        let surroundings = Surroundings {
            namespace: self.namespace(),
            services: snapshot.services().map_err(needs)?,
            pods: snapshot.pods().map_err(needs)?,
        };
        let credentials = match &roles.application {
            Some(application) => {
                vault.must_be_whole()?;
                self.environment(application, vault).await?.credentials(&cache::WORDS)
            }
            None => None,
        };
        let role = roles.cache.as_ref();
        let (credentials, reach) = match (credentials, role) {
            (None, None) => return Ok(None),
            (Some(credentials), role) => {
                let reach = surroundings.reach(&credentials.host, credentials.port, cache::PORT, role);
                (credentials, reach.map_err(Trouble::session)?)
            }
            (None, Some(role)) => {
                surroundings.reach_role(role).map_err(Trouble::session)?;
                let who = roles.application.as_ref().map_or(
                    "no application was found, whose",
                    |_| "the application's environment holds no",
                );
                return Err(Trouble::session(format!("{who} credentials for {}", role.workload)));
            }
        };
        let expected = &snapshot.expectations().map_err(needs)?.cache;
        let mut facts = self.log_in_to_redis(&credentials, &reach).await?;
        facts.reads.extend(reads(&facts.info));
        self.server_of_redis(&mut facts, role, vault, &credentials, &reach, expected)
            .await?;
        if expected.mode == "sentinel" {
            facts.sentinels = self.sentinels(&surroundings, &credentials, &expected.sentinel).await?;
        }
        facts.object = reach.object();
        facts.path = reach.path();
        Ok(Some(facts))
    }

    async fn log_in_to_redis(&self, credentials: &Credentials, reach: &Reach) -> Result<Redis, Trouble> {
        let password = credentials.password.as_ref().and_then(SecretValue::text);
        let wrong = std::str::from_utf8(WRONG_PASSWORD).ok();
        let (mut wrong_way, mut right_way) = futures::try_join!(self.tunnel(reach), self.tunnel(reach))?;
        let (wrong, right) = futures::join!(
            async {
                ping(attempt(&mut wrong_way, credentials, wrong).await)
                    .await
                    .map(|(_, answer)| answer)
            },
            async { ping(attempt(&mut right_way, credentials, password).await).await },
        );
        let mut facts = Redis {
            login: match wrong {
                Err(Failure::Refused(_)) if password.is_some() => Login::Proven,
                // Whoever needs no password, or takes any, trusts everybody.
                Ok(_) | Err(Failure::Refused(_)) => Login::Trusted,
                // `AUTH` without any password set: the server says that it asks for none.
                Err(Failure::Server(message)) if message.contains("without any password") => Login::Trusted,
                Err(Failure::Server(_) | Failure::Other(_)) => Login::Untried,
            },
            ..Redis::default()
        };
        match right {
            Ok((mut session, answer)) => {
                facts.ping = answer;
                // A user who may not ask is no failure: the server's own user is asked then.
                facts.info = session.info().await.unwrap_or_default();
            }
            Err(Failure::Refused(message)) => facts.login = Login::Refused { message },
            Err(Failure::Server(message)) => facts.ping = message,
            Err(Failure::Other(message)) => {
                return Err(Trouble::session(right_way.refusal().await.unwrap_or(message)));
            }
        }
        Ok(facts)
    }
}

/// The keyspace's counters, where they are told.
fn reads(info: &BTreeMap<String, String>) -> Option<KeyspaceReads> {
    let count = |name: &str| info.get(name)?.parse().ok();
    Some(KeyspaceReads {
        at: Some(Timestamp::now()),
        hits: count("keyspace_hits")?,
        misses: count("keyspace_misses")?,
    })
}

async fn ping(session: Result<Session, Failure>) -> Result<(Session, String), Failure> {
    let mut session = session?;
    let answer = session.ping().await?;
    Ok((session, answer))
}

async fn attempt(way: &mut Tunnel, credentials: &Credentials, password: Option<&str>) -> Result<Session, Failure> {
    let stream = way
        .stream()
        .ok_or_else(|| Failure::Other("the port-forward gave no stream".into()))?;
    let stream = if credentials.scheme == "rediss" {
        encrypted(stream, &credentials.host).await?
    } else {
        stream
    };
    cache::open(stream, &credentials.user, password).await
}

/// The handshake of `rediss`: over a port-forward the name is not the server's, and nothing is proven of it.
async fn encrypted(stream: Stream, host: &str) -> Result<Stream, Failure> {
    let refused = |error: &dyn std::error::Error| Failure::Other(crate::snapshot::hostile::line(&error.to_string()));
    let (_, config) = Observer::client().map_err(|error| refused(&error))?;
    let name = rustls::pki_types::ServerName::try_from(host.to_owned()).map_err(|error| refused(&error))?;
    let stream = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
        .connect(name, stream)
        .await;
    Ok(Box::new(stream.map_err(|error| refused(&error))?))
}
