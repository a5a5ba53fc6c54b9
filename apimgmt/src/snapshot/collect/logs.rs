//! The last lines of containers that are not well: masked, escaped and capped as they stream in.

use futures::{StreamExt, TryStreamExt, stream};

use super::{Run, list::path, mask::Mask, trouble::Trouble};
use crate::snapshot::{Pod, Snapshot, Unreadable, Why, events::LogTail, hostile, pods::ContainerStatus};

/// Lines of each run.
const LINES: usize = 60;
/// Bytes of each run: a line may be as long as its writer likes.
const BYTES: usize = 64 << 10;
/// Most runs that are read.
const MOST: usize = 40;
/// Runs read at once.
const AT_ONCE: usize = 8;

/// One run of a container.
#[derive(Debug, PartialEq, Eq)]
struct Tail {
    pod: String,
    container: String,
    previous: bool,
}

impl Run {
    pub(super) async fn logs(&self, snapshot: &Snapshot, mask: &Mask) -> Result<Vec<LogTail>, Trouble> {
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let tails = unwell(snapshot.pods().map_err(needs)?);
        stream::iter(tails.into_iter().map(|tail| self.tail(tail, mask)))
            .buffered(AT_ONCE)
            .try_filter_map(|tail| async { Ok(tail) })
            .try_collect()
            .await
    }

    /// `None` when the node has no log of that run (any more).
    async fn tail(&self, tail: Tail, mask: &Mask) -> Result<Option<LogTail>, Trouble> {
        let Tail {
            pod,
            container,
            previous,
        } = tail;
        let log = path("", "v1", Some(self.namespace()), &format!("pods/{pod}/log"));
        let query = format!("{log}?container={container}&previous={previous}&tailLines={LINES}&limitBytes={BYTES}");
        let (status, _, answer) = self.api.get_once(&query, "*/*").await?;
        match status.as_u16() {
            200 => {}
            403 => return Err(Trouble::Unreadable(Why::Forbidden)),
            // 400: the container waits to start or had no run before; 404: the pod has gone; 5xx: the node does not answer.
            _ => return Ok(None),
        }
        let text = answer.whole().await?;
        Ok(Some(LogTail {
            pod,
            container,
            previous,
            lines: lines(&text, mask),
        }))
    }
}

/// Masked first, then escaped and capped: a cut secret would not be recognised.
fn lines(text: &[u8], mask: &Mask) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<_> = text.lines().map(|line| hostile::line(&mask.apply(line))).collect();
    lines.into_iter().rev().take(LINES).rev().collect()
}

/// The runs worth reading: of containers that are not ready, and of those that ended before. The current run first.
fn unwell(pods: &[Pod]) -> Vec<Tail> {
    let mut tails = Vec::new();
    for pod in pods {
        for status in pod.statuses() {
            let ended_well =
                |status: &ContainerStatus| status.state.terminated.as_ref().is_some_and(|end| end.exit_code == 0);
            let tail = |previous| Tail {
                pod: pod.metadata.name.clone(),
                container: status.name.to_string(),
                previous,
            };
            let began = status.state.running.is_some() || status.state.terminated.is_some();
            if began && !status.ready && !ended_well(status) {
                tails.push(tail(false));
            }
            if status.last_state.terminated.is_some() || status.restart_count > 0 {
                tails.push(tail(true));
            }
        }
    }
    tails.truncate(MOST);
    tails
}

#[cfg(test)]
mod tests {
    use super::{Mask, lines, unwell};
    use crate::snapshot::{Snapshot, collect::vault::Vault};

    #[test]
    fn only_containers_that_are_not_well_are_read() {
        let snapshot = Snapshot::from_recording(
            "takenAt: 2026-11-23T08:00:00Z
objects:
- {kind: Pod, metadata: {name: well}, status: {containerStatuses: [{name: c, ready: true, state: {running: {}}}]}}
- {kind: Pod, metadata: {name: done}, status: {initContainerStatuses: [{name: i, ready: false, state: {terminated: {exitCode: 0}}}]}}
- {kind: Pod, metadata: {name: crashed}, status: {containerStatuses: [{name: c, restartCount: 2, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1}}}]}}
- {kind: Pod, metadata: {name: unready}, status: {containerStatuses: [{name: c, ready: false, state: {running: {}}}]}}
- {kind: Pod, metadata: {name: pulling}, status: {containerStatuses: [{name: c, state: {waiting: {reason: ImagePullBackOff}}}]}}",
        )
        .unwrap();
        let tails = unwell(snapshot.pods().unwrap());
        let named: Vec<_> = tails.iter().map(|tail| (tail.pod.as_str(), tail.previous)).collect();
        assert_eq!(named, [("crashed", true), ("unready", false)]);
    }

    #[test]
    fn lines_are_escaped_capped_and_counted() {
        let mask = Mask::of(&Vault::default());
        let text = format!("\u{1b}[2J{}\r\nlast\n", "x".repeat(2000));
        let read = lines(text.as_bytes(), &mask);
        assert!(read[0].starts_with("\\u{1b}[2Jx") && read[0].chars().count() < 520);
        assert_eq!(read[1], "last");
        assert_eq!(lines("a\n".repeat(100).as_bytes(), &mask).len(), 60);
    }
}
