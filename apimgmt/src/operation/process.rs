//! A process that a journal names, so that whoever finds the journal on the same machine can tell whether it still works.

use std::fmt;

use super::operator;

/// What a journal says of a process: `helm upgrade: process 4711 of root@laptop`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    what: String,
    id: u32,
    of: String,
}

impl Process {
    /// A child of ours.
    pub fn child(what: &str, id: u32) -> Self {
        Self {
            what: what.into(),
            id,
            of: machine(&operator()),
        }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (what, rest) = text.split_once(": process ")?;
        let (id, of) = rest.split_once(" of ")?;
        Some(Self {
            what: what.into(),
            id: id.parse().ok()?,
            of: of.into(),
        })
    }

    /// Whether it ran here, by the same user: only then can anything be said of it.
    pub fn is_of_this_machine(&self) -> bool {
        self.of == machine(&operator())
    }

    /// Whether it still runs. A number that another program was given meanwhile does not count.
    pub fn lives(&self) -> bool {
        let program = self.what.split(' ').next().unwrap_or_default();
        std::fs::read(format!("/proc/{}/cmdline", self.id))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(program))
    }
}

impl fmt::Display for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: process {} of {}", self.what, self.id, self.of)
    }
}

/// `root@laptop` of `root@laptop, process 4711`.
fn machine(operator: &str) -> String {
    operator.split(',').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::Process;

    #[test]
    fn what_was_written_is_read_back_and_a_dead_process_is_known_here() {
        let program = std::env::args().next().unwrap();
        let own = Process::child(&program, std::process::id());
        assert_eq!(Process::parse(&own.to_string()), Some(own.clone()));
        assert!(own.is_of_this_machine() && own.lives());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = Process::child("true", child.id());
        child.wait().unwrap();
        assert!(!gone.lives());
        let elsewhere = Process::parse("helm upgrade: process 1 of root@elsewhere.test").unwrap();
        assert!(!elsewhere.is_of_this_machine());
        assert_eq!(Process::parse("deployed"), None);
    }
}
