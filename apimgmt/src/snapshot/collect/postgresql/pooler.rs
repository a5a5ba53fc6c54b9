//! The server behind a pooler, by the pooler's own configuration: what the application talks to is not what keeps its data.

use super::super::{
    Run,
    environment::{Credentials, Environment},
    reach::{Reach, Surroundings},
    trouble::Trouble,
    vault::Vault,
};
use crate::{
    database::{self, Behind, PORT, WORDS},
    snapshot::{
        PodSpec, hostile,
        reduce::SecretValue,
        roles::{Role, Roles},
        sessions::Pooler,
    },
};

/// Where sessions go: by the door that the application comes to, and on to the server.
pub(super) struct Way {
    pub(super) door: Reach,
    pub(super) server: Reach,
    /// The application's, as the server takes them.
    pub(super) credentials: Credentials,
    /// What stands between them.
    pub(super) pooler: Option<Pooler>,
}

impl Run {
    /// Finds the server behind the application's door.
    ///
    /// # Errors
    /// In words, when a pooler is there and nothing tells which server is behind it: what the pooler says is not what the
    /// server would.
    pub(super) async fn way(
        &self,
        application: &Credentials,
        door: Reach,
        roles: &Roles,
        surroundings: &Surroundings<'_>,
        vault: &Vault,
    ) -> Result<Way, Trouble> {
        let credentials = copied(application);
        let is_of = |role: &Option<Role>| match (&door, role) {
            (Reach::Pod { name, .. }, Some(role)) => role.pods(surroundings.pods).any(|pod| pod.metadata.name == *name),
            _ => false,
        };
        if let (Some(role), true) = (&roles.pooler, is_of(&roles.pooler)) {
            let behind = configured(self, role, vault, database_of(application)).await?.ok_or_else(|| {
                Trouble::session(format!(
                    "{} is a pooler, and neither its environment nor its mounted configuration names the server behind it for `{}`",
                    role.workload,
                    hostile::capped(database_of(application), 80)
                ))
            })?;
            let server = surroundings
                .reach(&behind.host, behind.port, PORT, roles.database.as_ref())
                .map_err(|why| Trouble::session(format!("behind {}: {why}", role.workload)))?;
            return Ok(Way {
                pooler: Some(Pooler {
                    object: door.object(),
                    server: hostile::line(&format!(
                        "{}:{}",
                        behind.host,
                        if behind.port == 0 { PORT } else { behind.port }
                    )),
                    mode: hostile::line(&behind.mode),
                    pool_size: behind.pool_size,
                    most_clients: behind.most_clients,
                }),
                credentials: Credentials {
                    host: behind.host,
                    port: behind.port,
                    database: behind.database,
                    tls: behind.tls,
                    ..credentials
                },
                door,
                server,
            });
        }
        if !is_of(&roles.database) && self.meets_a_pooler(&door, application).await? {
            return Err(Trouble::session(format!(
                "{} is a pooler, and nothing here names the server behind it",
                door.object()
            )));
        }
        Ok(Way {
            server: door.clone(),
            door,
            credentials,
            pooler: None,
        })
    }

    async fn meets_a_pooler(&self, door: &Reach, credentials: &Credentials) -> Result<bool, Trouble> {
        let mut way = self.tunnel(door).await?;
        let Some(stream) = way.stream() else {
            return Ok(false);
        };
        let password = credentials
            .password
            .as_ref()
            .map(SecretValue::reveal)
            .unwrap_or_default();
        Ok(database::is_pooler(stream, credentials, password).await)
    }
}

/// The database of a session: of the same name as the role, where none is said.
pub(super) fn database_of(credentials: &Credentials) -> &str {
    if credentials.database.is_empty() {
        &credentials.user
    } else {
        &credentials.database
    }
}

fn copied(credentials: &Credentials) -> Credentials {
    Credentials {
        host: credentials.host.clone(),
        port: credentials.port,
        user: credentials.user.clone(),
        password: credentials
            .password
            .as_ref()
            .map(|password| SecretValue::new(password.reveal().to_vec())),
        database: credentials.database.clone(),
        scheme: credentials.scheme.clone(),
        tls: credentials.tls.clone(),
    }
}

/// What a pooler's pods are told: by a mounted file, else by their environment, as the usual images take it.
async fn configured(run: &Run, role: &Role, vault: &Vault, database: &str) -> Result<Option<Behind>, Trouble> {
    if let Some(behind) = mounted(&role.template, vault).find_map(|text| database::behind(text, database)) {
        return Ok(Some(behind));
    }
    let environment = run.environment(role, vault).await?;
    Ok(environment
        .credentials(&WORDS)
        .map(|server| of_environment(&environment, server, database)))
}

fn of_environment(environment: &Environment, server: Credentials, database: &str) -> Behind {
    let number = |name: &str| {
        environment
            .number(&format!("PGBOUNCER_{name}"))
            .or_else(|| environment.number(name))
    };
    let reserve = number("RESERVE_POOL_SIZE").unwrap_or_default();
    Behind {
        host: server.host,
        port: server.port,
        database: if server.database.is_empty() {
            database.to_owned()
        } else {
            server.database
        },
        tls: environment.word(&["PGBOUNCER_SERVER_TLS_SSLMODE", "SERVER_TLS_SSLMODE"]),
        mode: environment
            .word(&["PGBOUNCER_POOL_MODE", "POOL_MODE"])
            .unwrap_or_else(|| "session".into()),
        pool_size: number("DEFAULT_POOL_SIZE").map(|size| size.saturating_add(reserve)),
        most_clients: number("MAX_CLIENT_CONN"),
    }
}

/// The texts of the config maps and secrets that a pod mounts.
fn mounted<'a>(template: &'a PodSpec, vault: &'a Vault) -> impl Iterator<Item = &'a str> {
    let projected = template.volumes.iter().filter_map(|volume| volume.projected.as_ref());
    let projected = projected.flat_map(|projected| &projected.sources);
    let volumes = template.volumes.iter();
    let config_maps = volumes.clone().filter_map(|volume| volume.config_map.as_ref());
    let config_maps = config_maps.chain(projected.clone().filter_map(|source| source.config_map.as_ref()));
    let secrets = volumes.filter_map(|volume| Some(volume.secret.as_ref()?.secret_name.as_str()));
    let secrets = secrets.chain(projected.filter_map(|source| Some(source.secret.as_ref()?.name.as_str())));
    let config_maps = config_maps.flat_map(|map| vault.config_map_keys(&map.name));
    let secrets = secrets.flat_map(|name| vault.secret_keys(name));
    config_maps.chain(secrets).filter_map(|(_, value)| value.text())
}
