//! Addresses of other services, read out of configuration and out of the complaints in logs.

use std::net::IpAddr;

/// A host and, where written, its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    /// Name or address.
    pub(crate) host: String,
    /// Port, 0 when not written.
    pub(crate) port: u16,
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            0 => formatter.write_str(&self.host),
            port => write!(formatter, "{}:{port}", self.host),
        }
    }
}

/// In which manner a dependency did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Nobody listens there.
    Refused,
    /// No answer came.
    Silent,
    /// The name means nothing.
    Unknown,
}

/// A complaint of a container's log about a dependency.
#[derive(Debug, Clone)]
pub(crate) struct Refusal<'a> {
    /// How.
    pub(crate) manner: Manner,
    /// Whom it names; `None` when the line names nobody.
    pub(crate) target: Option<Target>,
    /// The service here that this means.
    pub(crate) service: Option<&'a str>,
    /// The container that complains.
    pub(crate) container: &'a str,
    /// Whether the line is of the run before.
    pub(crate) previous: bool,
    /// The line.
    pub(crate) line: &'a str,
}

/// Words of complaints in many languages' libraries, lower case.
const COMPLAINTS: &[(Manner, &[&str])] = &[
    (
        Manner::Unknown,
        &[
            "no such host",
            "enotfound",
            "name or service not known",
            "could not translate host name",
            "bad address",
            "unknownhostexception",
            "temporary failure in name resolution",
            "nodename nor servname",
            "failed to lookup address",
            "name does not resolve",
            "could not resolve host",
        ],
    ),
    (
        Manner::Refused,
        &[
            "connection refused",
            "econnrefused",
            "could not connect to",
            "can't connect to",
            "connect refused",
            " refused. check",
        ],
    ),
    (
        Manner::Silent,
        &[
            "connection timed out",
            "etimedout",
            "i/o timeout",
            "no response",
            "no answer from",
            "no connection to",
            "connect timeout",
            "timeout expired",
            "no route to host",
        ],
    ),
];

/// File names of programs, which look like `host:port` in stack traces: `main.go:42`.
const SOURCE_FILES: &[&str] = &[
    "go", "js", "ts", "py", "rs", "rb", "php", "java", "kt", "c", "cc", "cpp", "cs", "sh", "ex",
];

/// The complaint of a log line, with every address in it, the likeliest first.
pub(crate) fn complaint(line: &str) -> Option<(Manner, Vec<Target>)> {
    let lower = line.to_ascii_lowercase();
    let (manner, _) = COMPLAINTS
        .iter()
        .find(|(_, words)| words.iter().any(|word| lower.contains(word)))?;
    // `dial tcp: lookup redis on 10.96.0.10:53: … i/o timeout`: it is the name server that is silent.
    let manner = if lower.contains(": lookup ") {
        &Manner::Unknown
    } else {
        manner
    };
    let mut targets = written(line);
    if let Some(named) = named_host(line) {
        targets.insert(0, named);
    }
    Some((*manner, targets))
}

/// The host in `lookup HOST on …`, `host "HOST" … port PORT`, `bad address 'HOST'`, `ENOTFOUND HOST`, `connecting to HOST`.
fn named_host(line: &str) -> Option<Target> {
    const MARKS: &[&str] = &[
        "lookup ",
        "host name \"",
        "server at \"",
        "on host \"",
        "bad address '",
        "ENOTFOUND ",
        "UnknownHostException: ",
        "resolve host: ",
        "remote host (",
    ];
    let host = MARKS.iter().find_map(|mark| {
        let rest = &line[line.find(mark)? + mark.len()..];
        let end = rest.find(|letter: char| !is_of_host(letter)).unwrap_or(rest.len());
        let host = rest[..end].trim_matches(['.', '-']);
        (!host.is_empty() && host != "address").then(|| host.to_owned())
    })?;
    let port = super::after(line, "port ").and_then(|port| port.trim_end_matches(['.', '?', ':']).parse().ok());
    Some(Target {
        host,
        port: port.unwrap_or(0),
    })
}

/// Every `host:port` of a text; in URLs also hosts without a port.
pub(crate) fn written(text: &str) -> Vec<Target> {
    let mut targets = Vec::new();
    for word in text.split(|letter: char| !is_of_host(letter) && letter != ':' && letter != '/' && letter != '@') {
        let (authority, is_url) = match word.split_once("://") {
            Some((_, rest)) => (rest, true),
            None => (word, false),
        };
        let authority = authority.split('/').next().unwrap_or_default();
        let authority = authority
            .rsplit('@')
            .next()
            .unwrap_or_default()
            .trim_end_matches(['.', ':', '-']);
        let target = match authority.rsplit_once(':') {
            Some((host, port)) => port.parse().ok().filter(|port| *port > 0).map(|port| Target {
                host: host.into(),
                port,
            }),
            None => is_url.then(|| Target {
                host: authority.into(),
                port: 0,
            }),
        };
        targets.extend(target.filter(|target| is_host(&target.host)));
    }
    targets
}

fn is_of_host(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

fn is_host(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() {
        return true;
    }
    let named =
        text.bytes().any(|byte| byte.is_ascii_alphabetic()) && !text.contains(':') && !text.starts_with(['.', '-']);
    let extension = text.rsplit_once('.').map(|(_, extension)| extension);
    named && text.len() <= 253 && !extension.is_some_and(|extension| SOURCE_FILES.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(line: &str) -> (Manner, String) {
        let (manner, targets) = complaint(line).expect(line);
        (manner, targets.first().map(ToString::to_string).unwrap_or_default())
    }

    #[test]
    fn complaints_of_many_libraries_name_whom_they_mean() {
        let refused = |line: &str| assert_eq!(first(line), (Manner::Refused, "postgres:5432".into()), "{line}");
        refused(
            r#"{"level":"ERROR","message":"dependency can't be used","target":"postgres:5432","error":"connection refused postgres:5432"}"#,
        );
        refused(r#"connection to server at "postgres" (10.96.7.7), port 5432 failed: Connection refused"#);
        refused(
            r#"Is the server running on host "postgres" (10.96.7.7) and accepting TCP/IP connections on port 5432? could not connect to server"#,
        );
        refused("Connection to postgres:5432 refused. Check that the hostname and port are correct");
        assert_eq!(
            first("dial tcp 10.96.7.7:5432: connect: connection refused"),
            (Manner::Refused, "10.96.7.7:5432".into())
        );
        assert_eq!(
            first("Error: connect ECONNREFUSED 10.96.7.7:6379"),
            (Manner::Refused, "10.96.7.7:6379".into())
        );
        assert_eq!(
            first("nc: can't connect to remote host (10.96.7.7): Connection refused"),
            (Manner::Refused, "10.96.7.7".into())
        );
        assert_eq!(
            first("dial tcp: lookup redis on 10.96.0.10:53: no such host"),
            (Manner::Unknown, "redis".into())
        );
        assert_eq!(first("getaddrinfo ENOTFOUND redis"), (Manner::Unknown, "redis".into()));
        assert_eq!(
            first("dial tcp: lookup redis on 10.96.0.10:53: read udp 10.0.0.1:1->10.96.0.10:53: i/o timeout"),
            (Manner::Unknown, "redis".into())
        );
        assert_eq!(first("nc: bad address 'redis'"), (Manner::Unknown, "redis".into()));
        assert_eq!(
            first("Error 111 connecting to redis:6379. Connection refused."),
            (Manner::Refused, "redis:6379".into())
        );
        assert_eq!(
            first("postgres:5432 - no response"),
            (Manner::Silent, "postgres:5432".into())
        );
        assert_eq!(
            first("failed to lookup address information: Name or service not known (redis:6379)").1,
            "redis:6379"
        );
        assert!(complaint("GET /health 200").is_none());
    }

    #[test]
    fn addresses_are_told_from_times_and_source_files() {
        let hosts = |text: &str| written(text).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(hosts("2026-11-23T07:43:44Z main.go:42 panic"), Vec::<String>::new());
        assert_eq!(hosts("redis://user@redis.shop.svc:6379/0"), ["redis.shop.svc:6379"]);
        assert_eq!(hosts("http://backend/api"), ["backend"]);
        assert_eq!(hosts("/v1=http://one:80,/v2=http://two:81"), ["one:80", "two:81"]);
        assert_eq!(hosts("0.0.0.0:8080"), ["0.0.0.0:8080"]);
    }
}
