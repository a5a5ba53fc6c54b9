//! PostgreSQL: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use super::{Answer as A, Signature};

pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        answer: A::SharedMemoryFull,
        code: "",
        words: &["could not resize shared memory segment"],
    },
    Signature {
        answer: A::ConnectionsExhausted,
        code: "53300",
        words: &[
            "too many clients already",
            "remaining connection slots are reserved",
            "too many connections for role",
            "too many connections for database",
        ],
    },
    Signature {
        answer: A::PasswordRefused,
        code: "28P01",
        words: &["password authentication failed for user"],
    },
    Signature {
        answer: A::EntryRefused,
        code: "",
        words: &["no pg_hba.conf entry for", "pg_hba.conf rejects connection"],
    },
    Signature {
        answer: A::ReadOnly,
        code: "25006",
        words: &["in a read-only transaction"],
    },
    Signature {
        answer: A::VolumeFull,
        code: "53100",
        words: &["no space left on device", "disk quota exceeded"],
    },
    Signature {
        answer: A::IncompatibleFiles,
        code: "",
        words: &[
            "database files are incompatible with server",
            "was initialized by postgresql version",
        ],
    },
    Signature {
        answer: A::TransactionIdsExhausted,
        code: "",
        words: &["is not accepting commands", "must be vacuumed within"],
    },
    Signature {
        answer: A::Starting,
        code: "57P03",
        words: &[
            "the database system is starting up",
            "the database system is shutting down",
            "the database system is not yet accepting connections",
        ],
    },
    Signature {
        answer: A::BackupUnreadable,
        code: "",
        words: &[
            "does not appear to be a valid archive",
            "pg_restore: error: could not read",
            "pg_restore: error: unexpected end of file",
            "pg_restore: error: could not uncompress",
        ],
    },
];
