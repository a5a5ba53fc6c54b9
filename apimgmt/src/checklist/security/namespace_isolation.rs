//! The namespace has Pod Security labels, a quota and limits, and holds nothing that is foreign to the release.

use std::collections::BTreeSet;

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
        workload::roles,
    },
    snapshot::{
        LabelSelector, Labels, Metadata, Selectors, Snapshot, Source, Unreadable, namespaces::Namespace, roles::Roles,
    },
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/namespace-isolation",
    title: "The namespace is isolated and bounded",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "Without limits and Pod Security one bad pod reaches its neighbours.",
    fix: "Label the namespace with `pod-security.kubernetes.io/enforce=restricted` and give it a ResourceQuota and a LimitRange.",
    reads: &[
        Source::Namespace,
        Source::ResourceQuotas,
        Source::LimitRanges,
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
        Source::Expectations,
    ],
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let name = &snapshot.namespace;
    match row.read(snapshot.own_namespace()) {
        Some(Some(namespace)) => levels(&mut row, namespace),
        Some(None) => {
            row.breach(format!("namespace/{name} does not exist"));
            return Ok(row.verdict(""));
        }
        None => {}
    }
    if let Some(quotas) = row.read(snapshot.resource_quotas()) {
        let bounding = quotas.iter().filter(|quota| !quota.status.hard.is_empty());
        let names = names(bounding.map(|quota| &quota.metadata));
        row.stable(
            Source::ResourceQuotas,
            format!("namespace/{name}"),
            "resource quotas",
            &names,
        );
        if names.is_empty() {
            row.breach(format!("namespace/{name} has no ResourceQuota"));
        }
    }
    if let Some(ranges) = row.read(snapshot.limit_ranges()) {
        let bounding = ranges.iter().filter(|range| !range.spec.limits.is_empty());
        let names = names(bounding.map(|range| &range.metadata));
        row.stable(Source::LimitRanges, format!("namespace/{name}"), "limit ranges", &names);
        if names.is_empty() {
            row.breach(format!("namespace/{name} has no LimitRange"));
        }
    }
    foreigners(&mut row, snapshot);
    Ok(row.verdict(format!("namespace/{name} is bounded and holds the release alone")))
}

fn names<'a>(objects: impl Iterator<Item = &'a Metadata>) -> String {
    objects
        .map(|metadata| metadata.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn levels(row: &mut Clauses<'_>, namespace: &Namespace) {
    let object = format!("namespace/{}", namespace.metadata.name);
    if namespace.status.phase == "Terminating" || namespace.metadata.deletion_timestamp.is_some() {
        row.breach(format!("{object} is being deleted"));
    }
    let level = |mode: &str| {
        let level = namespace.metadata.label(&format!("pod-security.kubernetes.io/{mode}"));
        level.unwrap_or("none").to_owned()
    };
    let enforced = level("enforce");
    row.stable(
        Source::Namespace,
        &object,
        "pod-security.kubernetes.io",
        format!("enforce {enforced}, audit {}, warn {}", level("audit"), level("warn")),
    );
    match enforced.as_str() {
        "baseline" | "restricted" => {}
        "none" => row.breach(format!("{object} has no label pod-security.kubernetes.io/enforce")),
        other => row.breach(format!(
            "{object} enforces Pod Security `{other}`, which is below baseline"
        )),
    }
}

/// What marks an object as the release's: the owner's name in Helm's annotation and in the usual labels.
const MARKS: [&str; 3] = [
    "meta.helm.sh/release-name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/part-of",
];

/// What tells own from foreign: marks that the workloads of the roles carry, their selectors and the document's labels.
struct Kin<'a> {
    marks: BTreeSet<(&'static str, &'a str)>,
    workloads: Vec<&'a str>,
}

impl<'a> Kin<'a> {
    fn of(snapshot: &'a Snapshot, roles: &'a Roles) -> Result<Self, Unreadable> {
        let played = [&roles.application, &roles.database, &roles.cache];
        let workloads: Vec<&str> = played
            .into_iter()
            .flatten()
            .map(|role| role.workload.as_str())
            .collect();
        let deployments = snapshot.deployments()?.iter().map(|one| ("deployment", &one.metadata));
        let stateful_sets = snapshot
            .stateful_sets()?
            .iter()
            .map(|one| ("statefulset", &one.metadata));
        let pods = snapshot.pods()?.iter().map(|one| ("pod", &one.metadata));
        let own = deployments
            .chain(stateful_sets)
            .chain(pods)
            .filter(|(kind, metadata)| workloads.contains(&format!("{kind}/{}", metadata.name).as_str()));
        Ok(Self {
            marks: own.flat_map(|(_, metadata)| marks(metadata)).collect(),
            workloads,
        })
    }

    fn has(&self, object: &str, metadata: &Metadata) -> bool {
        self.workloads.contains(&object)
            || marks(metadata).any(|mark| self.marks.contains(&mark))
            || metadata.labels.contains_key("apimgmt.io/phase")
            || documented(&metadata.labels)
    }
}

fn marks(metadata: &Metadata) -> impl Iterator<Item = (&'static str, &str)> {
    MARKS.into_iter().filter_map(|key| {
        let value = metadata.annotations.get(key).or_else(|| metadata.labels.get(key))?;
        Some((key, value.as_str()))
    })
}

/// The labels that the document's own commands use.
fn documented(labels: &Labels) -> bool {
    let is = |key: &str, values: &[&str]| labels.get(key).is_some_and(|value| values.contains(&value.as_str()));
    is("app", &["api-management", "postgres", "redis"]) || is("component", &["monitoring"])
}

fn foreigners(row: &mut Clauses<'_>, snapshot: &Snapshot) {
    let roles = roles(row, snapshot);
    let (deployments, stateful_sets, pods) = (
        row.read(snapshot.deployments()),
        row.read(snapshot.stateful_sets()),
        row.read(snapshot.pods()),
    );
    let (Some(deployments), Some(stateful_sets), Some(pods)) = (deployments, stateful_sets, pods) else {
        return;
    };
    let Some(kin) = row.read(Kin::of(snapshot, &roles)) else {
        return;
    };
    let workloads = deployments
        .iter()
        .map(|one| ("deployment", &one.metadata, &one.spec.selector))
        .chain(
            stateful_sets
                .iter()
                .map(|one| ("statefulset", &one.metadata, &one.spec.selector)),
        );
    let mut own_selectors: Vec<&LabelSelector> = Vec::new();
    let mut foreign = Vec::new();
    for (kind, metadata, selector) in workloads {
        let object = format!("{kind}/{}", metadata.name);
        if kin.has(&object, metadata) {
            own_selectors.push(selector);
        } else {
            foreign.push((object, selector));
        }
    }
    // A pod of a foreign workload is named by its workload alone.
    let all = own_selectors.iter().chain(foreign.iter().map(|(_, selector)| selector));
    let selectors: Selectors<'_, ()> = all.map(|selector| (*selector, ())).collect();
    let stray = pods
        .iter()
        .filter(|pod| !kin.has(&pod.object(), &pod.metadata) && !selectors.select(&pod.metadata.labels));
    let mut objects: Vec<String> = stray.map(crate::snapshot::Pod::object).collect();
    objects.extend(foreign.iter().map(|(object, _)| object.clone()));
    objects.sort();
    let count = deployments.len() + stateful_sets.len();
    row.stable(
        Source::Deployments,
        format!("namespace/{}", snapshot.namespace),
        "workloads and pods",
        format!(
            "{} and {}, {} foreign",
            counted(count, "workload"),
            counted(pods.len(), "pod"),
            objects.len()
        ),
    );
    if kin.workloads.is_empty() && count + pods.len() > 0 && own_selectors.is_empty() {
        row.unseen("nothing here plays application, database or cache, so own and foreign cannot be told apart");
        return;
    }
    for object in objects {
        row.breach(format!("{object} is foreign to the release"));
    }
}
