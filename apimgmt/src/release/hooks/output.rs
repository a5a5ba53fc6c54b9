//! What hooks write: line by line, without secrets, and never more than a person reads.

use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::ListParams};

use super::Surroundings;
use crate::{operation::api::answers, report::progress::Progress, snapshot::Mask};

/// Most lines that are shown of one hook.
const LINES: usize = 200;
/// Longest line that is shown, in letters.
const LONGEST: usize = 500;

/// Shows what a hook writes.
pub(in crate::release) struct Output<'a> {
    name: String,
    progress: &'a Progress,
    /// Nothing when the namespace's Secrets can't be read: then nothing can be shown safely.
    mask: Option<Mask>,
    lines: AtomicUsize,
}

impl<'a> Output<'a> {
    /// Knows the secrets of the namespace.
    pub(in crate::release) async fn of(name: &str, surroundings: &Surroundings<'a>) -> Self {
        let secrets: Api<Secret> =
            Api::namespaced(surroundings.reader.client().clone(), surroundings.reader.namespace());
        // Helm's own records are no credentials, and large.
        let params = ListParams::default().fields("type!=helm.sh/release.v1");
        let listed = answers(
            secrets.list(&params),
            "list",
            "secrets",
            surroundings.reader.namespace(),
        )
        .await;
        let mask = listed.ok().map(|listed| {
            let written: Vec<_> = listed
                .iter()
                .filter_map(|secret| serde_json::to_value(secret).ok())
                .collect();
            Mask::of_secrets(&written)
        });
        if mask.is_none() {
            surroundings.progress.say(&format!(
                "the secrets of the namespace can't be read, so nothing that `{name}` writes is shown"
            ));
        }
        Self {
            name: name.into(),
            progress: surroundings.progress,
            mask,
            lines: AtomicUsize::new(0),
        }
    }

    /// One line.
    pub(in crate::release) fn line(&self, line: &str) {
        let number = self.lines.fetch_add(1, Ordering::Relaxed);
        if self.mask.is_none() || number > LINES {
            return;
        }
        if number == LINES {
            self.progress.say(&format!("{}| … more is not shown", self.name));
        } else {
            self.progress.say(&format!("{}| {}", self.name, self.masked(line)));
        }
    }

    /// Text without secrets, of a bearable length.
    pub(in crate::release) fn masked(&self, text: &str) -> String {
        match &self.mask {
            Some(mask) => mask.apply(text).chars().take(LONGEST).collect(),
            None => "what it says is not shown".into(),
        }
    }
}
