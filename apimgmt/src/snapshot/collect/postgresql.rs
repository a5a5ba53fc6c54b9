//! The session to PostgreSQL: found as the application finds it, logged in as the application logs in.

mod monitor;
mod pooler;

use std::time::Duration;

use tokio::time::timeout_at;

use self::pooler::{Way, database_of};
use super::{
    Run,
    environment::{Credentials, Environment},
    reach::{Reach, Surroundings},
    trouble::Trouble,
    tunnel::Tunnel,
    vault::Vault,
};
use crate::{
    database::{self, Failure},
    snapshot::{
        Snapshot, Why,
        reduce::SecretValue,
        roles::Roles,
        sessions::{Login, Pool, Postgresql},
    },
    values::ExpectedDatabase,
};

/// Longest time for everything with the database.
const LONGEST: Duration = Duration::from_secs(15);

/// A password that is nobody's, to see that it is refused.
pub(super) const WRONG_PASSWORD: &[u8] = b"apimgmt-tries-a-wrong-password";

impl Run {
    /// `None` when no workload plays the database and the application knows of none.
    pub(super) async fn postgresql(&self, snapshot: &Snapshot, vault: &Vault) -> Result<Option<Postgresql>, Trouble> {
        timeout_at(self.until(LONGEST), self.ask_postgresql(snapshot, vault))
            .await
            .map_err(|_| Trouble::session(format!("no answer within {} s", LONGEST.as_secs())))?
    }

    async fn ask_postgresql(&self, snapshot: &Snapshot, vault: &Vault) -> Result<Option<Postgresql>, Trouble> {
        let needs = |unreadable: crate::snapshot::Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let roles = Roles::of(snapshot).map_err(needs)?;
        let surroundings = Surroundings {
            namespace: self.namespace(),
            services: snapshot.services().map_err(needs)?,
            pods: snapshot.pods().map_err(needs)?,
        };
        let environment = match &roles.application {
            Some(application) => {
                vault.must_be_whole()?;
                Some(self.environment(application, vault).await?)
            }
            None => None,
        };
        let credentials = environment
            .as_ref()
            .and_then(|environment| environment.credentials(&database::WORDS));
        let role = roles.database.as_ref();
        let (credentials, reach) = match (credentials, role) {
            (None, None) => return Ok(None),
            (Some(credentials), role) => {
                let reach = surroundings.reach(&credentials.host, credentials.port, database::PORT, role);
                (credentials, reach)
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
        let reach = reach.map_err(Trouble::session)?;
        let expected = &snapshot.expectations().map_err(needs)?.database;
        let way = self.way(&credentials, reach, &roles, &surroundings, vault).await?;
        let (mut facts, monitor) = futures::try_join!(
            self.log_in(&credentials, &way, expected),
            self.monitor(vault, &way.credentials, &way.server, expected),
        )?;
        match monitor {
            Ok(monitor) => monitor.add_to(&mut facts).await,
            Err(why) => _ = facts.untold.insert("monitor".into(), why),
        }
        facts.pooler = way.pooler;
        facts.pool = environment.map(|environment| pool(&environment, &expected.pool.variable));
        Ok(Some(facts))
    }

    /// By the application's door it is seen whether its credentials are taken, and from the server everything else.
    async fn log_in(
        &self,
        credentials: &Credentials,
        way: &Way,
        expected: &ExpectedDatabase,
    ) -> Result<Postgresql, Trouble> {
        let password = credentials
            .password
            .as_ref()
            .map(SecretValue::reveal)
            .unwrap_or_default();
        let (mut wrong_way, mut right_way) = futures::try_join!(self.tunnel(&way.door), self.tunnel(&way.door))?;
        let (wrong, mut right) = futures::join!(
            attempt(&mut wrong_way, credentials, WRONG_PASSWORD, database_of(credentials)),
            attempt(&mut right_way, credentials, password, database_of(credentials)),
        );
        let proof = match wrong {
            Err(Failure::Refused(_)) => Login::Proven,
            // The login comes before the database is looked for.
            Ok(_) | Err(Failure::NoDatabase(_)) => Login::Trusted,
            Err(Failure::Full(_) | Failure::Other(_)) => Login::Untried,
        };
        let mut server_way;
        if let Some(pooler) = &way.pooler {
            let says = |words: &str| format!("{} says: {words}", pooler.object);
            right = match right {
                Ok(_) => {
                    server_way = self.tunnel(&way.server).await?;
                    match attempt(
                        &mut server_way,
                        &way.credentials,
                        password,
                        database_of(&way.credentials),
                    )
                    .await
                    {
                        // The pooler may come to the server as somebody else.
                        Err(Failure::Refused(words)) => {
                            return Err(Trouble::session(format!(
                                "{} takes the application's credentials, {} behind it does not: {words}",
                                pooler.object,
                                way.server.object()
                            )));
                        }
                        result => result,
                    }
                }
                Err(Failure::Refused(words)) => Err(Failure::Refused(says(&words))),
                Err(Failure::Full(words)) => Err(Failure::Full(says(&words))),
                Err(Failure::NoDatabase(words)) => Err(Failure::NoDatabase(says(&words))),
                Err(Failure::Other(words)) => Err(Failure::Other(says(&words))),
            };
        }
        let mut facts = match right {
            Ok(mut client) => {
                let facts = database::read(&mut client, &expected.schema_query).await;
                let mut facts = facts.map_err(Trouble::session)?;
                of_application(&mut facts, &mut client, expected).await;
                facts
            }
            Err(Failure::Full(message)) => Postgresql {
                exhausted: Some(message),
                user: credentials.user.clone(),
                ..Postgresql::default()
            },
            Err(Failure::NoDatabase(message)) => Postgresql {
                schema_error: Some(message),
                ..self.without_database(&way.credentials, &way.server, password).await?
            },
            Err(Failure::Refused(message)) => Postgresql {
                login: Login::Refused { message },
                user: credentials.user.clone(),
                ..Postgresql::default()
            },
            Err(Failure::Other(message)) => return Err(Trouble::session(message)),
        };
        if facts.login == Login::Untried {
            facts.login = proof;
        }
        facts.object = way.server.object();
        facts.path = way.server.path();
        Ok(facts)
    }
}

impl Run {
    /// What the server tells in the database that every server has; nothing, where the application may not enter it:
    /// that its own database is missing is a fact all the same.
    async fn without_database(
        &self,
        credentials: &Credentials,
        reach: &Reach,
        password: &[u8],
    ) -> Result<Postgresql, Trouble> {
        let mut way = self.tunnel(reach).await?;
        match attempt(&mut way, credentials, password, "postgres").await {
            Ok(mut client) => database::read(&mut client, "").await.map_err(Trouble::session),
            Err(_) => Ok(Postgresql {
                user: credentials.user.clone(),
                ..Postgresql::default()
            }),
        }
    }
}

/// What the application's own session shows beyond the server's state. A part that cannot be asked leaves the others.
async fn of_application(facts: &mut Postgresql, client: &mut tokio_postgres::Client, expected: &ExpectedDatabase) {
    let user = facts.user.clone();
    let mut untold = Vec::new();
    match database::role(client, &expected.privileges).await {
        Ok(role) => facts.role = Some(role),
        Err(why) => untold.push(("role", why)),
    }
    match database::settings(client).await {
        Ok(settings) => facts.settings = settings,
        Err(why) => untold.push(("settings", why)),
    }
    match database::upkeep(client, facts.version_number).await {
        Ok(upkeep) => facts.upkeep = Some(upkeep),
        Err(why) => untold.push(("upkeep", why)),
    }
    match database::activity(client, &user).await {
        Ok(activity) => facts.activity = Some(activity),
        Err(why) => untold.push(("activity", why)),
    }
    match database::contention(client).await {
        Ok(contention) => facts.contention = Some(contention),
        Err(why) => untold.push(("contention", why)),
    }
    match database::write_ahead_log(client).await {
        Ok(log) => facts.write_ahead_log = Some(log),
        Err(why) => untold.push(("writeAheadLog", why)),
    }
    facts
        .untold
        .extend(untold.into_iter().map(|(part, why)| (part.to_owned(), why)));
}

/// Only a number is taken from the variable, since anything else may be a secret.
fn pool(environment: &Environment, variable: &str) -> Pool {
    Pool {
        variable: variable.to_owned(),
        size: environment.number(variable),
    }
}

async fn attempt(
    way: &mut Tunnel,
    credentials: &Credentials,
    password: &[u8],
    database: &str,
) -> Result<tokio_postgres::Client, Failure> {
    let stream = way
        .stream()
        .ok_or_else(|| Failure::Other("the port-forward gave no stream".into()))?;
    match database::open(stream, credentials, password, database).await {
        Err(Failure::Other(message)) => Err(Failure::Other(way.refusal().await.unwrap_or(message))),
        result => result,
    }
}
