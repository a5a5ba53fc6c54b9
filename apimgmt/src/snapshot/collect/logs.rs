//! The last lines of containers that are not well: masked, escaped and capped as they stream in. Of servers that are well,
//! only what they say of their own trouble: the other lines may hold people's data.

use futures::{StreamExt, TryStreamExt, stream};

use super::{Run, list::path, mask::Mask, trouble::Trouble};
use crate::{
    signatures::{self, Family},
    snapshot::{Pod, Snapshot, Unreadable, Why, events::LogTail, hostile, pods::ContainerStatus},
};

/// Lines of each run.
const LINES: usize = 60;
/// Bytes of each run: a line may be as long as its writer likes.
const BYTES: usize = 64 << 10;
/// Lines and bytes of a server that is well, among which its own trouble is looked for.
const SEARCHED: (usize, usize) = (400, 256 << 10);
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
    /// It is well, and only what it says of its own trouble is kept.
    searched: bool,
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
            searched,
        } = tail;
        let (lines, bytes) = if searched { SEARCHED } else { (LINES, BYTES) };
        let log = path("", "v1", Some(self.namespace()), &format!("pods/{pod}/log"));
        let query = format!("{log}?container={container}&previous={previous}&tailLines={lines}&limitBytes={bytes}");
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
            lines: kept(&text, mask, searched),
        }))
    }
}

/// Masked first, then escaped and capped: a cut secret would not be recognised.
fn kept(text: &[u8], mask: &Mask, searched: bool) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !searched || signatures::answer(line).is_some())
        .map(|line| hostile::line(&mask.apply(line)))
        .collect();
    lines.into_iter().rev().take(LINES).rev().collect()
}

/// The runs worth reading: of containers that are not ready, and of those that ended before, the current run first; then
/// those of servers.
fn unwell(pods: &[Pod]) -> Vec<Tail> {
    let (mut tails, mut servers) = (Vec::new(), Vec::new());
    for pod in pods {
        for status in pod.statuses() {
            let ended_well =
                |status: &ContainerStatus| status.state.terminated.as_ref().is_some_and(|end| end.exit_code == 0);
            let tail = |previous| Tail {
                pod: pod.metadata.name.clone(),
                container: status.name.to_string(),
                previous,
                searched: false,
            };
            let began = status.state.running.is_some() || status.state.terminated.is_some();
            if began && !status.ready && !ended_well(status) {
                tails.push(tail(false));
            }
            if status.last_state.terminated.is_some() || status.restart_count > 0 {
                tails.push(tail(true));
            }
            if status.ready && status.state.running.is_some() && is_server(pod, &status.name) {
                servers.push(Tail {
                    searched: true,
                    ..tail(false)
                });
            }
        }
    }
    tails.extend(servers);
    tails.truncate(MOST);
    tails
}

fn is_server(pod: &Pod, container: &str) -> bool {
    let container = pod.spec.containers.iter().find(|it| it.name == container);
    container.is_some_and(|it| Family::of(&it.image, it.ports.iter().map(|port| port.container_port)).is_some())
}

#[cfg(test)]
mod tests {
    use super::{Mask, kept, unwell};
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
- {kind: Pod, metadata: {name: postgres}, spec: {containers: [{name: c, image: 'postgres:15'}]}, status: {containerStatuses: [{name: c, ready: true, state: {running: {}}}]}}
- {kind: Pod, metadata: {name: pulling}, status: {containerStatuses: [{name: c, state: {waiting: {reason: ImagePullBackOff}}}]}}",
        )
        .unwrap();
        let tails = unwell(snapshot.pods().unwrap());
        let named: Vec<_> = tails
            .iter()
            .map(|tail| (tail.pod.as_str(), tail.previous, tail.searched))
            .collect();
        assert_eq!(
            named,
            [
                ("crashed", true, false),
                ("unready", false, false),
                ("postgres", false, true)
            ]
        );
    }

    #[test]
    fn lines_are_escaped_capped_and_counted() {
        let mask = Mask::of(&Vault::default());
        let text = format!("\u{1b}[2J{}\r\nlast\n", "x".repeat(2000));
        let read = kept(text.as_bytes(), &mask, false);
        assert!(read[0].starts_with("\\u{1b}[2Jx") && read[0].chars().count() < 520);
        assert_eq!(read[1], "last");
        assert_eq!(kept("a\n".repeat(100).as_bytes(), &mask, false).len(), 60);
    }

    #[test]
    fn of_a_server_that_is_well_no_statement_is_kept() {
        let text =
            "ERROR:  could not extend file: No space left on device\nSTATEMENT:  insert into people values ('Ada')\n";
        let read = kept(text.as_bytes(), &Mask::of(&Vault::default()), true);
        assert_eq!(read, ["ERROR:  could not extend file: No space left on device"]);
    }
}
