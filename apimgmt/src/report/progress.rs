//! How a change goes on, line by line on standard error; only a terminal gets a line that repaints itself.

use std::{
    io::{IsTerminal, Write},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Where progress is told.
pub struct Progress {
    started: Instant,
    terminal: bool,
    out: Mutex<Box<dyn Write + Send>>,
}

impl Progress {
    /// On standard error.
    pub fn on_standard_error() -> Self {
        Self {
            started: Instant::now(),
            terminal: std::io::stderr().is_terminal(),
            out: Mutex::new(Box::new(std::io::stderr())),
        }
    }

    /// Nowhere.
    pub fn silent() -> Self {
        Self {
            started: Instant::now(),
            terminal: false,
            out: Mutex::new(Box::new(std::io::sink())),
        }
    }

    /// How long it takes by now.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Tells one thing that happened.
    pub fn say(&self, text: &str) {
        let seconds = self.elapsed().as_secs_f64();
        let text = plain(text);
        let (wipe, mut lines) = (if self.terminal { "\r\u{1b}[K" } else { "" }, text.lines());
        let first = lines.next().unwrap_or_default();
        let mut told = format!("{wipe}{seconds:6.1}s  {first}\n");
        for line in lines {
            told.push_str("         ");
            told.push_str(line);
            told.push('\n');
        }
        self.write(&told);
    }

    /// Shows what is waited for, on a terminal only.
    pub fn spin(&self, text: &str) {
        if self.terminal {
            let elapsed = self.elapsed();
            let wheel = SPINNER[usize::try_from(elapsed.as_millis() / 100).unwrap_or(0) % SPINNER.len()];
            let text: String = plain(text).replace('\n', " ").chars().take(100).collect();
            self.write(&format!("\r\u{1b}[K{:6.1}s {wheel} {text}", elapsed.as_secs_f64()));
        }
    }

    /// Takes the repainted line away.
    pub fn still(&self) {
        if self.terminal {
            self.write("\r\u{1b}[K");
        }
    }

    fn write(&self, text: &str) {
        // Nobody may be listening any more; the change goes on.
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }
}

/// Text of the cluster or of a child process, made harmless for a terminal.
pub fn plain(text: &str) -> String {
    super::text::escape_lines(text.trim_end())
}

/// A length of time for a person: `4.2s`, `3m05s`.
pub fn seconds(span: Duration) -> String {
    match span.as_secs() {
        0..=59 => format!("{:.1}s", span.as_secs_f64()),
        whole => format!("{}m{:02}s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_a_stranger_reach_no_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\n\tc\n"), "a^[[2Jb\n c");
        assert_eq!(plain("Grüße 漢字"), "Grüße 漢字");
    }

    #[test]
    fn times_read_well() {
        assert_eq!(seconds(Duration::from_millis(4210)), "4.2s");
        assert_eq!(seconds(Duration::from_secs(185)), "3m05s");
    }
}
