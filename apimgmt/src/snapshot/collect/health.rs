//! The health paths of every application pod, those of one pod over one port-forward.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Run,
    caller::{Caller, Question},
    reach::Reach,
    trouble::Trouble,
};
use crate::{
    snapshot::{Snapshot, Unreadable, Why, hostile, roles::Roles, sessions::HealthAnswer},
    values::{ExpectedHealth, HealthPath},
};

/// Pods asked at once.
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
        let asked = pods.iter().map(|pod| self.ask_pod(pod, *port, paths));
        let answers: Vec<Vec<_>> = stream::iter(asked.collect::<Vec<_>>())
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// The answers of one pod, one after the other over one port-forward.
    async fn ask_pod(&self, pod: &str, port: u16, paths: &[HealthPath]) -> Result<Vec<HealthAnswer>, Trouble> {
        let reach = Reach::Pod { name: pod.into(), port };
        let caller = Caller::new(self, &reach, 1);
        let mut answers = Vec::new();
        for path in paths {
            let mut answer = HealthAnswer {
                pod: pod.into(),
                path: path.path.clone(),
                ..HealthAnswer::default()
            };
            match ask(&caller, path, &mut answer).await {
                // What this one pod has is its answer; what nobody may read is the source's.
                Err(Trouble::Unreadable(Why::Session(message))) => answer.error = Some(message),
                result => result?,
            }
            answers.push(answer);
        }
        Ok(answers)
    }
}

async fn ask(caller: &Caller<'_>, path: &HealthPath, answer: &mut HealthAnswer) -> Result<(), Trouble> {
    caller.prepare().await?;
    let begun = Instant::now();
    let reply = caller
        .get(Question {
            path: &path.path,
            authorization: None,
            within: path.within.0 + GRACE,
            most: 4096,
        })
        .await;
    answer.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let reply = reply?;
    answer.status = Some(reply.status.as_u16());
    if reply.status.as_u16() != 200 {
        answer.body = hostile::line(&String::from_utf8_lossy(&reply.body));
    }
    Ok(())
}
