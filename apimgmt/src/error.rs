//! Errors a user can act on, and the exit codes of both binaries.

use std::fmt;

/// Exit codes of both binaries, the same in every output form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Done; nothing is wrong.
    Done = 0,
    /// It could not be done: cluster unreachable, helm absent, internal error.
    CouldNot = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// Something is wrong: a blocking item failed, a cause was found, changes exist, a first install failed and was kept.
    Wrong = 3,
    /// Nothing failed, but something is unknown or waits for a person.
    CannotTell = 4,
    /// The change failed and the former state is back, verified.
    Returned = 5,
    /// Stopped midway, or the way back failed; the journal says what was done.
    Midway = 6,
    /// Interrupted by the user; cleaned up.
    Interrupted = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// What failed, on which object, why, and what to do next.
///
/// `Display` is a lowercase fragment without a final period and never contains the source, which `main` prints as
/// a chain.
#[derive(Debug)]
pub struct Error {
    /// What was being done, and on which object: ``could not read `secrets` in `shop` ``.
    what: String,
    /// The next step for the user, a full sentence or a command.
    hint: Option<String>,
    /// The exit code that this error ends the process with.
    code: ExitCode,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error that ends the process with `code`.
    pub fn new(code: ExitCode, what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: None,
            code,
            source: None,
        }
    }

    /// It could not be done (exit code 1).
    pub fn could_not(what: impl Into<String>) -> Self {
        Self::new(ExitCode::CouldNot, what)
    }

    /// The command line or configuration is wrong (exit code 2).
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, what)
    }

    /// Adds the next step for the user.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the reason.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The exit code that this error ends the process with.
    pub fn code(&self) -> ExitCode {
        self.code
    }

    /// The next step for the user.
    pub fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
