//! The health paths of every application pod, each asked for through its own port-forward.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::timeout_at;

use super::{Run, http_call, reach::Reach, trouble::Trouble};
use crate::{
    snapshot::{Snapshot, Unreadable, Why, hostile, roles::Roles, sessions::HealthAnswer},
    values::{ExpectedHealth, HealthPath},
};

/// Answers waited for at once.
const AT_ONCE: usize = 8;
/// How much longer than its limit an answer is waited for, so that a late one is told from none.
const GRACE: Duration = Duration::from_secs(3);
/// Most pods that are asked.
const MOST: usize = 100;

impl Run {
    /// One answer for each path of each running pod; none when no workload plays the application.
    pub(super) async fn health(&self, snapshot: &Snapshot) -> Result<Vec<HealthAnswer>, Trouble> {
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let Some(application) = Roles::of(snapshot).map_err(needs)?.application else {
            return Ok(Vec::new());
        };
        let ExpectedHealth { port, paths } = &snapshot.expectations().map_err(needs)?.health;
        let pods: Vec<_> = application
            .pods(snapshot.pods().map_err(needs)?)
            .filter(|pod| pod.metadata.deletion_timestamp.is_none() && pod.status.phase == "Running")
            .map(|pod| pod.metadata.name.as_str())
            .collect();
        if pods.len() > MOST {
            return Err(Trouble::session(format!("{} pods are more than {MOST}", pods.len())));
        }
        let asked = pods
            .iter()
            .flat_map(|pod| paths.iter().map(move |path| self.ask_health(pod, *port, path)));
        stream::iter(asked.collect::<Vec<_>>())
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn ask_health(&self, pod: &str, port: u16, path: &HealthPath) -> Result<HealthAnswer, Trouble> {
        let mut answer = HealthAnswer {
            pod: pod.into(),
            path: path.path.clone(),
            ..HealthAnswer::default()
        };
        let reach = Reach::Pod { name: pod.into(), port };
        let mut way = match self.tunnel(&reach).await {
            Ok(way) => way,
            // What this one pod has is its answer; what nobody may read is the source's.
            Err(Trouble::Unreadable(Why::Session(message))) => {
                answer.error = Some(message);
                return Ok(answer);
            }
            Err(trouble) => return Err(trouble),
        };
        let Some(stream) = way.stream() else {
            return Err(Trouble::session("the port-forward gave no stream"));
        };
        let begun = Instant::now();
        let reply = timeout_at(
            self.until(path.within.0 + GRACE),
            http_call::get(stream, "localhost", &path.path, 4096),
        )
        .await;
        answer.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match reply {
            Ok(Ok(reply)) => {
                answer.status = Some(reply.status.as_u16());
                if reply.status.as_u16() != 200 {
                    answer.body = hostile::line(&String::from_utf8_lossy(&reply.body));
                }
            }
            Ok(Err(message)) => answer.error = Some(way.refusal().await.unwrap_or_else(|| hostile::line(&message))),
            Err(_) => answer.error = Some(format!("no answer within {} ms", answer.milliseconds)),
        }
        Ok(answer)
    }
}
