//! The session of the role that reads the server's statistics: what the application's own role may not see.

use tokio_postgres::Client;

use super::{
    super::{Run, environment::Credentials, reach::Reach, trouble::Trouble, tunnel::Tunnel, vault::Vault},
    attempt,
    pooler::database_of,
};
use crate::{
    database::{self, Failure},
    snapshot::{reduce::SecretValue, sessions::Postgresql},
    values::ExpectedDatabase,
};

/// What the monitoring role saw, and its session for more.
pub(super) struct Monitor {
    client: Client,
    _way: Tunnel,
    seen: Postgresql,
}

impl Run {
    /// Asks as the monitoring role, beside the application's own session; why that cannot be, in words.
    pub(super) async fn monitor(
        &self,
        vault: &Vault,
        application: &Credentials,
        reach: &Reach,
        expected: &ExpectedDatabase,
    ) -> Result<Result<Monitor, String>, Trouble> {
        let secret = &expected.monitor_secret;
        let key = |key: &str| vault.secret(secret, key);
        let (Some(user), Some(password)) = (key("username").and_then(SecretValue::text), key("password")) else {
            return Ok(Err(format!(
                "no Secret `{secret}` with `username` and `password` is named by any pod"
            )));
        };
        let credentials = Credentials {
            host: application.host.clone(),
            user: user.to_owned(),
            tls: application.tls.clone(),
            ..Credentials::default()
        };
        let mut way = match self.tunnel(reach).await {
            Ok(way) => way,
            Err(fatal @ Trouble::Fatal(_)) => return Err(fatal),
            Err(_) => return Ok(Err("no second connection to the server".into())),
        };
        match attempt(&mut way, &credentials, password.reveal(), database_of(application)).await {
            Ok(mut client) => Ok(Ok(Monitor {
                seen: seen(&mut client, &application.user).await,
                client,
                _way: way,
            })),
            Err(Failure::Refused(why) | Failure::NoDatabase(why) | Failure::Full(why) | Failure::Other(why)) => {
                Ok(Err(why))
            }
        }
    }
}

/// What only this role sees whole. A part that cannot be asked leaves the others.
async fn seen(client: &mut Client, user: &str) -> Postgresql {
    let mut seen = Postgresql::default();
    let mut untold = |part: &str, why: String| {
        seen.untold.insert(part.to_owned(), why);
    };
    match database::replicas(client).await {
        Ok(replicas) => seen.replicas = replicas,
        Err(why) => untold("monitor", why),
    }
    match database::contention(client).await {
        Ok(contention) => seen.contention = Some(contention),
        Err(why) => untold("contention", why),
    }
    match database::write_ahead_log(client).await {
        Ok(log) => seen.write_ahead_log = Some(log),
        Err(why) => untold("writeAheadLog", why),
    }
    match database::activity(client, user).await {
        Ok(activity) => seen.activity = Some(activity),
        Err(why) => untold("activity", why),
    }
    seen
}

impl Monitor {
    /// Adds what this role saw. When the server had no connection left for the application, it may still have had one for
    /// this role: from PostgreSQL 16 by `pg_use_reserved_connections`.
    pub(super) async fn add_to(mut self, facts: &mut Postgresql) {
        if facts.exhausted.is_some() {
            self.stand_in(facts).await;
        }
        let Postgresql {
            replicas,
            contention,
            write_ahead_log,
            activity,
            untold,
            ..
        } = self.seen;
        facts.replicas = facts.replicas.take().or(replicas);
        facts.contention = contention.or(facts.contention.take());
        facts.write_ahead_log = facts.write_ahead_log.take().or(write_ahead_log);
        facts.activity = activity.or(facts.activity.take());
        facts.untold.extend(untold);
    }

    /// Tells what the application's session would have told.
    async fn stand_in(&mut self, facts: &mut Postgresql) {
        let client = &mut self.client;
        let mut untold = |part: &str, why: String| {
            facts.untold.insert(part.to_owned(), why);
        };
        match database::read(client, "").await {
            Ok(seen) => {
                facts.version_number = seen.version_number;
                facts.version = seen.version;
                facts.in_recovery = seen.in_recovery;
                facts.started_at = seen.started_at;
                facts.max_connections = seen.max_connections;
                facts.connections = seen.connections;
                facts.replicas = seen.replicas;
            }
            Err(why) => untold("monitor", why),
        }
        match database::settings(client).await {
            Ok(settings) => facts.settings = settings,
            Err(why) => untold("settings", why),
        }
        match database::upkeep(client, facts.version_number).await {
            Ok(upkeep) => facts.upkeep = Some(upkeep),
            Err(why) => untold("upkeep", why),
        }
    }
}
