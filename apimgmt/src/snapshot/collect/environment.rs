//! The environment of a role's pods as the kubelet would make it, for the credentials in it.

use std::collections::BTreeMap;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Run, list::path, trouble::Trouble, vault::Vault};
use crate::snapshot::{
    PodSpec,
    pods::{Container, EnvironmentVariable, Volume},
    reduce::{Dsn, SecretValue, parse_dsn},
    roles::Role,
};

/// Longest value after references are filled in: above it a value refers to itself in circles.
const LONGEST: usize = 64 << 10;

/// Variables by name; never printed.
#[derive(Default)]
pub(crate) struct Environment(BTreeMap<String, Zeroizing<String>>);

/// The names under which applications look for the parts of one server's address.
pub(crate) struct Words {
    /// Schemes of its DSNs.
    pub(crate) schemes: &'static [&'static str],
    /// Variables that hold a whole DSN, the usual ones first; others count too when their value has the scheme.
    pub(crate) dsn: &'static [&'static str],
    pub(crate) host: &'static [&'static str],
    pub(crate) port: &'static [&'static str],
    pub(crate) user: &'static [&'static str],
    pub(crate) password: &'static [&'static str],
    pub(crate) database: &'static [&'static str],
}

/// Where a server is and who the application is to it.
#[derive(Default)]
pub(crate) struct Credentials {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Option<SecretValue>,
    pub(crate) database: String,
    pub(crate) scheme: String,
    pub(crate) tls: Option<String>,
}

impl Run {
    /// The environment of a role's containers. Literal values that the Snapshot withholds are read once more from the
    /// workload, for this session alone.
    pub(super) async fn environment(&self, role: &Role, vault: &Vault) -> Result<Environment, Trouble> {
        let containers = role.template.init_containers.iter().chain(&role.template.containers);
        let withheld = containers
            .flat_map(|container| &container.env)
            .filter_map(|variable| variable.value.as_ref())
            .any(|value| value.text().map(str::len) != Some(value.len()));
        let literals = if withheld {
            self.literals(role).await?
        } else {
            Literals::new()
        };
        Ok(Environment::of(&role.template, vault, &literals))
    }

    async fn literals(&self, role: &Role) -> Result<Literals, Trouble> {
        #[derive(Deserialize)]
        struct Workload {
            spec: Specification,
        }
        #[derive(Deserialize)]
        struct Specification {
            template: Option<Template>,
            #[serde(default)]
            containers: Vec<Raw>,
        }
        #[derive(Deserialize)]
        struct Template {
            spec: Box<Specification>,
        }
        #[derive(Deserialize)]
        struct Raw {
            name: String,
            #[serde(default)]
            env: Vec<Variable>,
        }
        #[derive(Deserialize)]
        struct Variable {
            name: String,
            value: Option<Zeroizing<String>>,
        }
        let (kind, name) = role.workload.split_once('/').unwrap_or_default();
        let (group, resource) = match kind {
            "deployment" => ("apps", "deployments"),
            "statefulset" => ("apps", "statefulsets"),
            _ => ("", "pods"),
        };
        let path = path(group, "v1", Some(self.namespace()), &format!("{resource}/{name}"));
        let workload: Workload = self.api.object(&path).await?.ok_or(Trouble::Absent)?;
        let containers = match workload.spec.template {
            Some(template) => template.spec.containers,
            None => workload.spec.containers,
        };
        Ok(containers
            .into_iter()
            .flat_map(|container| {
                let values = container
                    .env
                    .into_iter()
                    .filter_map(|variable| Some((variable.name, variable.value?)));
                values
                    .map(move |(name, value)| ((container.name.clone(), name), value))
                    .collect::<Vec<_>>()
            })
            .collect())
    }
}

/// Literal values by container and name.
type Literals = BTreeMap<(String, String), Zeroizing<String>>;

impl Environment {
    /// The variables of every container; where two containers differ, the first one's.
    fn of(template: &PodSpec, vault: &Vault, literals: &Literals) -> Self {
        let mut all = BTreeMap::new();
        for container in template.containers.iter().rev() {
            all.extend(of_container(container, &template.volumes, vault, literals));
        }
        Self(all)
    }

    /// The variables of this very process: what a probe's pod was given.
    pub(crate) fn of_process() -> Self {
        Self(
            std::env::vars()
                .map(|(name, value)| (name, Zeroizing::new(value)))
                .collect(),
        )
    }

    fn first(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .find_map(|name| self.0.get(*name))
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// What the application knows of a server; `None` when it knows nothing.
    pub(crate) fn credentials(&self, words: &Words) -> Option<Credentials> {
        let of_scheme = |value: &str| match parse_dsn(value.trim()) {
            Some(Ok(dsn)) if words.schemes.contains(&dsn.address.scheme.as_str()) => Some(dsn),
            _ => None,
        };
        let usual = words.dsn.iter().filter_map(|name| self.0.get(*name));
        let dsn = usual.chain(self.0.values()).find_map(|value| of_scheme(value));
        let host = dsn
            .as_ref()
            .map(|dsn| dsn.address.host.clone())
            .or_else(|| self.first(words.host).map(str::to_owned))?;
        // `redis://host:port` stands in some variables for the host alone.
        let (scheme, written) = dsn.map_or_else(Default::default, |dsn: Dsn| (dsn.address.scheme.clone(), Some(dsn)));
        let (address, password, tls) = match written {
            Some(dsn) => (dsn.address, dsn.password, dsn.tls),
            None => Default::default(),
        };
        let or_else = |text: String, names: &[&str]| {
            if text.is_empty() {
                self.first(names).unwrap_or_default().to_owned()
            } else {
                text
            }
        };
        let port = match address.port {
            0 => self
                .first(words.port)
                .and_then(|port| port.parse().ok())
                .unwrap_or_default(),
            port => port,
        };
        let password = password.or_else(|| {
            self.first(words.password)
                .map(|password| Zeroizing::new(password.to_owned()))
        });
        Some(Credentials {
            host,
            port,
            user: or_else(address.user, words.user),
            password: password.map(|password| SecretValue::new(password.as_bytes().to_vec())),
            database: or_else(address.path, words.database),
            scheme,
            tls: tls.or_else(|| self.first(&["PGSSLMODE", "DB_SSLMODE"]).map(str::to_owned)),
        })
    }

    /// The small number that a variable holds; nothing else of it is ever told.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.first(&[name])?
            .trim()
            .parse()
            .ok()
            .filter(|number| *number < 1_000_000)
    }

    /// The short lower-case word that one of these variables holds, such as a mode; nothing else of it is ever told.
    pub(crate) fn word(&self, names: &[&str]) -> Option<String> {
        let is_word =
            |text: &&str| text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        self.first(names).filter(is_word).map(str::to_owned)
    }

    /// The first of these variables that is there.
    pub(crate) fn password(&self, names: &[&str]) -> Option<SecretValue> {
        self.first(names)
            .map(|password| SecretValue::new(password.as_bytes().to_vec()))
    }
}

fn of_container(
    container: &Container,
    volumes: &[Volume],
    vault: &Vault,
    literals: &Literals,
) -> BTreeMap<String, Zeroizing<String>> {
    let mut variables = BTreeMap::new();
    let text = |value: &SecretValue| value.text().map(|text| Zeroizing::new(text.to_owned()));
    for source in &container.env_from {
        let secret = source
            .secret_ref
            .iter()
            .flat_map(|object| vault.secret_keys(&object.name));
        let config_map = source
            .config_map_ref
            .iter()
            .flat_map(|object| vault.config_map_keys(&object.name));
        for (key, value) in secret.chain(config_map) {
            variables.extend(text(value).map(|value| (format!("{}{key}", source.prefix), value)));
        }
    }
    for variable in &container.env {
        let value = match of_reference(variable, vault) {
            Some(value) => text(value),
            None => literals
                .get(&(container.name.clone(), variable.name.clone()))
                .cloned()
                .or_else(|| Some(Zeroizing::new(variable.value.as_ref()?.text()?.to_owned())))
                .map(|value| expanded(&value, &variables)),
        };
        variables.extend(value.map(|value| (variable.name.clone(), value)));
    }
    // `DB_PASSWORD_FILE=/run/secrets/db/password`: the file of a mounted secret.
    let files: Vec<_> = variables
        .iter()
        .filter_map(|(name, path)| {
            Some((
                name.strip_suffix("_FILE")?.to_owned(),
                text(mounted(path, container, volumes, vault)?)?,
            ))
        })
        .collect();
    variables.extend(files);
    variables
}

fn of_reference<'a>(variable: &EnvironmentVariable, vault: &'a Vault) -> Option<&'a SecretValue> {
    let source = variable.value_from.as_ref()?;
    match (&source.secret_key_ref, &source.config_map_key_ref) {
        (Some(key), _) => vault.secret(&key.name, &key.key),
        (None, Some(key)) => vault.config_map(&key.name, &key.key),
        (None, None) => None,
    }
}

/// The value of the key that a path inside a container shows.
fn mounted<'a>(path: &str, container: &Container, volumes: &[Volume], vault: &'a Vault) -> Option<&'a SecretValue> {
    container.volume_mounts.iter().find_map(|mount| {
        let key = path.strip_prefix(mount.mount_path.as_str())?.trim_start_matches('/');
        let volume = volumes.iter().find(|volume| volume.name == mount.name)?;
        vault.secret(&volume.secret.as_ref()?.secret_name, key)
    })
}

/// Fills `$(NAME)` in with variables defined before, as the kubelet does; `$$` stands for `$`.
fn expanded(value: &str, variables: &BTreeMap<String, Zeroizing<String>>) -> Zeroizing<String> {
    let mut filled = Zeroizing::new(String::new());
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name = rest.strip_prefix('(').and_then(|after| after.split_once(')'));
        match name.and_then(|(name, after)| Some((variables.get(name)?, after))) {
            Some((known, after)) if filled.len() + known.len() < LONGEST => {
                filled.push_str(known);
                rest = after;
            }
            _ => {
                filled.push('$');
                rest = rest.strip_prefix('$').unwrap_or(rest);
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests;
