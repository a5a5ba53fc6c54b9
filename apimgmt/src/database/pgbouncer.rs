//! The configuration of `PgBouncer`, as far as it says which server is behind it and how many connections it takes there.

use std::collections::BTreeMap;

/// The way to one database.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Behind {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The server's name for the database.
    pub(crate) database: String,
    /// `server_tls_sslmode`.
    pub(crate) tls: Option<String>,
    pub(crate) mode: String,
    pub(crate) pool_size: Option<u32>,
    pub(crate) most_clients: Option<u32>,
}

/// What a `pgbouncer.ini` says of a database, by its own entry or by that of all others; `None` when it has neither or
/// names no host. What is left out is what `PgBouncer` takes then (<https://www.pgbouncer.org/config.html>).
pub(crate) fn behind(ini: &str, database: &str) -> Option<Behind> {
    let mut section = "";
    let mut settings = BTreeMap::new();
    let mut entries = BTreeMap::new();
    for line in ini.lines().map(str::trim) {
        if line.starts_with([';', '#']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else if let Some((key, value)) = line.split_once('=') {
            let key = key.trim().trim_matches('"');
            match section {
                "databases" => entries.insert(key, value),
                _ => settings.insert(key, value.trim()),
            };
        }
    }
    let entry = parts(entries.get(database).or_else(|| entries.get("*"))?);
    // Of several hosts the first is as good as another.
    let host = entry.get("host")?.split(',').next()?.to_owned();
    let number = |key: &str| -> Option<u32> { entry.get(key).or_else(|| settings.get(key))?.parse().ok() };
    let reserve = entry.get("reserve_pool").or_else(|| entry.get("reserve_pool_size"));
    let reserve = reserve.or_else(|| settings.get("reserve_pool_size"));
    let reserve = reserve.and_then(|size| size.parse().ok()).unwrap_or(0_u32);
    let pool = number("pool_size")
        .or_else(|| number("default_pool_size"))
        .unwrap_or(20);
    // Zero stands for no limit.
    let bounds = [number("max_db_connections"), number("max_user_connections")];
    let bounds = bounds.into_iter().flatten().filter(|bound| *bound > 0);
    Some(Behind {
        host,
        port: entry.get("port").and_then(|port| port.parse().ok()).unwrap_or_default(),
        database: (*entry.get("dbname").unwrap_or(&database)).to_owned(),
        tls: settings.get("server_tls_sslmode").map(|mode| (*mode).to_owned()),
        mode: (*entry
            .get("pool_mode")
            .or_else(|| settings.get("pool_mode"))
            .unwrap_or(&"session"))
        .to_owned(),
        pool_size: bounds.chain([pool.saturating_add(reserve)]).min(),
        most_clients: Some(number("max_client_conn").unwrap_or(100)),
    })
}

/// `key=value` pairs of a connection string, whose values may stand in quotes.
fn parts(text: &str) -> BTreeMap<&str, &str> {
    let mut parts = BTreeMap::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap_or((quoted, "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        parts.insert(key.trim(), value);
        rest = next;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{Behind, behind};

    const OF_THE_CHART: &str = "[databases]
api_management = host=postgres port=5432
[pgbouncer]
listen_addr = *
pool_mode = transaction
default_pool_size = 40
max_client_conn = 1000
server_tls_sslmode = disable
; a comment = none
";

    #[test]
    fn the_charts_configuration_names_its_server_and_its_pool() {
        let expected = Behind {
            host: "postgres".into(),
            port: 5432,
            database: "api_management".into(),
            tls: Some("disable".into()),
            mode: "transaction".into(),
            pool_size: Some(40),
            most_clients: Some(1000),
        };
        assert_eq!(behind(OF_THE_CHART, "api_management"), Some(expected));
        assert_eq!(behind(OF_THE_CHART, "another"), None, "it knows no other");
    }

    #[test]
    fn an_entry_goes_before_the_settings_and_limits_bound_it() {
        let ini = "[databases]
\"shop\" = host=a.example.net,b.example.net dbname='the shop' pool_size=7 reserve_pool=2 pool_mode=statement
* = host=fallback
[pgbouncer]
default_pool_size = 50
max_user_connections = 8
";
        let shop = behind(ini, "shop").unwrap();
        assert_eq!((shop.host.as_str(), shop.port), ("a.example.net", 0));
        assert_eq!((shop.database.as_str(), shop.mode.as_str()), ("the shop", "statement"));
        assert_eq!((shop.pool_size, shop.most_clients), (Some(8), Some(100)));
        let other = behind(ini, "other").unwrap();
        assert_eq!((other.host.as_str(), other.database.as_str()), ("fallback", "other"));
        assert_eq!((other.mode.as_str(), other.pool_size), ("session", Some(8)));
    }

    #[test]
    fn a_configuration_without_a_host_or_of_something_else_names_nobody() {
        for ini in ["", "[databases]\nshop = dbname=shop\n", "= =\n[", "[databases]\n* =\n"] {
            assert_eq!(behind(ini, "shop"), None, "{ini}");
        }
    }
}
