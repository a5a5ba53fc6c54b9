//! What can go wrong while the parts are made.

use std::io;
use std::path::{Path, PathBuf};

/// Why a part could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file or folder of the cache could not be read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program that the build calls could not be started.
    #[error("cannot start `{program}` to {purpose}")]
    Start {
        /// Its name.
        program: String,
        /// What for.
        purpose: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program that the build calls ended badly.
    #[error("cannot {purpose}: `{program}` ended with {status}\n{said}\n(all of it: {})", log.display())]
    Program {
        /// Its name.
        program: String,
        /// What for.
        purpose: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The last lines it printed.
        said: String,
        /// All it printed.
        log: PathBuf,
    },
    /// A name that no part of the request has.
    #[error("no {kind} `{name}` among the parts that were asked for")]
    Unknown {
        /// `program` or `image`.
        kind: &'static str,
        /// What was looked for.
        name: String,
    },
    /// An image whose files are not what they should be.
    #[error("the image `{name}` is damaged: {detail}")]
    Damaged {
        /// Which one.
        name: String,
        /// In what way.
        detail: String,
    },
    /// Neither `APIMGMT_CACHE` nor `HOME` tells where the cache is.
    #[error("no place for the cache: neither `APIMGMT_CACHE` nor `HOME` is set")]
    NoHome,
}

impl Error {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::File { path, .. } => {
                format!(
                    "check the space and the permissions of `{}`, or set APIMGMT_CACHE to another folder",
                    path.display()
                )
            }
            Self::Start { program, .. } => match program.as_str() {
                "go" => "install Go 1.26 or newer and put it on the PATH".into(),
                "python3" => "install Python 3 with pip".into(),
                _ => format!("install `{program}`; as root on Debian or Ubuntu the sandbox does it by itself"),
            },
            Self::Program { program, log, .. } => match program.as_str() {
                "apt-get" | "mmdebstrap" => "run as root, with Debian's packages reachable, and try again".into(),
                "go" => "the Go module proxy must be reachable; run it again, what was built so far is kept".into(),
                _ => format!("read `{}`", log.display()),
            },
            Self::Unknown { .. } => "ask `Cache::ensure` for the part that holds it".into(),
            Self::Damaged { .. } => "delete its folder in the cache and run it again".into(),
            Self::NoHome => "set APIMGMT_CACHE to a folder".into(),
        }
    }

    /// For `map_err`: a file operation that failed.
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
