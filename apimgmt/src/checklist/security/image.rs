//! The images of the release: as they are asked for, and as they run.

use std::collections::BTreeMap;

use crate::snapshot::{PROBE_RUN, Specified, pods::ContainerStatus};

/// An image as it is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// Host of the registry; `docker.io` when none is named.
    pub(super) registry: &'a str,
    /// Repository, without the registry.
    pub(super) repository: &'a str,
    /// Tag, without which and without a digest it is `latest`.
    pub(super) tag: Option<&'a str>,
    /// Digest.
    pub(super) digest: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Reads it as container runtimes do: the first part names a registry when it looks like a host.
    ///
    /// Source: `github.com/distribution/reference`, `splitDockerDomain`.
    pub(super) fn read(image: &'a str) -> Self {
        let (named, digest) = match image.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (image, None),
        };
        let (path, tag) = match named.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (named, None),
        };
        let (registry, repository) = match path.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
            _ => ("docker.io", path),
        };
        Self {
            registry,
            repository,
            tag,
            digest,
        }
    }

    /// Whether it comes from one of the places, each a registry or a registry with the beginning of a path.
    pub(super) fn is_from(&self, places: &[String]) -> bool {
        let whole = format!("{}/{}", self.registry, self.repository);
        places.iter().any(|place| {
            let place = place.trim_end_matches('/');
            whole.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

/// An image, by who asks for it and what is known of its running.
#[derive(Debug, Default)]
pub(super) struct Use<'a> {
    /// The first object that asks for it.
    pub(super) by: String,
    /// Digests that its containers run.
    pub(super) digests: Vec<&'a str>,
    /// Why a container cannot get it: the kubelet's reason, and the pod.
    pub(super) refused: Option<(String, String)>,
    /// A container has got it.
    pub(super) pulled: bool,
}

/// The kubelet's words for an image that does not come.
const REFUSALS: [&str; 6] = [
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
];

/// Every image that a pod or template asks for, without those of probes.
pub(super) fn used<'a>(specified: &'a [Specified<'_>]) -> BTreeMap<&'a str, Use<'a>> {
    let mut images: BTreeMap<&str, Use<'_>> = BTreeMap::new();
    for one in specified {
        if one.metadata.labels.contains_key(PROBE_RUN) {
            continue;
        }
        for container in one.spec.init_containers.iter().chain(&one.spec.containers) {
            let entry = images.entry(&container.image).or_default();
            if entry.by.is_empty() {
                entry.by.clone_from(&one.object);
            }
            let status = one
                .pod
                .and_then(|pod| pod.statuses().find(|status| status.name == container.name));
            if let Some(status) = status {
                take(entry, &one.object, status);
            }
        }
    }
    images
}

fn take<'a>(entry: &mut Use<'a>, pod: &str, status: &'a ContainerStatus) {
    if let Some(waiting) = &status.state.waiting
        && REFUSALS.contains(&waiting.reason.as_str())
    {
        entry.refused.get_or_insert((waiting.reason.clone(), pod.to_owned()));
    }
    entry.pulled |= !status.image_id.is_empty();
    // `REPOSITORY@sha256:…` of what came from a registry; an image that was carried in has only its configuration's digest.
    if let Some((_, digest)) = status.image_id.split_once('@')
        && !entry.digests.contains(&digest)
    {
        entry.digests.push(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[test]
    fn images_are_read_as_container_runtimes_read_them() {
        let read = |image| {
            let Reference {
                registry,
                repository,
                tag,
                digest,
            } = Reference::read(image);
            (registry, repository, tag, digest)
        };
        assert_eq!(read("redis"), ("docker.io", "redis", None, None));
        assert_eq!(read("library/redis:7"), ("docker.io", "library/redis", Some("7"), None));
        assert_eq!(
            read("host:5000/a/b:1@sha256:c"),
            ("host:5000", "a/b", Some("1"), Some("sha256:c"))
        );
        assert_eq!(read("host:5000/a"), ("host:5000", "a", None, None));
        assert_eq!(read("localhost/a"), ("localhost", "a", None, None));
    }

    #[test]
    fn a_place_is_a_whole_part_of_the_path() {
        let places = ["quay.io/team".to_owned()];
        assert!(Reference::read("quay.io/team/app:1").is_from(&places));
        assert!(!Reference::read("quay.io/teammate/app:1").is_from(&places));
        assert!(!Reference::read("evil.io/quay.io/team/app").is_from(&places));
    }
}
