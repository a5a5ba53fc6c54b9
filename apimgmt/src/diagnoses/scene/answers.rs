//! What servers said, in their own logs and in those of whoever uses them.

use jiff::SignedDuration;

use super::{Scene, health::since, servers::container_of};
use crate::{
    signatures::{Answer, Family, answer, written_at},
    snapshot::Pod,
};

/// What a server that is well said longer ago is over.
const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// A line of a log that holds an answer.
pub(crate) struct Said<'a> {
    /// The pod.
    pub(crate) pod: &'a Pod,
    /// The container.
    pub(crate) container: &'a str,
    /// Whether it is of the run before.
    pub(crate) previous: bool,
    /// The line.
    pub(crate) line: &'a str,
    /// What it says.
    pub(crate) answer: Answer,
}

impl<'a> Scene<'a> {
    /// The pods that are not ready and whose latest word about a family of servers is one of some answers, by name.
    pub(crate) fn complaints(&self, family: Family, wanted: &[Answer]) -> Vec<Said<'a>> {
        let pods = self.current().unwrap_or_default().iter().copied();
        let users = pods.filter(|pod| !pod.is_ready() && container_of(pod, family).is_none());
        users
            .filter_map(|pod| self.latest(pod, family).filter(|said| wanted.contains(&said.answer)))
            .collect()
    }

    /// The servers of a family whose own latest word is one of some answers, by name. What one that is well said counts
    /// while it is fresh.
    pub(crate) fn of_servers(&self, family: Family, wanted: &[Answer]) -> Vec<Said<'a>> {
        let pods = self.current().unwrap_or_default().iter().copied();
        let servers = pods.filter(|pod| container_of(pod, family).is_some());
        let is_fresh = |said: &Said<'_>| {
            let at = written_at(said.line);
            !said.pod.is_ready() || at.is_some_and(|at| since(Some(at), self.now()) < FRESH)
        };
        servers
            .filter_map(|pod| self.latest_of(pod, |_, answer| wanted.contains(&answer)))
            .filter(is_fresh)
            .collect()
    }

    fn latest(&self, pod: &'a Pod, family: Family) -> Option<Said<'a>> {
        self.latest_of(pod, |of, _| of == family)
    }

    fn latest_of(&self, pod: &'a Pod, wanted: impl Fn(Family, Answer) -> bool) -> Option<Said<'a>> {
        pod.statuses().find_map(|status| {
            // What the run before said is over once there is a new one.
            let runs = [false, true]
                .into_iter()
                .filter(|previous| !previous || status.state.running.is_none());
            runs.into_iter().find_map(|previous| {
                let lines = self.log(pod, &status.name, previous).iter().rev();
                lines.into_iter().find_map(|line| {
                    let (family, answer) = answer(line)?;
                    wanted(family, answer).then_some(Said {
                        pod,
                        container: &status.name,
                        previous,
                        line,
                        answer,
                    })
                })
            })
        })
    }
}
