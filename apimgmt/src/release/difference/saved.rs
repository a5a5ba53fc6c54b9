//! A plan in a file: what was shown, and by what to tell that applying it would still do just that.
//!
//! The file holds digests, never a rendered Secret; flags are kept as they were given, so it is written for its owner alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use kube::{Api, Client};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Difference, Rendered, fields};
use crate::{
    Error,
    operation::api::{answers, maybe},
    release::{
        Helm,
        change::{Change, Verb},
        served::Served,
        store::{Entry, Status},
    },
    values::Profile,
};

/// What Kubernetes itself writes into every object.
const VOLATILE: [&str; 5] = [
    "resourceVersion",
    "generation",
    "managedFields",
    "uid",
    "creationTimestamp",
];

/// A plan that was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedPlan {
    /// Version of this shape.
    pub schema: String,
    /// Install or upgrade.
    pub verb: Verb,
    /// Release.
    pub release: String,
    /// Chart.
    pub chart: String,
    /// Helm's own flags.
    pub flags: Vec<String>,
    /// Namespace.
    pub namespace: String,
    /// Id of the cluster: of its namespace `kube-system`.
    pub cluster: String,
    /// Newest revision, and its state.
    pub from: u32,
    /// The state of that revision.
    pub status: Status,
    /// Digest of everything that was rendered, but for what is made at random.
    rendered: String,
    /// Fields that each rendering makes anew, such as first passwords.
    random: BTreeSet<String>,
    /// Digests of the objects in the cluster that would change.
    live: BTreeMap<String, String>,
    /// What was shown.
    pub difference: Difference,
}

impl SavedPlan {
    /// Makes one of what was just compared.
    ///
    /// # Errors
    /// When Helm can't render a second time, or the cluster can't be read.
    pub(in crate::release) async fn of(
        (change, namespace): (&Change, &str),
        newest: Option<Entry>,
        (wanted, difference): (&Rendered, Difference),
        helm: &Helm,
        client: &Client,
    ) -> Result<Self, Error> {
        let again = Rendered::wanted(helm, change).await?;
        let random = random(wanted, &again);
        Ok(Self {
            schema: "apimgmt.plan/v1".into(),
            verb: change.verb,
            release: change.release.clone(),
            chart: absolute(&change.chart),
            flags: flags(&change.profiles, &change.helm),
            namespace: namespace.into(),
            cluster: cluster(client).await?,
            from: newest.map_or(0, |entry| entry.revision),
            status: newest.map_or(Status::Unknown, |entry| entry.status),
            rendered: digest(wanted, &random),
            random,
            live: live(client, namespace, wanted).await?,
            difference,
        })
    }

    /// Writes it, readable by its owner alone.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, file: &Path) -> Result<(), Error> {
        let could_not = |error| Error::could_not(format!("could not write `{}`", file.display())).because(error);
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(file);
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        opened
            .and_then(|mut opened| opened.write_all(text.as_bytes()))
            .map_err(could_not)
    }

    /// Reads one.
    ///
    /// # Errors
    /// When there is none, or it is something else.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let no_plan = || {
            Error::usage(format!("`{}` is no plan", file.display()))
                .hint("`helm apimgmt diff --plan-file FILE` writes one")
        };
        let text = std::fs::read_to_string(file)
            .map_err(|error| Error::usage(format!("could not read `{}`", file.display())).because(error))?;
        let plan: Self = serde_json::from_str(&text).map_err(|error| no_plan().because(error))?;
        if plan.schema == "apimgmt.plan/v1" {
            Ok(plan)
        } else {
            Err(no_plan())
        }
    }

    /// Refuses unless applying it would do just what was shown.
    ///
    /// # Errors
    /// When the cluster is another one, or the release, an object in the cluster, the chart or the values moved meanwhile.
    pub(in crate::release) async fn still_holds(
        &self,
        newest: Option<Entry>,
        wanted: &Rendered,
        client: &Client,
    ) -> Result<(), Error> {
        let moved = |what: String| {
            Err(Error::new(
                crate::ExitCode::Wrong,
                format!("{what} since the plan was made, and nothing was changed"),
            )
            .hint("make a new plan: `helm apimgmt diff --plan-file FILE`"))
        };
        if cluster(client).await? != self.cluster {
            return moved(format!(
                "this is another cluster than the plan's for release/{}",
                self.release
            ));
        }
        let now = newest.map_or((0, Status::Unknown), |entry| (entry.revision, entry.status));
        if now != (self.from, self.status) {
            return moved(format!(
                "release/{} has moved from revision {} ({}) to {} ({})",
                self.release,
                self.from,
                self.status.word(),
                now.0,
                now.1.word()
            ));
        }
        let live = live(client, &self.namespace, wanted).await?;
        let names: BTreeSet<_> = live.keys().chain(self.live.keys()).collect();
        let other: Vec<_> = names
            .into_iter()
            .filter(|name| live.get(*name) != self.live.get(*name))
            .cloned()
            .collect();
        if !other.is_empty() {
            return moved(format!("{} changed in the cluster", other.join(", ")));
        }
        if digest(wanted, &self.random) != self.rendered {
            return moved("what the chart and the values render has changed".into());
        }
        Ok(())
    }
}

/// Every leaf of what is rendered, by object and path.
fn leaves(rendered: &Rendered) -> BTreeMap<String, String> {
    let mut found = Vec::new();
    for (name, object) in &rendered.objects {
        fields::leaves(&format!("{name} "), &object.body, &mut found);
    }
    found.into_iter().collect()
}

/// What differs between two renderings of the same.
fn random(first: &Rendered, second: &Rendered) -> BTreeSet<String> {
    let (first, second) = (leaves(first), leaves(second));
    let names = first.keys().chain(second.keys());
    names
        .filter(|name| first.get(*name) != second.get(*name))
        .cloned()
        .collect()
}

fn digest(rendered: &Rendered, random: &BTreeSet<String>) -> String {
    let mut digest = Sha256::new();
    for (name, value) in leaves(rendered).iter().filter(|(name, _)| !random.contains(*name)) {
        // The lengths keep two neighbours from being taken for others.
        digest.update(format!("{} {} {name}{value}", name.len(), value.len()));
    }
    format!("{:x}", digest.finalize())
}

/// Digests of what is in the cluster of the objects that are rendered. Values of Secrets don't count; their version does.
async fn live(client: &Client, namespace: &str, rendered: &Rendered) -> Result<BTreeMap<String, String>, Error> {
    let bodies: Vec<_> = rendered
        .objects
        .values()
        .filter(|object| !object.hook)
        .map(|object| &object.body)
        .collect();
    let served = Served::of(client, bodies.iter().copied()).await;
    let scaled: BTreeSet<_> = bodies.iter().filter_map(|body| scale_target(body)).collect();
    let mut digests = BTreeMap::new();
    for (name, object) in rendered.objects.iter().filter(|(_, object)| !object.hook) {
        let Some(api) = served.api(client, namespace, &object.body) else {
            continue;
        };
        let plain = object.body["metadata"]["name"].as_str().unwrap_or_default();
        let Some(found) = maybe(api.get(plain), "get", name, namespace).await? else {
            continue;
        };
        let mut found = serde_json::to_value(found).unwrap_or_default();
        let is_secret = name.starts_with("secret/");
        if let Some(body) = found.as_object_mut() {
            body.remove("status");
            if is_secret {
                body.remove("data");
            }
        }
        if let Some(metadata) = found["metadata"].as_object_mut() {
            metadata.retain(|key, _| (is_secret && key == "resourceVersion") || !VOLATILE.contains(&key.as_str()));
        }
        if let Some(annotations) = found["metadata"]["annotations"].as_object_mut() {
            // Controllers count there.
            annotations.retain(|key, _| {
                !key.starts_with("deployment.kubernetes.io/") && !key.starts_with("pv.kubernetes.io/")
            });
        }
        if scaled.contains(name)
            && let Some(spec) = found["spec"].as_object_mut()
        {
            spec.remove("replicas");
        }
        digests.insert(name.clone(), format!("{:x}", Sha256::digest(found.to_string())));
    }
    Ok(digests)
}

/// What an autoscaler scales, as `deployment/x`.
fn scale_target(body: &Value) -> Option<String> {
    let target = &body["spec"]["scaleTargetRef"];
    Some(format!(
        "{}/{}",
        target["kind"].as_str()?.to_lowercase(),
        target["name"].as_str()?
    ))
}

async fn cluster(client: &Client) -> Result<String, Error> {
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    let found = answers(
        namespaces.get_metadata("kube-system"),
        "get",
        "namespace/kube-system",
        "",
    )
    .await?;
    Ok(found.metadata.uid.unwrap_or_default())
}

fn absolute(path: &str) -> String {
    std::fs::canonicalize(path).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

/// Flags that a later run understands: a profile is named as it was, since what it became was only in our memory.
fn flags(profiles: &[Profile], helms: &[String]) -> Vec<String> {
    let paths: Vec<_> = profiles
        .iter()
        .map(|profile| format!("--values={}", profile.path()))
        .collect();
    let variables = profiles.first().into_iter().flat_map(|profile| &profile.variables);
    let variables = variables.map(|name| format!("--env={}", absolute(name)));
    let named = profiles
        .iter()
        .map(|profile| format!("--profile={}", absolute(&profile.name)));
    let helms = helms.iter().filter(|flag| !paths.contains(flag));
    variables
        .chain(named)
        .chain(helms.map(|flag| with_absolute_files(flag)))
        .collect()
}

/// Files are named so that they are found from any folder.
fn with_absolute_files(flag: &str) -> String {
    match flag.strip_prefix("--values=") {
        Some(files) => format!(
            "--values={}",
            files.split(',').map(absolute).collect::<Vec<_>>().join(",")
        ),
        None => flag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{release::values::beneath, values::Variables};

    #[test]
    fn a_plan_names_the_profile_and_never_what_it_became() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            absolute(&folder.path().join(name).display().to_string())
        };
        let (template, variables) = (
            file("p.hbs", "a: {{quote secret}}\n"),
            file("env.yaml", "secret: hunter2\n"),
        );
        let values = file("values.yaml", "b: 1\n");
        let read = Variables::read([variables.as_str()]).unwrap();
        let profiles = [Profile::read(&template, &read, |_| None).unwrap()];
        let given = beneath(&profiles, &[format!("--values={values}"), "--set=c=1".into()]);
        assert_eq!(
            flags(&profiles, &given),
            [
                format!("--env={variables}"),
                format!("--profile={template}"),
                format!("--values={values}"),
                "--set=c=1".into()
            ]
        );
    }
}
