//! What the environment (or a flag of the same name) sets.
use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use clap::Args;
use jiff::SignedDuration;
use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError, io::tcp::TcpSettings};
use reqwest::Url;

use crate::{illness::Illness, migrations};

/// A server that acknowledges nothing for so long is gone, also if no one said goodbye: its node may have died.
const SILENCE: Duration = Duration::from_secs(5);

/// Settings of every command.
#[derive(Args, Clone)]
pub(crate) struct Settings {
    /// `postgres://user:password@host:port/database`
    #[arg(long, env, hide_env_values = true)]
    database_url: Secret,
    /// Most connections that the pool holds
    #[arg(long, env, default_value_t = 10, value_parser = positive)]
    pub(crate) database_pool_size: usize,
    /// Role that `migrate` grants reading and writing of the tables, if it exists
    #[arg(long, env, default_value = "api_management")]
    pub(crate) database_app_role: String,
    /// Role that `migrate` grants reading of the schema's version, if it exists
    #[arg(long, env, default_value = "api_management_monitor")]
    pub(crate) database_monitor_role: String,
    /// How long `migrate` waits for a database that does not answer yet
    #[arg(long, env, default_value = "5m", value_parser = duration)]
    pub(crate) database_wait: Duration,
    /// Schema version that `migrate` goes up to
    #[arg(long, env, default_value_t = migrations::LATEST)]
    pub(crate) schema_target: i64,
    /// Lowest schema version that this release runs on [default: the target]
    #[arg(long, env)]
    pub(crate) schema_minimum: Option<i64>,
    /// Highest schema version that this release runs on [default: the target]
    #[arg(long, env)]
    pub(crate) schema_maximum: Option<i64>,
    /// Lines below this level are not logged: error, warn, info, debug, trace
    #[arg(long, env, default_value = "info")]
    pub(crate) log_level: tracing_subscriber::filter::LevelFilter,
}

impl Settings {
    /// The database to connect to.
    pub(crate) fn database(&self) -> Result<tokio_postgres::Config, SettingsError> {
        let mut config: tokio_postgres::Config = self
            .database_url
            .0
            .parse()
            .map_err(|error| SettingsError::new("DATABASE_URL", &error))?;
        config
            .application_name("api-management")
            .connect_timeout(Duration::from_secs(2))
            .tcp_user_timeout(SILENCE);
        Ok(config)
    }

    /// Schema versions that this release runs on.
    pub(crate) fn schema_range(&self, illness: &Illness) -> std::ops::RangeInclusive<i64> {
        if let Some(version) = illness.schema_version {
            return version..=version;
        }
        self.schema_minimum.unwrap_or(self.schema_target)..=self.schema_maximum.unwrap_or(self.schema_target)
    }
}

/// Settings of `serve`.
#[derive(Args, Clone)]
pub(crate) struct ServeSettings {
    /// Address and port to listen on
    #[arg(long, env, default_value = "0.0.0.0:8080")]
    pub(crate) listen: SocketAddr,
    /// `redis://:password@host:port/0`
    #[arg(long, env, hide_env_values = true)]
    redis_url: Secret,
    /// Sentinels to ask for the master, `host:port,host:port`; user, password and database are those of the URL
    #[arg(long, env, default_value = "")]
    redis_sentinels: String,
    /// What the Sentinels call the master
    #[arg(long, env, default_value = "mymaster")]
    redis_sentinel_master: String,
    /// How long an API stays in the cache
    #[arg(long, env, default_value = "60s", value_parser = duration)]
    pub(crate) cache_ttl: Duration,
    /// Backends by prefix: `orders=http://orders:8080,billing=http://billing:8080/v2`
    #[arg(long, env, default_value = "")]
    pub(crate) backend_routes: BackendRoutes,
    /// Issuer of bearer tokens; without it every protected route answers 401
    #[arg(long, env, default_value = "")]
    pub(crate) oidc_issuer: String,
    /// Audience that tokens must name
    #[arg(long, env, default_value = "api-management")]
    pub(crate) oidc_audience: String,
    /// PEM file of the authorities that the issuer's and backends' certificates are checked against [default: the system's]
    #[arg(long, env)]
    pub(crate) outgoing_ca_file: Option<PathBuf>,
    /// Most bytes of a request other than a file
    #[arg(long, env, default_value_t = 1 << 20)]
    pub(crate) max_body_bytes: usize,
    /// Most bytes of an uploaded file
    #[arg(long, env, default_value_t = 1 << 30)]
    pub(crate) max_upload_bytes: u64,
    /// Folder of uploaded files
    #[arg(long, env, default_value = "/tmp/files")]
    pub(crate) files_dir: PathBuf,
    /// Requests per second and client, 0 for no limit
    #[arg(long, env, default_value_t = 100)]
    pub(crate) rate_limit_per_second: u32,
    /// Where spans go, such as `http://zipkin:9411/api/v2/spans`; without it requests are not traced
    #[arg(long, env, default_value = "")]
    pub(crate) tracing_endpoint: String,
    /// Of requests whose caller did not decide on it, one in so many is traced
    #[arg(long, env, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) tracing_one_in: u64,
    /// How long the application still serves after SIGTERM while it already reports itself not ready
    #[arg(long, env, default_value = "2s", value_parser = duration)]
    pub(crate) drain_delay: Duration,
    /// How long requests in flight may take after that
    #[arg(long, env, default_value = "20s", value_parser = duration)]
    pub(crate) shutdown_timeout: Duration,
}

impl ServeSettings {
    /// The Redis to connect to.
    pub(crate) fn redis(&self) -> Result<RedisSettings, SettingsError> {
        let parsed = self.redis_url.0.parse::<ConnectionInfo>();
        let info = parsed.map_err(|error| SettingsError::new("REDIS_URL", &error))?;
        let server = info.set_tcp_settings(TcpSettings::default().set_nodelay(true).set_user_timeout(SILENCE));
        let named = self.redis_sentinels.trim();
        if named.is_empty() {
            return Ok(RedisSettings::Server(server));
        }
        let login = server.redis_settings().clone().set_db(0);
        let addresses = named
            .split(',')
            .map(|address| {
                let (host, port) = host_and_port(address)?;
                let info = ConnectionAddr::Tcp(host, port).into_connection_info()?;
                let tcp = server.tcp_settings().clone();
                Ok(info.set_redis_settings(login.clone()).set_tcp_settings(tcp))
            })
            .collect::<Result<_, RedisError>>()
            .map_err(|error| SettingsError::new("REDIS_SENTINELS", &error))?;
        Ok(RedisSettings::Sentinels(Sentinels {
            addresses,
            named: named.to_owned(),
            master: self.redis_sentinel_master.clone(),
            server,
        }))
    }
}

/// Where the cache is.
pub(crate) enum RedisSettings {
    /// One server.
    Server(ConnectionInfo),
    /// The master that these name.
    Sentinels(Sentinels),
}

/// Sentinels, and what is common to all servers that they may name.
pub(crate) struct Sentinels {
    pub(crate) addresses: Vec<ConnectionInfo>,
    /// The addresses as they were set.
    pub(crate) named: String,
    /// Name of the master.
    pub(crate) master: String,
    /// User, password and database of the master, whoever that is.
    pub(crate) server: ConnectionInfo,
}

fn host_and_port(address: &str) -> Result<(String, u16), RedisError> {
    let parts = address.trim().rsplit_once(':');
    parts
        .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
        .filter(|(host, _)| !host.is_empty())
        .ok_or_else(|| (ErrorKind::InvalidClientConfig, "expected host:port,host:port").into())
}

/// Text that must never be printed, so it is parsed after the command line: clap repeats what it can't read.
#[derive(Clone)]
struct Secret(String);

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// A setting that can't be used; its value stays out of the message.
#[derive(Debug, thiserror::Error)]
#[error("{name} can't be read: {why}")]
pub(crate) struct SettingsError {
    name: &'static str,
    why: String,
}

impl SettingsError {
    fn new(name: &'static str, why: &dyn std::error::Error) -> Self {
        Self {
            name,
            why: why.to_string(),
        }
    }
}

/// `BACKEND_ROUTES`; empty text is no route.
#[derive(Clone, Default, Debug)]
pub(crate) struct BackendRoutes(pub(crate) Vec<BackendRoute>);

impl FromStr for BackendRoutes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',')
            .filter(|entry| !entry.trim().is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// One entry of `BACKEND_ROUTES`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BackendRoute {
    pub(crate) prefix: String,
    pub(crate) base: Url,
}

impl FromStr for BackendRoute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (prefix, url) = text.trim().split_once('=').ok_or("expected prefix=url")?;
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(format!("prefix `{prefix}` may hold letters, digits and `-` only"));
        }
        let base = Url::parse(url).map_err(|error| format!("`{url}`: {error}"))?;
        if !matches!(base.scheme(), "http" | "https") || base.query().is_some() {
            return Err(format!("`{url}`: expected an http or https URL without a query"));
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            base,
        })
    }
}

/// Reads `90s`, `500ms`, `2m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let signed: SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Duration::try_from(signed).map_err(|_| "must not be negative".to_owned())
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        assert_eq!(duration("60s"), Ok(Duration::from_mins(1)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(duration("60").is_err());
        assert!(duration("-1s").is_err());
    }

    #[test]
    fn sentinels_are_hosts_with_ports() {
        assert_eq!(
            host_and_port(" redis-0.redis:26379").unwrap(),
            ("redis-0.redis".into(), 26379)
        );
        for wrong in ["redis-0", ":26379", "redis-0:port", ""] {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn backend_routes_need_a_plain_prefix_and_an_http_url() {
        let route: BackendRoute = "orders=http://orders:8080/v2".parse().unwrap();
        assert_eq!((route.prefix.as_str(), route.base.path()), ("orders", "/v2"));
        for wrong in [
            "orders",
            "=http://a",
            "a/b=http://a",
            "a=ftp://a",
            "a=http://a?b",
            "a=nonsense",
        ] {
            assert!(wrong.parse::<BackendRoutes>().is_err(), "{wrong}");
        }
        assert!("".parse::<BackendRoutes>().unwrap().0.is_empty());
    }
}
