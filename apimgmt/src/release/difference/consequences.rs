//! What follows from a difference: other images, a migration, what is away meanwhile, what the API server will refuse.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Action, Difference, Rendered};

/// Annotation of the application's deployment: the schema that its migrations go up to.
const TARGET: &str = "apimgmt.io/schema-target";

/// A container that runs another image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageChange {
    /// `deployment/api-management`.
    pub object: String,
    /// Container.
    pub container: String,
    /// What it runs.
    pub old: String,
    /// What it will run.
    pub new: String,
}

/// The schema goes from one version to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// What the deployed revision migrates to.
    pub from: String,
    /// What the wanted one migrates to.
    pub to: String,
}

/// Fields that the API server never lets change, by kind.
const FIXED: &[(&str, &[&str])] = &[
    ("deployment", &["spec.selector"]),
    ("daemonset", &["spec.selector"]),
    (
        "statefulset",
        &[
            "spec.selector",
            "spec.serviceName",
            "spec.volumeClaimTemplates",
            "spec.podManagementPolicy",
        ],
    ),
    ("job", &["spec.template", "spec.selector", "spec.completions"]),
    (
        "persistentvolumeclaim",
        &["spec.accessModes", "spec.storageClassName", "spec.volumeName"],
    ),
    ("service", &["spec.clusterIP"]),
    ("storageclass", &["provisioner", "parameters", "reclaimPolicy"]),
];

/// Writes them into the difference.
pub(super) fn tell(difference: &mut Difference, before: &Rendered, wanted: &Rendered) {
    difference.images = images(before, wanted);
    difference.migration = Migration::between(before, wanted);
    difference.downtime = downtime(difference, before, wanted);
    for change in difference
        .changes
        .iter()
        .filter(|change| change.action == Action::Change && !change.hook)
    {
        let kind = change.object.split('/').next().unwrap_or_default();
        let fixed = FIXED
            .iter()
            .find(|(of, _)| *of == kind)
            .map_or(&[][..], |(_, fields)| fields);
        for field in &change.fields {
            if fixed.iter().any(|fixed| field.path.starts_with(fixed)) {
                difference.warnings.push(format!(
                    "{}: `{}` can't be changed on an object that exists; the API server will refuse the upgrade",
                    change.object, field.path
                ));
                break;
            }
        }
    }
    for change in difference
        .changes
        .iter()
        .filter(|change| change.action == Action::Remove)
    {
        if change.object.starts_with("persistentvolumeclaim/") && !keeps(before, &change.object) {
            difference
                .warnings
                .push(format!("{} goes, and its data with it", change.object));
        }
    }
}

fn keeps(before: &Rendered, object: &str) -> bool {
    before
        .objects
        .get(object)
        .is_some_and(|object| object.body["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep")
}

fn containers(template: &Value) -> impl Iterator<Item = (&str, &str)> {
    let of = |list: &'static str| template["spec"][list].as_array().into_iter().flatten();
    of("initContainers")
        .chain(of("containers"))
        .filter_map(|container| Some((container["name"].as_str()?, container["image"].as_str()?)))
}

fn images(before: &Rendered, wanted: &Rendered) -> Vec<ImageChange> {
    let mut changes = Vec::new();
    for (object, template, _) in wanted.templates() {
        let Some((_, former, _)) = before.templates().find(|(name, ..)| *name == object) else {
            continue;
        };
        for (container, new) in containers(template) {
            let old = containers(former).find(|(name, _)| *name == container);
            if let Some((_, old)) = old.filter(|(_, old)| *old != new) {
                changes.push(ImageChange {
                    object: object.into(),
                    container: container.into(),
                    old: old.into(),
                    new: new.into(),
                });
            }
        }
    }
    changes
}

impl Migration {
    /// What both revisions say of their schema, when they say different things.
    pub(in crate::release) fn between(before: &Rendered, wanted: &Rendered) -> Option<Self> {
        let target = |rendered: &Rendered| {
            rendered.objects.values().find_map(|object| {
                let target = &object.body["metadata"]["annotations"][TARGET];
                target.as_str().map(str::to_owned)
            })
        };
        let (from, to) = (target(before)?, target(wanted)?);
        (from != to).then_some(Self { from, to })
    }
}

/// What one pod alone serves is away while that pod is replaced.
fn downtime(difference: &Difference, before: &Rendered, wanted: &Rendered) -> Vec<String> {
    let mut told = Vec::new();
    for (object, template, body) in wanted.templates() {
        let Some((_, former, _)) = before.templates().find(|(name, ..)| *name == object) else {
            continue;
        };
        let kind = object.split('/').next().unwrap_or_default();
        if template == former || !["deployment", "statefulset"].contains(&kind) {
            continue;
        }
        let scaled = wanted.objects.values().any(|it| {
            let target = &it.body["spec"]["scaleTargetRef"];
            target["kind"].as_str().is_some_and(|it| it.to_lowercase() == kind)
                && target["name"] == body["metadata"]["name"]
        });
        let replicas = body["spec"]["replicas"].as_i64().unwrap_or(1);
        if body["spec"]["strategy"]["type"] == "Recreate" {
            told.push(format!(
                "{object} ends every pod before it starts new ones (strategy Recreate)"
            ));
        } else if kind == "statefulset" && replicas <= 1 {
            told.push(format!(
                "{object} replaces its only pod: what it serves is away until the new one is ready"
            ));
        } else if kind == "deployment"
            && replicas == 1
            && !scaled
            && loses_all(&body["spec"]["strategy"]["rollingUpdate"])
        {
            told.push(format!(
                "{object} has one pod and lets it go before the new one is ready"
            ));
        }
    }
    let gone = difference
        .changes
        .iter()
        .filter(|change| change.action == Action::Remove);
    told.extend(
        gone.filter(|change| change.object.starts_with("deployment/") || change.object.starts_with("statefulset/"))
            .map(|change| format!("{} goes", change.object)),
    );
    told
}

/// Whether a rolling update may have none of one pod: `maxUnavailable` of at least 1; its default, 25 %, is rounded down.
fn loses_all(strategy: &Value) -> bool {
    match &strategy["maxUnavailable"] {
        Value::Number(count) => count.as_i64().unwrap_or(0) >= 1,
        Value::String(text) => text.trim() == "100%",
        _ => false,
    }
}
