//! What a command is doing, on standard error, with the seconds since it began.
use std::{io::Write, time::Instant};

/// The clock and the voice of one command.
pub(crate) struct Progress {
    started: Instant,
}

impl Progress {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// Prints one line. A closed standard error is no reason to stop.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        let _ = writeln!(std::io::stderr().lock(), "{:6.1}s {}", self.seconds(), text.as_ref());
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
