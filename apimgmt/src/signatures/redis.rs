//! Redis: the first words of its errors, and what it writes to its own log.

use super::{Answer as A, Signature};

const fn words(answer: A, words: &'static [&'static str]) -> Signature {
    Signature {
        answer,
        code: "",
        words,
    }
}

pub(super) const SIGNATURES: &[Signature] = &[
    words(A::MemoryFull, &["oom command not allowed"]),
    words(
        A::SaveFailed,
        &[
            "misconf redis is configured",
            "misconf errors writing to the aof",
            "write error saving db on disk",
            "write error while saving db",
            "failed opening the temp rdb file",
            "can't save in background",
            "background saving terminated by signal",
            "error writing to the aof file",
        ],
    ),
    // Its reason may be a refused login, so it comes first.
    words(
        A::MasterLost,
        &[
            "unable to connect to master",
            "master aborted replication",
            "error condition on socket for sync",
            "unable to auth to master",
            "masterdown link with master is down",
        ],
    ),
    words(
        A::PasswordRefused,
        &[
            "noauth ",
            "wrongpass",
            "invalid username-password pair",
            "authenticationfailed",
            "err invalid password",
        ],
    ),
    words(
        A::ReadOnly,
        &["write against a read only replica", "write against a read only slave"],
    ),
    words(A::Starting, &["redis is loading the dataset", "busyloadingerror"]),
    words(A::ConnectionsExhausted, &["max number of clients reached"]),
];
