//! Pods whose environment has a password from before its Secret was changed: variables are read when a container starts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Said, Scene,
    logins::{PasswordKey, started_at},
    servers::Server,
};
use crate::{
    diagnoses::{Directness, Finding},
    signatures::Answer,
    snapshot::{Source, collect::Words},
};

/// The Secret's password is accepted now, and pods that were started before it was changed are refused: one finding for
/// each workload.
pub(crate) fn findings<'a, T>(
    scene: &Scene<'a>,
    server: &Server<'a, T>,
    id: &'static str,
    words: &Words,
) -> Vec<Finding> {
    let mut old: BTreeMap<String, (PasswordKey<'a>, Timestamp, Vec<Said<'a>>)> = BTreeMap::new();
    for said in scene.complaints(server.family, &[Answer::PasswordRefused]) {
        let key = scene.password_key(&said.pod.spec, words);
        let changed = key.as_ref().and_then(PasswordKey::changed_at);
        let (Some(key), Some(changed), Some(started)) = (key, changed, started_at(said.pod)) else {
            continue;
        };
        if started < changed {
            let (.., seen) = old
                .entry(scene.workload(said.pod))
                .or_insert_with(|| (key, changed, Vec::new()));
            seen.push(said);
        }
    }
    let finding = |(workload, (key, changed, seen)): (String, (PasswordKey<'a>, Timestamp, Vec<Said<'a>>))| {
        let secret = format!("secret/{}", key.secret);
        let started = seen.iter().filter_map(|said| started_at(said.pod)).min();
        Finding::new(
            id,
            &workload,
            format!(
                "{workload} still has the password of before {secret} (key {}) was changed at {changed}: {} accepts the new one, and refuses the old",
                key.key, server.object
            ),
        )
        .shown(Directness::Compared)
        .explaining(seen.iter().map(|said| said.pod.object()))
        .because([scene.field(Source::Secrets, &secret, "changed at", changed)])
        .because(started.map(|at| scene.field(Source::Pods, seen[0].pod.object(), "state.running.startedAt", at)))
        .because([scene.told(server, "login", "the Secret's present password is accepted")])
        .because(scene.said(&seen))
        .not("the Secret holds a wrong password", "it was tried and accepted")
        .mend(format!("kubectl rollout restart {workload} -n {}", scene.namespace()))
    };
    old.into_iter().map(finding).collect()
}
