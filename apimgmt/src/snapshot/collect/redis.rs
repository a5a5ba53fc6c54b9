//! The session to Redis: found as the application finds it, logged in as the application logs in.

mod sentinels;
mod server;

use std::{collections::BTreeMap, iter::repeat, time::Duration};

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
        Pod, Snapshot, Source, Unreadable, Why,
        reduce::SecretValue,
        roles::{Role, Roles},
        sessions::{KeyspaceReads, Login, Redis, Sentinel},
    },
    values::ExpectedCache,
};

/// Who logs in.
struct Logins {
    /// As the application does.
    application: Credentials,
    /// The password of the server's own user, where its pods name one.
    own: Option<SecretValue>,
}

impl Logins {
    /// The user `default` with the server's own password, or else the application's user.
    fn server(&self) -> Credentials {
        let copy = |password: &SecretValue| SecretValue::new(password.reveal().to_vec());
        let login = Credentials {
            host: self.application.host.clone(),
            scheme: self.application.scheme.clone(),
            ..Credentials::default()
        };
        match &self.own {
            Some(own) => Credentials {
                password: Some(copy(own)),
                ..login
            },
            None => Credentials {
                user: self.application.user.clone(),
                password: self.application.password.as_ref().map(copy),
                ..login
            },
        }
    }
}

/// Most Sentinels, and most servers beside the master, that are asked; more than five serve nobody.
const MOST: usize = 9;

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
        let credentials = match (credentials, role) {
            (None, None) => return Ok(None),
            (Some(credentials), _) => credentials,
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
        let own = match role {
            Some(role) => self.environment(role, vault).await?.password(cache::SERVER_PASSWORDS),
            None => None,
        };
        let logins = Logins {
            application: credentials,
            own,
        };
        if expected.mode == "sentinel" {
            let told = self.master_and_sentinels(&surroundings, role, &logins, expected);
            return told.await.map(Some);
        }
        let application = &logins.application;
        let reach = surroundings
            .reach(&application.host, application.port, cache::PORT, role)
            .map_err(Trouble::session)?;
        self.server_and_login(&logins, &reach, expected).await.map(Some)
    }

    /// The server that takes writes is the one that the Sentinels agree on. Where they name none, what they say is
    /// still told, and why nothing else is.
    async fn master_and_sentinels(
        &self,
        surroundings: &Surroundings<'_>,
        role: Option<&Role>,
        logins: &Logins,
        expected: &ExpectedCache,
    ) -> Result<Redis, Trouble> {
        let sentinels = self.sentinels(surroundings, logins, &expected.sentinel).await?;
        let unasked = |why: String| Redis {
            object: format!("service/{}", expected.sentinel.service),
            untold: BTreeMap::from([("session".to_owned(), why)]),
            ..Redis::default()
        };
        let master = Sentinel::agreed(&sentinels);
        let facts = match master.and_then(|address| surroundings.reach_address(address, cache::PORT)) {
            Err(why) => unasked(why),
            Ok(reach) => {
                let object = reach.object();
                let beside = role
                    .into_iter()
                    .flat_map(|role| role.ready_pods(surroundings.pods).zip(repeat(role.port)))
                    .filter(|(pod, _)| pod.object() != object);
                let (facts, followers) = futures::join!(
                    self.server_and_login(logins, &reach, expected),
                    self.followers(beside, logins)
                );
                let followers = followers?;
                match facts {
                    Ok(facts) => Redis { followers, ..facts },
                    Err(Trouble::Unreadable(why)) => {
                        let why = Unreadable::new(Source::Redis, surroundings.namespace, why);
                        unasked(format!("{object}, which the Sentinels call the master: {why}"))
                    }
                    Err(trouble) => return Err(trouble),
                }
            }
        };
        Ok(Redis { sentinels, ..facts })
    }

    /// What the ready servers beside the master show to their own user.
    async fn followers(&self, pods: impl Iterator<Item = (&Pod, u16)>, logins: &Logins) -> Result<Vec<Redis>, Trouble> {
        let asked = pods.take(MOST).map(|(pod, port)| async move {
            let reach = Reach::Pod {
                name: pod.metadata.name.clone(),
                port,
            };
            let mut facts = Redis {
                object: reach.object(),
                path: reach.path(),
                ..Redis::default()
            };
            let user = logins.server();
            let mut way = self.tunnel(&reach).await?;
            match attempt(&mut way, &user, user.password.as_ref().and_then(SecretValue::text)).await {
                Ok(mut session) => {
                    facts.info = session.info().await.unwrap_or_default();
                    self.parameters(&mut facts, &mut session).await;
                }
                Err(why) => _ = facts.untold.insert("session".into(), why.to_string()),
            }
            Ok(facts)
        });
        futures::future::try_join_all(asked).await
    }

    async fn server_and_login(
        &self,
        logins: &Logins,
        reach: &Reach,
        expected: &ExpectedCache,
    ) -> Result<Redis, Trouble> {
        let mut facts = self.log_in_to_redis(&logins.application, reach).await?;
        facts.reads.extend(reads(&facts.info));
        self.server_of_redis(&mut facts, logins, reach, expected).await?;
        facts.object = reach.object();
        facts.path = reach.path();
        Ok(facts)
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
        evicted: count("evicted_keys").unwrap_or_default(),
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
