//! The load probe: an indexed Job of the verification image shares a declared rate among its pods, and what they measured
//! becomes evidence for three items. It asks the application's own service alone, and only by GET.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PostParams, WatchEvent, WatchParams},
};
use serde_json::{Value, json};

use super::{
    Probe,
    measured::{Measured, Order, Sum, VARIABLE},
    objects::{LABEL, Wanted, pod, typed, verification},
    pod::{holds_it_up, last_words},
    scaling::{Autoscaler, Course},
    store,
};
use crate::{
    Boxed, Error, ExitCode,
    operation::{Consent, Interrupt},
    report::progress::Progress,
    snapshot::{Snapshot, Source, roles::Roles, sessions::ProbeResult},
    values::{Expectations, ExpectedLoad, Span},
};

/// Most requests of one run: enough for any percentile, and bounded whatever is declared.
const MOST: f64 = 500_000.0;
/// Longest load.
const LONGEST: Duration = Duration::from_mins(5);
/// Most pods.
const WORKERS: u32 = 50;
/// So long after the Job is made all workers begin: by then their pods have started.
const GATHERING: Duration = Duration::from_secs(10);
/// What starting, settling and ending may take beside the load itself.
const AROUND: Duration = Duration::from_mins(1);
/// Longest time for taking everything away.
const CLEANING: Duration = Duration::from_secs(20);
/// The label that the Job's controller puts on its pods.
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// What must be read before the load can be planned.
pub fn reads() -> BTreeSet<Source> {
    let autoscaler = [Source::HorizontalPodAutoscalers];
    autoscaler.into_iter().chain(Roles::READS.iter().copied()).collect()
}

/// Makes the declared load and stores what was measured. The Job and its pods are gone when this returns, also when it is
/// interrupted.
///
/// # Errors
/// When it could not be made or measured. A platform that answers too slowly is a result, not an error.
pub fn run<'a>(
    client: &'a Client,
    snapshot: &'a Snapshot,
    _consent: &'a Consent,
    interrupt: &'a Interrupt,
    progress: &'a Progress,
) -> Boxed<'a, ()> {
    Box::pin(async move {
        let plan = Plan::of(snapshot)?;
        let image = verification(client, &snapshot.namespace).await?;
        let wanted = Wanted {
            probe: Probe::Application,
            name: plan.name.clone(),
            network: Some("test"),
            environment: &plan.environment(),
            claim: None,
        };
        let template = pod(&image, &wanted);
        let job: Job = typed(plan.job(template))?;
        progress.say(&format!(
            "asking {} for {} requests/s during {} from {} pods",
            plan.url, plan.rate, plan.load.duration, plan.load.workers
        ));
        let outcome = tokio::select! {
            outcome = made(client, &snapshot.namespace, &job, &plan, progress) => outcome,
            () = interrupt.asked() => Err(Error::new(ExitCode::Interrupted, "interrupted while the load was made")),
        };
        clean(client, &snapshot.namespace, &job.name_any()).await?;
        let (workers, course) = outcome?;
        let mut results = plan.results(&workers)?;
        results.extend(course.map(|course| scaled(&course)));
        store::write(client, &snapshot.namespace, &results).await
    })
}

/// What is asked for, how often and by whom.
struct Plan {
    name: String,
    url: String,
    rate: f64,
    load: ExpectedLoad,
    begins: Timestamp,
    autoscaler: Option<Autoscaler>,
}

impl Plan {
    fn of(snapshot: &Snapshot) -> Result<Self, Error> {
        let unread = |why| Error::could_not("could not tell what load is expected").because(Box::new(why));
        let Expectations { throughput, load, .. } = snapshot.expectations().map_err(unread)?;
        let application = Roles::of(snapshot).map_err(unread)?.application.ok_or_else(|| {
            Error::could_not(format!("no workload in `{}` is the application", snapshot.namespace))
                .hint("name it: `checklist.roles.application: deployment/NAME`")
        })?;
        let services = snapshot.services().map_err(unread)?;
        let service = services
            .iter()
            .find(|service| Some(&service.metadata.name) == application.service.as_ref())
            .ok_or_else(|| Error::could_not(format!("no service stands before {}", application.workload)))?;
        let ports = &service.spec.ports;
        let port = ports
            .iter()
            .find(|port| port.name.contains("http"))
            .or(ports.first())
            .map_or(application.port, |port| port.port);
        let rate = throughput.requests_per_second;
        let total = rate * load.duration.0.as_secs_f64();
        let is_bounded = rate > 0.0
            && total <= MOST
            && load.duration.0 <= LONGEST
            && load.duration.0 >= Duration::from_secs(1)
            && (1..=WORKERS).contains(&load.workers);
        if !is_bounded {
            return Err(Error::usage(format!(
                "a load of {rate} requests/s during {} from {} pods is not made",
                load.duration, load.workers
            ))
            .hint(format!(
                "`checklist.throughput.requestsPerSecond` × `checklist.load.duration` (1 s to {} s) may be {MOST}, and `workers` {WORKERS}",
                LONGEST.as_secs()
            )));
        }
        let now = Timestamp::now();
        Ok(Self {
            name: format!("apimgmt-probe-load-{}", now.as_millisecond()),
            url: format!(
                "http://{}.{}.svc:{port}{}",
                service.metadata.name, snapshot.namespace, load.path
            ),
            rate,
            load: load.clone(),
            begins: now + GATHERING,
            autoscaler: Autoscaler::of(snapshot, &application).map_err(unread)?,
        })
    }

    fn environment(&self) -> Value {
        let order = Order {
            url: self.url.clone(),
            rate: self.rate / f64::from(self.load.workers),
            seconds: self.load.duration.0.as_secs_f64(),
            connections: self.load.connections.clamp(1, 500),
            begins: self.begins.as_millisecond(),
        };
        json!({ "env": [{ "name": VARIABLE, "value": json!(order).to_string() }] })
    }

    fn longest(&self) -> Duration {
        self.load.duration.0 + GATHERING + AROUND
    }

    /// One pod for each index; none is tried again, since half a load is no load.
    fn job(&self, mut pod: Value) -> Value {
        pod["spec"]["containers"][0]["args"] = json!(["probe", "load"]);
        pod["spec"]["activeDeadlineSeconds"] = json!(self.longest().as_secs());
        let labels = json!({ LABEL: "load", "apimgmt.io/network": "test" });
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": { "name": self.name, "labels": labels },
            "spec": {
                "completionMode": "Indexed",
                "completions": self.load.workers,
                "parallelism": self.load.workers,
                "backoffLimit": 0,
                "activeDeadlineSeconds": self.longest().as_secs(),
                "ttlSecondsAfterFinished": 300,
                "template": { "metadata": { "labels": labels }, "spec": pod["spec"] },
            },
        })
    }

    fn results(&self, workers: &[Measured]) -> Result<Vec<ProbeResult>, Error> {
        let unreached = workers.iter().find(|worker| worker.requests == 0);
        let mut values = BTreeMap::from([("asked".to_owned(), self.rate.to_string())]);
        let (passed, detail) = if let Some(worker) = unreached {
            (false, format!("{}: {}", self.url, worker.error))
        } else {
            let sum =
                Sum::of(workers).map_err(|why| Error::could_not("the load could not be measured").because(why))?;
            let quantile = |quantile| {
                let microseconds = sum.histogram.value_at_quantile(quantile);
                Span(Duration::from_millis(microseconds.div_ceil(1000))).to_string()
            };
            values.extend([
                ("p50".into(), quantile(0.5)),
                ("p95".into(), quantile(0.95)),
                ("p99".into(), quantile(0.99)),
                ("requests".into(), sum.requests.to_string()),
                ("errors".into(), sum.errors.to_string()),
                ("rate".into(), format!("{:.2}", sum.rate)),
                ("workers".into(), workers.len().to_string()),
            ]);
            let detail = if sum.error.is_empty() {
                format!("{} requests of {} pods", sum.requests, workers.len())
            } else {
                format!(
                    "{} of {} requests failed, as in: {}",
                    sum.errors, sum.requests, sum.error
                )
            };
            (true, detail)
        };
        let result = |item: &str| ProbeResult {
            item: item.into(),
            at: Some(Timestamp::now()),
            passed,
            detail: detail.clone(),
            values: values.clone(),
        };
        Ok(vec![
            result("performance/response-time"),
            result("performance/throughput"),
        ])
    }
}

/// Makes the load, with an eye on the autoscaler where there is one.
async fn made(
    client: &Client,
    namespace: &str,
    job: &Job,
    plan: &Plan,
    progress: &Progress,
) -> Result<(Vec<Measured>, Option<Course>), Error> {
    let load = measured(client, namespace, job, plan);
    match &plan.autoscaler {
        Some(autoscaler) => {
            let (workers, course) = autoscaler.during(client, namespace, load, progress).await?;
            Ok((workers, Some(course)))
        }
        None => Ok((load.await?, None)),
    }
}

fn scaled(course: &Course) -> ProbeResult {
    ProbeResult {
        item: "performance/auto-scaling".into(),
        at: Some(Timestamp::now()),
        passed: true,
        detail: "the autoscaler was looked at during a load".into(),
        values: course.values(),
    }
}

/// Makes the Job and waits for the last words of each of its pods.
async fn measured(client: &Client, namespace: &str, job: &Job, plan: &Plan) -> Result<Vec<Measured>, Error> {
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    jobs.create(&PostParams::default(), job).await.map_err(|error| {
        Error::could_not(format!("could not create the Job of the load probe in `{namespace}`"))
            .because(error)
            .hint("`--load` needs `create` and `delete` of jobs")
    })?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let selector = format!("{JOB_NAME}={}", plan.name);
    let wanted = usize::try_from(plan.load.workers).unwrap_or_default();
    let mut words = BTreeMap::new();
    let told = tokio::time::timeout(plan.longest(), hear(&pods, &selector, wanted, &mut words)).await;
    match told {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(Error::could_not("lost sight of the load probe's pods").because(error)),
        Err(_) => {
            let listed = pods
                .list(&ListParams::default().labels(&selector))
                .await
                .map(|list| list.items);
            let why = listed.unwrap_or_default().iter().find_map(holds_it_up);
            return Err(Error::could_not(format!(
                "{} of {wanted} pods of the load probe did not end within {} s",
                wanted - words.len(),
                plan.longest().as_secs()
            ))
            .because(crate::report::escape(
                &why.unwrap_or_else(|| "they gave no result in time".into()),
            )));
        }
    }
    words
        .into_values()
        .map(|text| {
            serde_json::from_str(&text).map_err(|_| {
                let said = crate::report::escape(&text.chars().take(200).collect::<String>());
                Error::could_not(format!("a pod of the load probe ended without a result: {said}"))
            })
        })
        .collect()
}

/// Gathers the last words by pod until there are enough.
async fn hear(
    pods: &Api<Pod>,
    selector: &str,
    wanted: usize,
    words: &mut BTreeMap<String, String>,
) -> Result<(), kube::Error> {
    loop {
        let listed = pods.list(&ListParams::default().labels(selector)).await?;
        for pod in &listed.items {
            words.extend(last_words(pod).map(|said| (pod.name_any(), said)));
        }
        let version = listed.metadata.resource_version.unwrap_or_else(|| "0".into());
        let watching = WatchParams::default().labels(selector).timeout(290);
        let mut events = pods.watch(&watching, &version).await?.boxed();
        while words.len() < wanted {
            match events.try_next().await? {
                Some(WatchEvent::Added(pod) | WatchEvent::Modified(pod)) => {
                    words.extend(last_words(&pod).map(|said| (pod.name_any(), said)));
                }
                Some(WatchEvent::Error(_)) | None => break,
                Some(_) => {}
            }
        }
        if words.len() >= wanted {
            return Ok(());
        }
    }
}

/// Takes the Job and its pods away; what is gone already is no error.
async fn clean(client: &Client, namespace: &str, name: &str) -> Result<(), Error> {
    let left = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::could_not(format!("could not take away the load probe's Job in `{namespace}`"))
            .because(error)
            .hint(format!("kubectl delete jobs,pods -n {namespace} -l {LABEL}=load"))
    };
    let cleaned = async {
        let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
        match jobs.delete(name, &DeleteParams::background()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            other => _ = other?,
        }
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let theirs = ListParams::default().labels(&format!("{JOB_NAME}={name}"));
        pods.delete_collection(&DeleteParams::default().grace_period(0), &theirs)
            .await?;
        Ok::<_, kube::Error>(())
    };
    match tokio::time::timeout(CLEANING, cleaned).await {
        Ok(done) => done.map_err(|error| left(Box::new(error))),
        Err(late) => Err(left(Box::new(late))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(expectations: &str) -> Snapshot {
        Snapshot::from_recording(&format!(
            "takenAt: 2026-11-23T08:00:00Z
namespace: shop
objects:
- {{kind: Deployment, metadata: {{name: app, labels: {{app: api-management}}}}, spec: {{selector: {{matchLabels: {{app: api-management}}}}, template: {{metadata: {{labels: {{app: api-management}}}}}}}}}}
- {{kind: Service, metadata: {{name: front}}, spec: {{selector: {{app: api-management}}, ports: [{{name: metrics, port: 9100}}, {{name: http, port: 80}}]}}}}
facts:
  expectations: {expectations}"
        ))
        .unwrap()
    }

    #[test]
    fn the_job_shares_the_rate_among_its_pods_and_asks_the_own_service_alone() {
        let plan = Plan::of(&snapshot(
            "{throughput: {requestsPerSecond: 90}, load: {workers: 3, duration: 10s, path: /x}}",
        ))
        .unwrap();
        assert_eq!(plan.url, "http://front.shop.svc:80/x");
        let environment = plan.environment();
        let order: Order = serde_json::from_str(environment["env"][0]["value"].as_str().unwrap()).unwrap();
        assert!((order.rate - 30.0).abs() < 1e-9);
        let job: Job = typed(plan.job(json!({"spec": {"containers": [{"name": "probe"}]}}))).unwrap();
        let spec = job.spec.unwrap();
        assert_eq!(
            (spec.completions, spec.parallelism, spec.backoff_limit),
            (Some(3), Some(3), Some(0))
        );
        assert_eq!(spec.completion_mode.as_deref(), Some("Indexed"));
        assert_eq!(spec.template.spec.unwrap().active_deadline_seconds, Some(80));
    }

    #[test]
    fn a_load_without_bounds_is_not_made() {
        for wrong in [
            "{throughput: {requestsPerSecond: 0}}",
            "{throughput: {requestsPerSecond: 1000000}}",
            "{load: {duration: 1h}}",
            "{load: {workers: 0}}",
            "{load: {workers: 51}}",
            "{load: {duration: 0s}}",
        ] {
            let refused = Plan::of(&snapshot(wrong)).err().expect(wrong);
            assert_eq!(refused.code(), ExitCode::Usage, "{wrong}");
        }
    }

    #[test]
    fn a_worker_that_reached_nothing_is_a_failure_with_its_reason() {
        let plan = Plan::of(&snapshot("{}")).unwrap();
        let silent = Measured {
            error: "connection refused".into(),
            ..Measured::default()
        };
        let results = plan.results(&[silent]).unwrap();
        assert!(
            results
                .iter()
                .all(|result| !result.passed && result.detail.contains("connection refused"))
        );
    }
}
