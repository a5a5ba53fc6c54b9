//! What servers say when they cannot do what they are asked, in their own logs and in those of whoever asked: a
//! catalogue, one file per family.
//!
//! It lies apart from who reads logs and who judges them: the collector keeps only such lines of a server that is well,
//! since the others may hold people's data, and diagnoses tell by them what went wrong.

mod postgresql;
mod redis;
mod time;

pub(crate) use time::written_at;

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// PostgreSQL.
    Postgresql,
    /// Redis and its kin.
    Redis,
}

impl Family {
    /// The usual port.
    pub(crate) const fn port(self) -> u16 {
        match self {
            Self::Postgresql => crate::database::PORT,
            Self::Redis => crate::cache::PORT,
        }
    }

    /// Last segments of image repositories.
    pub(crate) const fn images(self) -> &'static [&'static str] {
        match self {
            Self::Postgresql => &["postgres", "postgresql", "postgis", "timescaledb", "spilo"],
            Self::Redis => &["redis", "valkey", "redis-server", "keydb"],
        }
    }

    /// The family of a container, by its image or the port that it declares.
    pub(crate) fn of(image: &str, mut ports: impl Iterator<Item = u16>) -> Option<Self> {
        let last = image.split('@').next().unwrap_or(image).rsplit('/').next();
        let name = last.and_then(|last| last.split(':').next()).unwrap_or_default();
        let all = [Self::Postgresql, Self::Redis];
        all.into_iter()
            .find(|family| family.images().contains(&name))
            .or_else(|| ports.find_map(|port| all.into_iter().find(|family| family.port() == port)))
    }
}

/// What a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    /// It takes no more connections.
    ConnectionsExhausted,
    /// The password is not the one it knows.
    PasswordRefused,
    /// It lets nobody in who comes this way: from there, or without TLS.
    EntryRefused,
    /// It takes no writes: it is a standby, or set so.
    ReadOnly,
    /// Its volume has no room.
    VolumeFull,
    /// The shared memory of its container has no room.
    SharedMemoryFull,
    /// Its files were made by another major version.
    IncompatibleFiles,
    /// Vacuum must run before it takes another write.
    TransactionIdsExhausted,
    /// It is on its way up or down.
    Starting,
    /// The dump that is to be restored cannot be.
    BackupUnreadable,
    /// Its memory is full, and it may evict nothing.
    MemoryFull,
    /// It cannot save its data, and takes no writes until it can.
    SaveFailed,
    /// It cannot follow its master.
    MasterLost,
}

/// How an answer is recognised.
struct Signature {
    answer: Answer,
    /// SQLSTATE, which stands beside a word such as `code` or in brackets; empty for none.
    code: &'static str,
    /// Any of these, lower case.
    words: &'static [&'static str],
}

/// The answer that a line of a log holds.
pub(crate) fn answer(line: &str) -> Option<(Family, Answer)> {
    let lower = line.to_ascii_lowercase();
    // Redis words its reasons more fully than the operating system's that PostgreSQL hands on.
    [
        (Family::Redis, redis::SIGNATURES),
        (Family::Postgresql, postgresql::SIGNATURES),
    ]
    .into_iter()
    .find_map(|(family, signatures)| {
        let found = signatures.iter().find(|signature| signature.matches(&lower))?;
        Some((family, found.answer))
    })
}

impl Signature {
    fn matches(&self, line: &str) -> bool {
        self.words.iter().any(|word| line.contains(word)) || (!self.code.is_empty() && has_code(line, self.code))
    }
}

/// Whether a SQLSTATE stands in a line as one: a number alone may be a port or a duration.
fn has_code(line: &str, code: &str) -> bool {
    line.match_indices(&code.to_ascii_lowercase()).any(|(at, found)| {
        let (before, after) = (&line[..at], &line[at + found.len()..]);
        let bounded = !after.starts_with(|letter: char| letter.is_ascii_alphanumeric());
        let near = before.trim_end_matches([' ', ':', '=', '"', '\'']);
        bounded && (before.ends_with(['(', '[']) || near.ends_with("sqlstate") || near.ends_with("code"))
    })
}

#[cfg(test)]
mod tests {
    use super::{Answer, Family, answer};

    #[test]
    fn answers_are_recognised_in_servers_logs_and_in_clients() {
        use Answer as A;
        for (line, expected) in [
            ("FATAL:  sorry, too many clients already", A::ConnectionsExhausted),
            (
                r#"{"level":"WARN","error":"db error: FATAL: remaining connection slots are reserved for non-replication superuser connections (SQLSTATE 53300) (postgres:5432)"}"#,
                A::ConnectionsExhausted,
            ),
            (r#"pq: too many connections for role "app""#, A::ConnectionsExhausted),
            ("error: { code: '53300', severity: 'FATAL' }", A::ConnectionsExhausted),
            (
                r#"psycopg.OperationalError: FATAL:  password authentication failed for user "app""#,
                A::PasswordRefused,
            ),
            (
                r#"FATAL: no pg_hba.conf entry for host "10.0.0.7", user "app", database "shop", no encryption"#,
                A::EntryRefused,
            ),
            ("ERROR:  cannot execute INSERT in a read-only transaction", A::ReadOnly),
            (
                r#"2026-11-23 07:59:58.123 UTC [77] PANIC:  could not write to file "pg_wal/xlogtemp.77": No space left on device"#,
                A::VolumeFull,
            ),
            (
                r#"ERROR:  could not resize shared memory segment "/PostgreSQL.4" to 8388608 bytes: No space left on device"#,
                A::SharedMemoryFull,
            ),
            (
                "FATAL:  database files are incompatible with server",
                A::IncompatibleFiles,
            ),
            ("FATAL:  the database system is starting up (57P03)", A::Starting),
        ] {
            assert_eq!(answer(line), Some((Family::Postgresql, expected)), "{line}");
        }
        for (line, expected) in [
            ("OOM command not allowed when used memory > 'maxmemory'.", A::MemoryFull),
            (
                "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
                A::SaveFailed,
            ),
            (
                "1:M 23 Nov 2026 07:59:58.123 # Write error saving DB on disk(rdbSaveRio): No space left on device",
                A::SaveFailed,
            ),
            ("NOAUTH Authentication required.", A::PasswordRefused),
            (
                "WRONGPASS invalid username-password pair or user is disabled.",
                A::PasswordRefused,
            ),
            (
                "Password authentication failed- AuthenticationFailed (redis:6379)",
                A::PasswordRefused,
            ),
            ("READONLY You can't write against a read only replica.", A::ReadOnly),
            ("LOADING Redis is loading the dataset in memory", A::Starting),
            ("ERR max number of clients reached", A::ConnectionsExhausted),
            (
                "MASTER aborted replication with an error: NOAUTH Authentication required.",
                A::MasterLost,
            ),
        ] {
            assert_eq!(answer(line), Some((Family::Redis, expected)), "{line}");
        }
    }

    #[test]
    fn a_number_alone_is_no_sqlstate() {
        for line in [
            "GET /orders/53300 200",
            "listening on port 28001",
            "took 25006 ms",
            "request 9153300 done",
        ] {
            assert_eq!(answer(line), None, "{line}");
        }
    }

    #[test]
    fn a_family_shows_by_image_and_port() {
        assert_eq!(
            Family::of("registry.test:5000/postgres:15", [].into_iter()),
            Some(Family::Postgresql)
        );
        assert_eq!(
            Family::of("corp/base@sha256:0", [6379].into_iter()),
            Some(Family::Redis)
        );
        assert_eq!(Family::of("corp/postgres-exporter:1", [9187].into_iter()), None);
    }
}
