//! The session of the role that reads the server's statistics: what the application's own role may not see.

use super::{
    super::{Run, environment::Credentials, reach::Reach, trouble::Trouble, vault::Vault},
    attempt,
    pooler::database_of,
};
use crate::{
    database::{self, Failure},
    snapshot::{reduce::SecretValue, sessions::Postgresql},
    values::ExpectedDatabase,
};

impl Run {
    /// Adds what the monitoring role sees. When the server has no connection left for the application, it may still have
    /// one for this role: from PostgreSQL 16 by `pg_use_reserved_connections`.
    pub(super) async fn monitor(
        &self,
        facts: &mut Postgresql,
        vault: &Vault,
        application: &Credentials,
        reach: &Reach,
        expected: &ExpectedDatabase,
    ) -> Result<(), Trouble> {
        let secret = &expected.monitor_secret;
        let key = |key: &str| vault.secret(secret, key);
        let (Some(user), Some(password)) = (key("username").and_then(SecretValue::text), key("password")) else {
            let why = format!("no Secret `{secret}` with `username` and `password` is named by any pod");
            facts.untold.insert("monitor".into(), why);
            return Ok(());
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
            Err(_) => {
                facts
                    .untold
                    .insert("monitor".into(), "no second connection to the server".into());
                return Ok(());
            }
        };
        let mut client = match attempt(&mut way, &credentials, password.reveal(), database_of(application)).await {
            Ok(client) => client,
            Err(Failure::Refused(why) | Failure::NoDatabase(why) | Failure::Full(why) | Failure::Other(why)) => {
                facts.untold.insert("monitor".into(), why);
                return Ok(());
            }
        };
        let mut untold = |part: &str, why: String| {
            facts.untold.insert(part.to_owned(), why);
        };
        if facts.exhausted.is_some() {
            match database::read(&mut client, "").await {
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
            match database::settings(&mut client).await {
                Ok(settings) => facts.settings = settings,
                Err(why) => untold("settings", why),
            }
            match database::upkeep(&mut client, facts.version_number).await {
                Ok(upkeep) => facts.upkeep = Some(upkeep),
                Err(why) => untold("upkeep", why),
            }
        }
        if facts.replicas.is_none() {
            match database::replicas(&mut client).await {
                Ok(replicas) => facts.replicas = replicas,
                Err(why) => untold("monitor", why),
            }
        }
        match database::contention(&mut client).await {
            Ok(contention) => facts.contention = Some(contention),
            Err(why) => untold("contention", why),
        }
        if facts.write_ahead_log.is_none() {
            match database::write_ahead_log(&mut client).await {
                Ok(log) => facts.write_ahead_log = Some(log),
                Err(why) => untold("writeAheadLog", why),
            }
        }
        match database::activity(&mut client, &application.user).await {
            Ok(activity) => facts.activity = Some(activity),
            Err(why) => untold("activity", why),
        }
        Ok(())
    }
}
