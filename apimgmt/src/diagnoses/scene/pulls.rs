//! Failed image pulls, told apart by what the registry or the way to it said.

use super::{Scene, Sighting};
use crate::{
    checklist::Evidence,
    snapshot::{Pod, Unreadable, pods::Waiting, sensitive::named},
};

/// Waiting reasons of a container whose image cannot be had.
const PULLING: &[&str] = &[
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ImageInspectError",
];

/// Why an image could not be pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PullFailure {
    /// The registry does not have it.
    Absent,
    /// The registry wants a login, or another one.
    Denied,
    /// The registry could not be reached.
    Unreachable,
    /// The image exists, but not for the node's processor.
    OtherPlatform,
}

/// Words of container runtimes and registries, lower case; the first that matches decides.
const WORDS: &[(PullFailure, &[&str])] = &[
    (
        PullFailure::OtherPlatform,
        &[
            "no match for platform",
            "no matching manifest for",
            "does not match the specified platform",
        ],
    ),
    (
        PullFailure::Denied,
        &[
            "401 unauthorized",
            "403 forbidden",
            "unauthorized:",
            "access denied",
            "denied:",
            "no basic auth credentials",
            "authorization failed",
            "authentication required",
            "failed to authorize",
        ],
    ),
    (
        PullFailure::Unreachable,
        &[
            "no such host",
            "i/o timeout",
            "connection refused",
            "x509:",
            "tls:",
            "tls handshake",
            "connection reset",
            "network is unreachable",
            "no route to host",
            "context deadline exceeded",
            "registryunavailable",
            "registry is unavailable",
            "http response to https client",
            "dial tcp",
            "toomanyrequests",
            "429 too many requests",
            "503 service unavailable",
            "502 bad gateway",
        ],
    ),
    (
        PullFailure::Absent,
        &[
            "not found",
            "manifest unknown",
            "name unknown",
            "does not exist",
            "couldn't parse image",
            "invalid reference format",
            "not present with pull policy of never",
        ],
    ),
];

/// Why a pull failed, by its message.
pub(crate) fn failure(message: &str) -> Option<PullFailure> {
    let lower = message.to_ascii_lowercase();
    WORDS
        .iter()
        .find(|(_, words)| words.iter().any(|word| lower.contains(word)))
        .map(|(failure, _)| *failure)
}

/// A container that has no image, and what was said about it.
pub(crate) struct Pull<'a> {
    /// Where.
    pub(crate) sighting: Sighting<'a>,
    /// The image as asked for.
    pub(crate) image: &'a str,
    /// What was said.
    pub(crate) message: &'a str,
}

impl<'a> Scene<'a> {
    /// Containers whose image could not be pulled for a reason.
    pub(crate) fn pulls(&self, wanted: PullFailure) -> Result<Vec<Pull<'a>>, Unreadable> {
        // Asked in any case, so that what was read does not depend on what was found.
        let _ = self.snapshot.events();
        let pulls = self.waiting(PULLING)?.filter_map(|(sighting, waiting)| {
            let message = self.pull_message(sighting, waiting);
            let image = sighting
                .pod
                .container(&sighting.status.name)
                .map_or("", |container| &container.image);
            (failure(message) == Some(wanted)).then_some(Pull {
                sighting,
                image,
                message,
            })
        });
        Ok(pulls.collect())
    }

    /// What was said: in the state, or, by kubelets that only say that they back off, in the latest event.
    fn pull_message(&self, sighting: Sighting<'a>, waiting: &'a Waiting) -> &'a str {
        if failure(&waiting.message).is_some() {
            return &waiting.message;
        }
        let failed = self
            .pod_events(sighting.pod)
            .filter(|event| event.reason == "Failed" && event.message.starts_with("Failed to pull image"));
        failed.last().map_or(&waiting.message, |event| &event.message)
    }

    /// The evidence of a failed pull: the state, and the event where only that says why.
    pub(crate) fn pull_evidence(&self, pull: &Pull<'a>) -> Vec<Evidence> {
        let Sighting { pod, status } = pull.sighting;
        let state = pull
            .sighting
            .waiting()
            .map(|waiting| self.waiting_state(pod, &status.name, waiting));
        let event = self
            .pod_events(pod)
            .filter(|event| event.message == pull.message)
            .last();
        state
            .into_iter()
            .chain(event.map(|event| self.event(pod.object(), event)))
            .collect()
    }
}

/// The pull secrets that a pod names, by what they are good for.
#[derive(Default)]
pub(crate) struct PullSecrets<'a> {
    /// Named, but not there.
    pub(crate) absent: Vec<&'a str>,
    /// With a login for the registry.
    pub(crate) fitting: Vec<&'a str>,
    /// There, but with logins for other registries only.
    pub(crate) unfitting: Vec<&'a str>,
}

impl<'a> Scene<'a> {
    /// The pull secrets of a pod for the registry of an image. Where secrets cannot be read, an event of the kubelet
    /// tells which are absent.
    pub(crate) fn pull_secrets(&self, pod: &'a Pod, image: &str) -> PullSecrets<'a> {
        let mut secrets = PullSecrets::default();
        let known = self.snapshot.secrets().ok();
        let event = self
            .pod_events(pod)
            .filter(|event| event.reason == "FailedToRetrieveImagePullSecret")
            .last();
        let told =
            |name: &str| event.is_some_and(|event| event.message.split(['(', ')', ',', ' ']).any(|word| word == name));
        for name in pod
            .spec
            .image_pull_secrets
            .iter()
            .map(|reference| reference.name.as_str())
        {
            match known.map(|known| named(known, name)) {
                Some(None) => secrets.absent.push(name),
                None if told(name) => secrets.absent.push(name),
                None => {}
                Some(Some(secret)) => {
                    let mut registries = secret.facts.values().flat_map(|facts| &facts.registries);
                    let fits = registries
                        .any(|it| it.trim_start_matches("https://").split('/').next() == Some(registry(image)));
                    if fits {
                        &mut secrets.fitting
                    } else {
                        &mut secrets.unfitting
                    }
                    .push(name);
                }
            }
        }
        secrets
    }
}

/// The registry of an image: the part before the first slash where that is a host, else Docker Hub.
pub(crate) fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// The image without tag and digest.
pub(crate) fn repository(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_words_tell_why_a_pull_failed() {
        let is = |message: &str, expected| assert_eq!(failure(message), Some(expected), "{message}");
        is(
            "rpc error: code = NotFound desc = failed to pull and unpack image \"r/a:x\": failed to resolve reference \"r/a:x\": r/a:x: not found",
            PullFailure::Absent,
        );
        is(
            "failed to resolve reference \"r/a:x\": pulling from host r failed with status code [manifests x]: 401 Unauthorized",
            PullFailure::Denied,
        );
        is(
            "pull access denied, repository does not exist or may require authorization",
            PullFailure::Denied,
        );
        is(
            "failed to do request: Head \"https://r/v2/a/manifests/x\": dial tcp: lookup r: no such host",
            PullFailure::Unreachable,
        );
        is(
            "failed to pull and unpack image \"r/a:x\": no match for platform in manifest: not found",
            PullFailure::OtherPlatform,
        );
        assert_eq!(failure("Back-off pulling image \"r/a:x\""), None);
    }

    #[test]
    fn images_have_a_registry_and_a_repository() {
        assert_eq!((registry("nginx:1"), repository("nginx:1")), ("docker.io", "nginx"));
        let image = "registry.sandbox.test:5000/api@sha256:00";
        assert_eq!(
            (registry(image), repository(image)),
            ("registry.sandbox.test:5000", "registry.sandbox.test:5000/api")
        );
    }
}
