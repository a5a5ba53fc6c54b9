//! Back to an earlier revision of one deployment: its pod template, as `kubectl rollout undo` does it, watched and proven.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::{
    api::apps::v1::{Deployment as DeploymentObject, ReplicaSet as ReplicaSetObject},
    apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry,
};
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, PostParams},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Context, Fit, Needs, Outcome, Range};
use crate::{
    Error, ExitCode,
    operation::{
        Entry, Interrupt, Journal, Lease, Plan, Step,
        api::{DEADLINE, answers, is_conflict, refused},
    },
    release::{
        Stage,
        hopeless::{Hopeless, Patience, Watchfulness},
        scene::{RELEASE_ANNOTATION, Scene},
        watch::Watches,
    },
    report::progress::Progress,
    snapshot::{Labels, PodTemplate},
};

/// Our name as a writer of fields.
const MANAGER: &str = "apimgmt";
const REVISION: &str = "deployment.kubernetes.io/revision";
/// The label by which a replica set tells its pods apart: the deployment's own template has none.
const HASH: &str = "pod-template-hash";
/// Annotations of a replica set that are not the template's past but the controller's notes.
const NOTES: [&str; 6] = [
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
];
/// Longest wait for a rollout where the deployment itself declares none.
const ROLLOUT: Duration = Duration::from_mins(10);

/// What a plan rests on.
#[derive(Debug, Clone)]
pub struct DeploymentFacts {
    /// Deployment.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Revision that it runs.
    pub current: u32,
    /// Whether it is paused.
    pub paused: bool,
    /// Release of Helm that owns it.
    pub owner: Option<String>,
    /// Revisions that can be gone back to, and the images of each.
    pub revisions: BTreeMap<u32, Vec<String>>,
    /// The wanted one.
    pub target: Option<u32>,
    /// What its pods need and nobody has.
    pub missing: Vec<String>,
    /// Whether it was made for other configuration than is there now.
    pub other_configuration: bool,
    /// Whether it runs on the schema.
    pub fit: Fit,
}

impl DeploymentFacts {
    /// Reads them.
    ///
    /// # Errors
    /// When they can't be read, or no single deployment is there.
    pub async fn collect(context: &Context, name: &str, to: Option<u32>) -> Result<Self, Error> {
        let namespace = context.namespace().to_owned();
        let object = find(context, name).await?;
        let sets = replica_sets(context, &object).await?;
        let current = revision(&object);
        let target = to.or_else(|| sets.keys().rev().find(|revision| **revision < current).copied());
        let target = target.filter(|target| sets.contains_key(target));
        let template =
            |object: &DynamicObject| PodTemplate::deserialize(&object.data["spec"]["template"]).unwrap_or_default();
        let images = |object: &DynamicObject| {
            let mut needs = Needs::default();
            needs.add(&template(object));
            needs.images.into_iter().collect::<Vec<_>>()
        };
        let mut facts = Self {
            name: object.name_any(),
            current,
            paused: object.data["spec"]["paused"] == true,
            owner: object.annotations().get(RELEASE_ANNOTATION).cloned(),
            revisions: sets.iter().map(|(revision, set)| (*revision, images(set))).collect(),
            target,
            missing: Vec::new(),
            other_configuration: false,
            fit: Fit::Fits,
            namespace,
        };
        if let Some(set) = target.and_then(|target| sets.get(&target)) {
            let mut needs = Needs::default();
            needs.add(&template(set));
            facts.missing = context.missing(&needs, |_, _| false).await?;
            let checksums = |object: &DynamicObject| -> Labels {
                let annotations = template(object).metadata.annotations;
                annotations
                    .into_iter()
                    .filter(|(key, _)| key.starts_with("checksum/"))
                    .collect()
            };
            facts.other_configuration = checksums(set) != checksums(&object);
            let live = context.reader().schema_version().await;
            facts.fit = Fit::of(Range::of(set.annotations()), Range::of(object.annotations()), live);
        }
        Ok(facts)
    }

    /// The plan, or why there is none.
    ///
    /// # Errors
    /// When there is nothing to go back to, or the target can't run.
    pub fn plan(&self) -> Result<Plan, Error> {
        let (name, namespace) = (&self.name, &self.namespace);
        let known = || {
            let of = |(revision, images): (&u32, &Vec<String>)| format!("{revision} ({})", images.join(", "));
            format!(
                "its revisions: {}",
                self.revisions.iter().map(of).collect::<Vec<_>>().join("; ")
            )
        };
        let wrong = |text: String| Error::new(ExitCode::Wrong, text);
        if self.paused {
            return Err(
                wrong(format!("deployment `{name}` is paused: nothing rolls, forward or back")).hint(format!(
                    "`kubectl rollout resume deployment/{name} -n {namespace}`, then plan again"
                )),
            );
        }
        let Some(target) = self.target else {
            return Err(wrong(format!("deployment `{name}` has no such revision to go back to")).hint(known()));
        };
        if target == self.current {
            return Err(Error::usage(format!("deployment `{name}` already runs revision {target}")).hint(known()));
        }
        if !self.missing.is_empty() {
            return Err(wrong(format!(
                "revision {target} of deployment `{name}` can't start: {} is missing",
                self.missing.join(", ")
            ))
            .hint(format!("make it, or choose another revision; {}", known())));
        }
        let mut warnings = Vec::new();
        match &self.fit {
            Fit::Fits => {}
            Fit::DoesNot(why) => {
                return Err(wrong(format!("revision {target} of deployment `{name}` can't run on the database: {why}"))
                    .hint("`kubectl apimgmt rollback database` brings data and application back together; or choose a revision that knows this schema"));
            }
            Fit::Unknown(why) => warnings.push(format!(
                "whether revision {target} runs on the database's schema can't be told: {why}"
            )),
        }
        if let Some(release) = &self.owner {
            warnings.push(format!("Helm owns it: the next `helm upgrade {release}` brings the template of its chart again; `rollback release` goes back for good"));
        }
        if self.other_configuration {
            warnings.push(format!(
                "revision {target} was made for another configuration; ConfigMaps and Secrets stay as they are"
            ));
        }
        for image in self.revisions.get(&target).into_iter().flatten() {
            if self
                .revisions
                .get(&self.current)
                .is_none_or(|current| !current.contains(image))
            {
                warnings.push(format!("image {image} must still be in its registry"));
            }
        }
        Ok(Plan {
            title: format!("return deployment/{name} from revision {} to {target}", self.current),
            namespace: namespace.clone(),
            object: format!("deployment/{name}"),
            from: self.current,
            to: target,
            steps: vec![
                Step::new(
                    "rollback",
                    format!("give deployment/{name} the pod template of revision {target}"),
                    "its replica set is kept for this: `kubectl rollout undo` does the same",
                    format!("kubectl rollout undo deployment/{name} -n {namespace}"),
                ),
                Step::new(
                    "rollout",
                    "wait until only pods of that template run",
                    "a pod that can't start brings the former template back",
                    "",
                ),
                Step::new("verify", "judge every item", "what held before must hold after", ""),
            ],
            warnings,
        })
    }
}

/// Gives the deployment the old template, and waits; what can't come about is undone.
pub(super) async fn run(
    context: &Context,
    name: &str,
    plan: &Plan,
    journal: &mut Journal,
    (lease, interrupt): (&Lease, &Interrupt),
    progress: &Progress,
) -> Result<Option<Outcome>, Error> {
    let mut stage = Stage {
        watches: Watches::start(&context.connected.client, context.namespace()),
        scene: Scene::of_deployment(name),
        progress,
    };
    stage.set().await;
    if let Some(error) = lease.is_lost() {
        return Err(error);
    }
    journal.before("rollback").await?;
    give_template(context, name, plan.to).await?;
    progress.say(&format!(
        "deployment/{name} has the pod template of revision {}",
        plan.to
    ));
    journal.after("rollback", "template given").await?;
    journal.before("rollout").await?;
    let why = match rollout(&mut stage, interrupt).await {
        Rollout::Done => {
            journal.after("rollout", "complete").await?;
            return Ok(None);
        }
        Rollout::Hopeless(hopeless) => format!("{}: {}", hopeless.object, hopeless.text),
        Rollout::TooLong => format!("the rollout was not complete after {} minutes", ROLLOUT.as_secs() / 60),
        Rollout::Interrupted => "interrupted".to_owned(),
    };
    progress.say(&why);
    journal.before("return").await?;
    give_former(context, name, plan.to).await?;
    let back = rollout(&mut stage, &Interrupt::never()).await;
    let Rollout::Done = back else {
        return Err(Error::new(
            ExitCode::Midway,
            format!("deployment/{name} did not come up with its former template either"),
        )
        .because(why)
        .hint("`kubectl apimgmt troubleshoot pod` names the cause; then `rollback --resume` or `--abort`"));
    };
    journal.after("return", "former template runs").await?;
    let code = if interrupt.is_asked() {
        ExitCode::Interrupted
    } else {
        ExitCode::Returned
    };
    let message = format!(
        "revision {} of deployment/{name} did not come up ({why}); the former template runs again",
        plan.to
    );
    Ok(Some(Outcome::new(plan, code, message, progress)))
}

/// Back to the template that ran when the rollback began.
pub(super) async fn abort(context: &Context, name: &str, entry: &Entry, progress: &Progress) -> Result<String, Error> {
    let mut stage = Stage {
        watches: Watches::start(&context.connected.client, context.namespace()),
        scene: Scene::of_deployment(name),
        progress,
    };
    stage.set().await;
    give_former(context, name, entry.plan.to).await?;
    match rollout(&mut stage, &Interrupt::never()).await {
        Rollout::Done => Ok(format!(
            "deployment/{name} runs the template that it had before the rollback"
        )),
        _ => Err(Error::new(
            ExitCode::Midway,
            format!("deployment/{name} does not come up with the template that it had before"),
        )
        .hint("`kubectl apimgmt troubleshoot pod` names the cause")),
    }
}

enum Rollout {
    Done,
    Hopeless(Hopeless),
    TooLong,
    Interrupted,
}

async fn rollout(stage: &mut Stage<'_>, interrupt: &Interrupt) -> Rollout {
    let began = Instant::now();
    let mut watchfulness = Watchfulness::of(true);
    let patience = Patience {
        schedule_grace: Duration::from_secs(60),
        autoscaler: false,
    };
    let mut ticks = interval(Duration::from_millis(200));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The controller sees a change within milliseconds; the watch must have brought it before "done" means anything.
    let mut looks = 0;
    loop {
        tokio::select! {
            sight = stage.watches.next() => stage.scene.apply(sight),
            () = interrupt.asked() => return Rollout::Interrupted,
            _ = ticks.tick() => {
                for line in stage.scene.news() {
                    stage.progress.say(&line);
                }
                stage.progress.spin(&stage.scene.waiting_for());
                looks += 1;
                let workloads = stage.scene.workloads();
                if looks > 5 && !workloads.is_empty() && workloads.iter().all(|workload| workload.ready) {
                    stage.progress.still();
                    return Rollout::Done;
                }
                if let Some(hopeless) = watchfulness.look(&stage.scene, patience, began.elapsed()) {
                    return Rollout::Hopeless(hopeless);
                }
                if began.elapsed() > ROLLOUT {
                    return Rollout::TooLong;
                }
            }
        }
    }
}

fn deployments(context: &Context) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<DeploymentObject>(&());
    Api::namespaced_with(context.connected.client.clone(), context.namespace(), &resource)
}

/// The deployment of a name; without one the application's, or the only one.
async fn find(context: &Context, name: &str) -> Result<DynamicObject, Error> {
    let namespace = context.namespace();
    let all = answers(
        deployments(context).list(&ListParams::default()),
        "list",
        "deployments",
        namespace,
    )
    .await?
    .items;
    let names: Vec<_> = all.iter().map(ResourceExt::name_any).collect();
    let only = (all.len() == 1).then(|| names[0].as_str());
    let wanted = if name.is_empty() {
        names
            .iter()
            .map(String::as_str)
            .find(|name| *name == "api-management")
            .or(only)
    } else {
        Some(name)
    };
    let found = wanted.and_then(|wanted| all.iter().find(|object| object.name_any() == wanted).cloned());
    found.ok_or_else(|| {
        let error = match wanted {
            Some(name) => Error::usage(format!("there is no deployment `{name}` in `{namespace}`")),
            None => Error::usage(format!("which deployment of `{namespace}`?")),
        };
        error.hint(if names.is_empty() {
            "there is none at all; name another namespace with `-n`".into()
        } else {
            format!("there are: {}", names.join(", "))
        })
    })
}

/// The replica sets of a deployment, by revision.
async fn replica_sets(context: &Context, deployment: &DynamicObject) -> Result<BTreeMap<u32, DynamicObject>, Error> {
    let resource = ApiResource::erase::<ReplicaSetObject>(&());
    let sets: Api<DynamicObject> =
        Api::namespaced_with(context.connected.client.clone(), context.namespace(), &resource);
    let all = answers(
        sets.list(&ListParams::default()),
        "list",
        "replicasets",
        context.namespace(),
    )
    .await?;
    let owned = |set: &DynamicObject| {
        set.owner_references()
            .iter()
            .any(|owner| Some(&owner.uid) == deployment.metadata.uid.as_ref())
    };
    Ok(all
        .into_iter()
        .filter(owned)
        .map(|set| (revision(&set), set))
        .filter(|(revision, _)| *revision > 0)
        .collect())
}

fn revision(object: &DynamicObject) -> u32 {
    object
        .annotations()
        .get(REVISION)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// The template of a revision; a revision that is the deployment's own already is left as it is.
async fn give_template(context: &Context, name: &str, to: u32) -> Result<(), Error> {
    let deployment = find(context, name).await?;
    let sets = replica_sets(context, &deployment).await?;
    let Some(set) = sets.get(&to) else {
        // Its number moves when it runs again: a resumed rollback finds it as the newest.
        return if revision(&deployment) > to {
            Ok(())
        } else {
            Err(gone(name, to))
        };
    };
    give(context, deployment, set).await
}

/// The template that ran before the rollback: that of the newest revision but the one that runs now.
async fn give_former(context: &Context, name: &str, to: u32) -> Result<(), Error> {
    let deployment = find(context, name).await?;
    let sets = replica_sets(context, &deployment).await?;
    let now = revision(&deployment);
    if sets.contains_key(&to) {
        // The target still has its old number, so its template was never given.
        return Ok(());
    }
    let former = sets
        .iter()
        .rev()
        .find(|(revision, _)| **revision < now)
        .map(|(_, set)| set);
    give(context, deployment, former.ok_or_else(|| gone(name, now))?).await
}

fn gone(name: &str, revision: u32) -> Error {
    Error::new(
        ExitCode::Midway,
        format!("revision {revision} of deployment `{name}` is gone"),
    )
    .hint("`kubectl rollout history` shows what is kept")
}

async fn give(context: &Context, mut deployment: DynamicObject, set: &DynamicObject) -> Result<(), Error> {
    let mut template = set.data["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    if deployment.data["spec"]["template"] == template {
        return Ok(());
    }
    deployment.data["spec"]["template"] = template;
    // What a revision says of itself, such as the schema it runs on, is told by its replica set and goes back with it.
    let annotations = deployment.annotations_mut();
    annotations.retain(|key, _| NOTES.contains(&key.as_str()));
    annotations.extend(
        set.annotations()
            .iter()
            .filter(|(key, _)| !NOTES.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    if let Some(fields) = deployment.data.as_object_mut() {
        fields.insert("status".into(), Value::Null);
    }
    let name = deployment.name_any();
    let params = PostParams {
        field_manager: Some(MANAGER.into()),
        ..PostParams::default()
    };
    let object = format!("deployment/{name}");
    let (api, namespace) = (deployments(context), context.namespace());
    answers(api.replace(&name, &params, &deployment), "update", &object, namespace).await?;
    // The controller writes its status all the while, so the version that was read is soon an old one.
    for _ in 0..10 {
        let mut latest = answers(api.get(&name), "get", &object, namespace).await?;
        if !hand_over(latest.managed_fields_mut()) {
            break;
        }
        match tokio::time::timeout(DEADLINE, api.replace(&name, &params, &latest)).await {
            Ok(Err(error)) if is_conflict(&error) => {}
            Ok(Err(error)) => return Err(refused(error, "update", &object, namespace)),
            Ok(Ok(_)) | Err(_) => break,
        }
    }
    Ok(())
}

/// Hands the fields that we wrote to the one who applies them, as client-go does when it moves to server-side apply: else
/// the next `helm upgrade` would end in a conflict with us, or leave behind what only the old template had.
fn hand_over(managers: &mut Vec<ManagedFieldsEntry>) -> bool {
    let applies =
        |entry: &ManagedFieldsEntry| entry.operation.as_deref() == Some("Apply") && entry.subresource.is_none();
    let Some(owner) = managers.iter().position(applies) else {
        return false;
    };
    let Some(ours) = managers
        .iter()
        .position(|entry| entry.manager.as_deref() == Some(MANAGER))
    else {
        return false;
    };
    let fields = managers[ours]
        .fields_v1
        .take()
        .map(|fields| fields.0)
        .unwrap_or_default();
    if let Some(theirs) = &mut managers[owner].fields_v1 {
        unite(&mut theirs.0, fields);
    }
    managers.remove(ours);
    true
}

/// The union of two sets of fields.
fn unite(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        for (key, fields) in from {
            unite(
                into.entry(key).or_insert_with(|| Value::Object(serde_json::Map::new())),
                fields,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldsV1;

    use super::*;

    fn entry(manager: &str, operation: &str, fields: Value) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: Some(manager.into()),
            operation: Some(operation.into()),
            fields_v1: Some(FieldsV1(fields)),
            ..ManagedFieldsEntry::default()
        }
    }

    #[test]
    fn helm_owns_again_what_a_rollback_wrote() {
        let mut managers = vec![
            entry(
                "helm",
                "Apply",
                serde_json::json!({"f:spec": {"f:replicas": {}, "f:template": {"f:a": {}}}}),
            ),
            entry(
                MANAGER,
                "Update",
                serde_json::json!({"f:spec": {"f:template": {"f:b": {".": {}}}}}),
            ),
        ];
        assert!(hand_over(&mut managers));
        assert_eq!(managers.len(), 1);
        let expected = serde_json::json!({"f:spec": {"f:replicas": {}, "f:template": {"f:a": {}, "f:b": {".": {}}}}});
        assert_eq!(managers[0].fields_v1.as_ref().unwrap().0, expected);
    }

    #[test]
    fn without_an_applier_nothing_is_handed_over() {
        let mut managers = vec![
            entry("helm", "Update", Value::Null),
            entry(MANAGER, "Update", Value::Null),
        ];
        assert!(!hand_over(&mut managers));
        assert_eq!(managers.len(), 2);
    }

    fn facts() -> DeploymentFacts {
        DeploymentFacts {
            name: "app".into(),
            namespace: "shop".into(),
            current: 3,
            paused: false,
            owner: Some("shop".into()),
            revisions: [(2, vec!["shop:1".to_owned()]), (3, vec!["shop:2".to_owned()])].into(),
            target: Some(2),
            missing: Vec::new(),
            other_configuration: true,
            fit: Fit::Fits,
        }
    }

    #[test]
    fn a_plan_warns_of_what_will_not_go_back_with_the_template() {
        let plan = facts().plan().unwrap();
        assert_eq!((plan.from, plan.to, plan.object.as_str()), (3, 2, "deployment/app"));
        assert_eq!(
            plan.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(),
            ["rollback", "rollout", "verify"]
        );
        for part in ["helm upgrade shop", "another configuration", "shop:1"] {
            assert!(plan.warnings.iter().any(|warning| warning.contains(part)), "{part}");
        }
    }

    #[test]
    fn what_cannot_roll_is_refused() {
        let code = |facts: DeploymentFacts| facts.plan().unwrap_err().code();
        assert_eq!(
            code(DeploymentFacts {
                paused: true,
                ..facts()
            }),
            ExitCode::Wrong
        );
        assert_eq!(
            code(DeploymentFacts {
                target: None,
                ..facts()
            }),
            ExitCode::Wrong
        );
        assert_eq!(
            code(DeploymentFacts {
                target: Some(3),
                ..facts()
            }),
            ExitCode::Usage
        );
        assert_eq!(
            code(DeploymentFacts {
                missing: vec!["configmap/x".into()],
                ..facts()
            }),
            ExitCode::Wrong
        );
        assert_eq!(
            code(DeploymentFacts {
                fit: Fit::DoesNot("x".into()),
                ..facts()
            }),
            ExitCode::Wrong
        );
    }
}
