//! URLs and DSNs of services, taken apart so that the password can be left behind.

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::snapshot::sensitive::Address;

/// Schemes of services that applications are configured with.
const SCHEMES: &[&str] = &[
    "postgres",
    "postgresql",
    "redis",
    "rediss",
    "mysql",
    "mariadb",
    "http",
    "https",
    "amqp",
    "amqps",
    "mongodb",
    "mongodb+srv",
    "nats",
];

/// An address with its password, for the session that needs it; never printed.
pub(crate) struct Dsn {
    /// What may be known of it.
    pub(crate) address: Address,
    /// The password.
    pub(crate) password: Option<Zeroizing<String>>,
    /// `sslmode`, where it is a database's.
    pub(crate) tls: Option<String>,
}

/// The address names a scheme but cannot be taken apart.
#[derive(Debug)]
pub(crate) struct Malformed;

/// Takes an address apart; `None` when the text is no address.
pub(crate) fn parse_dsn(text: &str) -> Option<Result<Dsn, Malformed>> {
    if text.contains('\n') {
        return None;
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let scheme = scheme.strip_prefix("jdbc:").unwrap_or(scheme).to_ascii_lowercase();
        // SQLAlchemy and its like name their driver: postgresql+asyncpg.
        let plain = scheme.split('+').next().unwrap_or(&scheme);
        if !SCHEMES.contains(&scheme.as_str()) && !SCHEMES.contains(&plain) {
            return None;
        }
        return Some(parse_url(plain, rest).ok_or(Malformed));
    }
    parse_pairs(text).map(Ok)
}

fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

fn parse_url(scheme: &str, rest: &str) -> Option<Dsn> {
    // A password may hold `/`, `?` or `#` unescaped only by mistake; then the host is no host and the address malformed.
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    let (user, password) = match login.map(|login| {
        login
            .split_once(':')
            .map_or((login, None), |(user, password)| (user, Some(password)))
    }) {
        // Some clients of Redis take a lone word for the password.
        Some((word, None)) if scheme.starts_with("redis") => ("", Some(word)),
        Some(login) => login,
        None => ("", None),
    };
    let (host, port) = host_and_port(hosts.split(',').next().unwrap_or(hosts))?;
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let path = path.trim_start_matches('/').split('#').next().unwrap_or_default();
    let parameter = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| decoded(value))
    };
    let password = match password.map(decoded) {
        Some(None) => return None,
        Some(password) => password,
        None => parameter("password"),
    };
    let password = password.filter(|password| !password.is_empty()).map(Zeroizing::new);
    let user = Some(decoded(user)?)
        .filter(|user| !user.is_empty())
        .or_else(|| parameter("user"));
    // Paths of web addresses may be secrets themselves (webhooks); those of databases are their names.
    let path = if scheme.starts_with("http") {
        String::new()
    } else {
        decoded(path)?
    };
    Some(Dsn {
        address: Address {
            scheme: scheme.into(),
            user: user.unwrap_or_default(),
            has_password: password.is_some(),
            host,
            port,
            path,
        },
        password,
        tls: parameter("sslmode"),
    })
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':').unwrap_or(port))
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let is_host = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte));
    let port = if port.is_empty() { 0 } else { port.parse().ok()? };
    is_host.then(|| (host.to_owned(), port))
}

/// `host=… password=…`, as libpq writes it, with values in quotes where they hold blanks.
fn parse_pairs(text: &str) -> Option<Dsn> {
    const KEYS: [&str; 6] = ["host", "hostaddr", "port", "user", "dbname", "password"];
    let mut address = Address {
        scheme: "postgres".into(),
        ..Address::default()
    };
    let (mut password, mut tls, mut known) = (None, None, 0);
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        let (value, after) = quoted_or_word(after.trim_start())?;
        known += usize::from(KEYS.contains(&key));
        match key {
            "host" | "hostaddr" => address.host = value.split(',').next().unwrap_or_default().into(),
            "port" => address.port = value.split(',').next()?.parse().ok()?,
            "user" => value.as_str().clone_into(&mut address.user),
            "dbname" => value.as_str().clone_into(&mut address.path),
            "password" => password = Some(value).filter(|value| !value.is_empty()),
            "sslmode" => tls = Some(value.to_string()),
            _ => {}
        }
        rest = after.trim_start();
    }
    address.has_password = password.is_some();
    (known >= 2 && !address.host.is_empty()).then_some(Dsn { address, password, tls })
}

fn quoted_or_word(text: &str) -> Option<(Zeroizing<String>, &str)> {
    let Some(quoted) = text.strip_prefix('\'') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return Some((Zeroizing::new(text[..end].to_owned()), &text[end..]));
    };
    let mut value = Zeroizing::new(String::new());
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            letter => value.push(letter),
        }
    }
    None
}
