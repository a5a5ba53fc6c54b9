//! Cross-field rules: what values must agree on, judged on the objects that a chart renders from them, so that they hold for any chart.

mod autoscaler_owns_replicas;
mod autoscaler_range;
mod cache_can_fork;
mod cache_fits_memory;
mod certificate_covers_hosts;
mod deadline_before_timeout;
mod dns_reachable;
mod evictions_allowed;
mod facts;
mod images_pinned;
mod ingress_ports_declared;
mod pools_fit_database;
mod probe_ports_declared;
mod quota;
mod quota_fits;
mod quota_scales;
mod redis;
mod references_present;
mod selector_matches_template;
mod service_ports_declared;
mod service_selects_pods;
mod settings;
mod volumes_declared;

use serde::Serialize;

pub use facts::Facts;

/// A rule between fields.
pub struct Rule {
    /// Stable id; it names the good state.
    pub id: &'static str,
    /// One line, at most 60 characters.
    pub title: &'static str,
    /// What a breach means.
    pub severity: Weight,
    /// Why it matters: what happens when it does not hold.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// Every breach, from the rendered objects alone.
    pub judge: fn(&Facts) -> Vec<Broken>,
}

/// What the breach of a rule means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It can't work: nothing is changed.
    Refuse,
    /// It works, and will be regretted.
    Warn,
    /// Only the cluster can tell.
    Note,
}

/// Where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    /// `kind/name`.
    pub object: String,
    /// How.
    pub text: String,
}

/// A broken rule, told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// The rule.
    pub id: &'static str,
    /// What it means.
    pub severity: Weight,
    /// `kind/name`.
    pub object: String,
    /// How it is broken.
    pub text: String,
    /// What to do.
    pub fix: &'static str,
}

/// Every rule, by what it is about.
pub const ALL: &[&Rule] = &[
    &pools_fit_database::RULE,
    &cache_fits_memory::RULE,
    &cache_can_fork::RULE,
    &autoscaler_range::RULE,
    &autoscaler_owns_replicas::RULE,
    &quota_fits::RULE,
    &quota_scales::RULE,
    &evictions_allowed::RULE,
    &deadline_before_timeout::RULE,
    &selector_matches_template::RULE,
    &service_selects_pods::RULE,
    &service_ports_declared::RULE,
    &ingress_ports_declared::RULE,
    &certificate_covers_hosts::RULE,
    &dns_reachable::RULE,
    &volumes_declared::RULE,
    &probe_ports_declared::RULE,
    &images_pinned::RULE,
    &references_present::RULE,
];

/// Every breach, the refusing ones first.
pub fn judge(facts: &Facts) -> Vec<Breach> {
    let mut breaches: Vec<_> = ALL
        .iter()
        .flat_map(|rule| {
            (rule.judge)(facts).into_iter().map(|broken| Breach {
                id: rule.id,
                severity: rule.severity,
                object: broken.object,
                text: broken.text,
                fix: rule.fix,
            })
        })
        .collect();
    breaches.sort_by_key(|breach| breach.severity as u8);
    breaches
}

impl Broken {
    fn new(object: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            text: text.into(),
        }
    }
}
