//! Commands that ask or change a server from within its own pod, where its administrator needs no address.

use super::{Scene, servers::container_of};
use crate::{
    signatures::Family,
    snapshot::{Pod, pods::Container},
};

impl Scene<'_> {
    /// A statement for the database's administrator: a command where the server runs here, else a sentence.
    pub(crate) fn psql(&self, pod: Option<&Pod>, database: &str, statement: &str) -> String {
        let Some((pod, container)) = pod.and_then(|pod| Some((pod, container_of(pod, Family::Postgresql)?))) else {
            return format!("Run as the database's administrator: {statement}");
        };
        let user = literal(container, "POSTGRES_USER").filter(|user| is_plain(user));
        let database = if is_plain(database) { database } else { "postgres" };
        format!(
            "kubectl exec -n {} {} -c {} -- psql -U {} -d {database} -c \"{statement}\"",
            self.namespace(),
            pod.object(),
            container.name,
            user.unwrap_or("postgres"),
        )
    }

    /// Words for `redis-cli`: a command where the server runs here, else a sentence.
    pub(crate) fn redis_cli(&self, pod: Option<&Pod>, words: &str) -> String {
        let Some((pod, container)) = pod.and_then(|pod| Some((pod, container_of(pod, Family::Redis)?))) else {
            return format!("Run as the cache's administrator: {words}");
        };
        let has = |name: &str| container.env.iter().any(|variable| variable.name == name);
        let logged_in = has("REDISCLI_AUTH");
        let password = ["REDIS_PASSWORD", "VALKEY_PASSWORD"].into_iter().find(|name| has(name));
        let command = match password.filter(|_| !logged_in) {
            Some(password) => format!("sh -c 'REDISCLI_AUTH=\"${password}\" redis-cli {words}'"),
            None => format!("redis-cli {words}"),
        };
        format!(
            "kubectl exec -n {} {} -c {} -- {command}",
            self.namespace(),
            pod.object(),
            container.name
        )
    }
}

/// The literal value of a variable.
pub(crate) fn literal<'c>(container: &'c Container, name: &str) -> Option<&'c str> {
    let variable = container.env.iter().find(|variable| variable.name == name)?;
    variable.value.as_ref()?.text()
}

/// The value of a server's parameter in its command line: `-c max_connections=20`.
pub(crate) fn parameter<'c>(container: &'c Container, name: &str) -> Option<&'c str> {
    let words = container
        .command
        .iter()
        .chain(&container.args)
        .filter_map(|word| word.text());
    let value = |word: &'c str| {
        let word = word
            .strip_prefix("-c")
            .unwrap_or(word)
            .trim_start()
            .trim_start_matches("--");
        word.strip_prefix(name)?.strip_prefix('=')
    };
    words.rev().find_map(value)
}

/// Whether a name of the cluster may stand in a command as it is.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && !name.starts_with('-')
}
