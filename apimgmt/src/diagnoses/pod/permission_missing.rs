//! A container asks the API server for something that its service account may not do.

use std::collections::BTreeMap;

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic, Weight,
        scene::{Scene, clean},
    },
    snapshot::{Pod, Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "permission-missing",
    topic: Topic::Pod,
    symptom: "A pod exits or stays unready, and its log says `forbidden`",
    cause: "No role permits the pod's service account what the program asks of the API server",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs, Source::Logs],
    look,
};

/// What was refused, in the API server's words: `pods is forbidden: User "system:serviceaccount:NS:NAME" cannot list
/// resource "pods" in API group "" in the namespace "NS"`
/// (<https://kubernetes.io/docs/reference/access-authn-authz/authorization/>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Refused {
    namespace: String,
    account: String,
    verb: String,
    /// Resource with its group: `deployments.apps`.
    resource: String,
    /// Where; empty over the whole cluster.
    place: String,
}

impl Refused {
    fn of(line: &str) -> Option<Self> {
        // Logs in JSON write quotes with a backslash.
        let line = clean(&line.replace("\\\"", "\""));
        let rest = &line[line.find("is forbidden: User \"system:serviceaccount:")?..];
        let mut words = rest.split('"');
        let (namespace, account) = words.nth(1)?.strip_prefix("system:serviceaccount:")?.split_once(':')?;
        let verb = words.next()?.trim().strip_prefix("cannot ")?.split(' ').next()?;
        let resource = words.next()?;
        let group = words.nth(1).unwrap_or_default();
        let place = rest
            .split("in the namespace \"")
            .nth(1)
            .and_then(|place| place.split('"').next());
        let is_plain = |word: &str| {
            let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "-./".contains(letter);
            !word.is_empty() && word.chars().all(is_of_name)
        };
        let whole = if group.is_empty() {
            resource.to_owned()
        } else {
            join(resource, group)
        };
        let is_told = [namespace, account, verb, &whole].into_iter().all(is_plain);
        is_told.then(|| Self {
            namespace: namespace.into(),
            account: account.into(),
            verb: verb.into(),
            place: place.unwrap_or_default().into(),
            resource: whole.clone(),
        })
    }
}

/// `deployments.apps`, `deployments.apps/scale`, as kubectl takes them.
fn join(resource: &str, group: &str) -> String {
    match resource.split_once('/') {
        Some((resource, part)) => format!("{resource}.{group}/{part}"),
        None => format!("{resource}.{group}"),
    }
}

/// A line, and the pod, container and run that wrote it.
type Line<'a> = (&'a Pod, &'a str, bool, &'a str);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = scene.snapshot.logs();
    let mut refused: BTreeMap<(String, Refused), Vec<Line<'_>>> = BTreeMap::new();
    for pod in scene.current()?.iter().copied().filter(|pod| !pod.is_ready()) {
        for status in pod.statuses() {
            for previous in [false, true] {
                for line in scene.log(pod, &status.name, previous) {
                    if let Some(what) = Refused::of(line) {
                        let key = (scene.workload(pod), what);
                        let seen = refused.entry(key).or_default();
                        seen.push((pod, status.name.as_str(), previous, line));
                    }
                }
            }
        }
    }
    let findings = refused
        .into_iter()
        .map(|((workload, what), seen)| finding(scene, &workload, &what, &seen));
    Ok(findings.collect())
}

fn finding(scene: &Scene<'_>, workload: &str, what: &Refused, seen: &[Line<'_>]) -> Finding {
    let Refused {
        namespace,
        account,
        verb,
        resource,
        place,
    } = what;
    let whole = place.is_empty();
    let name = format!(
        "{account}-{verb}-{}",
        resource.split(['.', '/']).next().unwrap_or_default()
    );
    let (role, binding, scope) = if whole {
        ("clusterrole", "clusterrolebinding", String::new())
    } else {
        ("role", "rolebinding", format!(" -n {place}"))
    };
    let place = if whole {
        "over the whole cluster".into()
    } else {
        format!("in namespace {place}")
    };
    let object = format!("serviceaccount/{account}");
    Finding::new(
        DIAGNOSIS.id,
        &object,
        format!("{workload} may not {verb} {resource} {place}: no role permits it to {object}"),
    )
    .weighing(Weight::Critical)
    .explaining(seen.iter().map(|(pod, ..)| pod.object()))
    .because(seen.iter().take(3).map(|(pod, container, previous, line)| scene.log_line(pod, container, *previous, line)))
    .not("the API server is not reached", "it answered, and refused")
    .mend(format!(
        "kubectl create {role} {name} --verb={verb} --resource={resource}{scope} && kubectl create {binding} {name} --{role}={name} --serviceaccount={namespace}:{account}{scope}"
    ))
    .mend(format!("kubectl auth can-i {verb} {resource} --as=system:serviceaccount:{namespace}:{account}{scope}"))
}

#[cfg(test)]
mod tests {
    use super::Refused;

    #[test]
    fn refusals_are_read_in_the_words_of_the_api_server() {
        let refused = |line: &str| {
            let it = Refused::of(line)?;
            Some(format!("{} {} {} {}", it.account, it.verb, it.resource, it.place))
        };
        assert_eq!(
            refused(r#"Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:shop:api" cannot list resource "pods" in API group "" in the namespace "shop""#).as_deref(),
            Some("api list pods shop")
        );
        assert_eq!(
            refused(r#"{"message":"deployments.apps \"web\" is forbidden: User \"system:serviceaccount:shop:api\" cannot patch resource \"deployments/scale\" in API group \"apps\" in the namespace \"shop\""}"#).as_deref(),
            Some("api patch deployments.apps/scale shop")
        );
        assert_eq!(
            refused(r#"nodes is forbidden: User "system:serviceaccount:shop:api" cannot watch resource "nodes" in API group "" at the cluster scope"#).as_deref(),
            Some("api watch nodes ")
        );
        assert_eq!(
            refused(r#"pods is forbidden: User "anna" cannot list resource "pods""#),
            None
        );
        assert_eq!(
            refused(
                r#"x is forbidden: User "system:serviceaccount:shop:$(reboot)" cannot list resource "pods" in API group """#
            ),
            None
        );
    }
}
