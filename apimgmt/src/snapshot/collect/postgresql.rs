//! The session to PostgreSQL: found as the application finds it, logged in as the application logs in.

use std::time::Duration;

use tokio::time::timeout_at;

use super::{
    Run,
    environment::Credentials,
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
        sessions::{Login, Postgresql},
    },
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
        let credentials = match &roles.application {
            Some(application) => {
                vault.must_be_whole()?;
                self.environment(application, vault)
                    .await?
                    .credentials(&database::WORDS)
            }
            None => None,
        };
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
        let schema_query = &snapshot.expectations().map_err(needs)?.database.schema_query;
        self.log_in(&credentials, &reach, schema_query).await.map(Some)
    }

    async fn log_in(
        &self,
        credentials: &Credentials,
        reach: &Reach,
        schema_query: &str,
    ) -> Result<Postgresql, Trouble> {
        let database = if credentials.database.is_empty() {
            &credentials.user
        } else {
            &credentials.database
        };
        let password = credentials
            .password
            .as_ref()
            .map(SecretValue::reveal)
            .unwrap_or_default();
        let (mut wrong_way, mut right_way) = futures::try_join!(self.tunnel(reach), self.tunnel(reach))?;
        let (wrong, right) = futures::join!(
            attempt(&mut wrong_way, credentials, WRONG_PASSWORD, database),
            attempt(&mut right_way, credentials, password, database),
        );
        let proof = match wrong {
            Err(Failure::Refused(_)) => Login::Proven,
            // The login comes before the database is looked for.
            Ok(_) | Err(Failure::NoDatabase(_)) => Login::Trusted,
            Err(Failure::Other(_)) => Login::Untried,
        };
        let mut facts = match right {
            Ok(mut client) => database::read(&mut client, schema_query)
                .await
                .map_err(Trouble::session)?,
            Err(Failure::NoDatabase(message)) => Postgresql {
                schema_error: Some(message),
                ..self.without_database(credentials, reach, password).await?
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
        facts.object = reach.object();
        facts.path = reach.path();
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
