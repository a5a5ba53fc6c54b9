//! Cross-field rules before a change: what can't work is not begun.

use super::phases::SetAside;
use crate::{
    Error,
    report::progress::Progress,
    values::rules::{Breach, Facts, Weight, judge},
};

/// Says what will be regretted, and refuses what can't work unless it was set aside.
///
/// # Errors
/// When a rule that refuses is broken; nothing was changed.
pub(super) fn hold(facts: &Facts, aside: &SetAside, progress: &Progress) -> Result<(), Error> {
    let told = |breach: &Breach| format!("{}: {}: {}", breach.id, breach.object, breach.text);
    let mut refused = Vec::new();
    for breach in judge(facts) {
        match (breach.severity, aside.get(breach.id)) {
            (Weight::Note, _) => {}
            (_, Some(reason)) => progress.say(&format!("set aside ({reason}): {}", told(&breach))),
            (Weight::Warn, None) => progress.say(&format!("warning: {}; {}", told(&breach), breach.fix)),
            (Weight::Refuse, None) => refused.push(breach),
        }
    }
    let Some(first) = refused.first() else {
        return Ok(());
    };
    let lines: Vec<_> = refused
        .iter()
        .map(|breach| format!("{}; {}", told(breach), breach.fix))
        .collect();
    let hint = format!("`--skip-check {} --reason TEXT` goes on all the same", first.id);
    Err(
        Error::usage("what the chart renders can't work, and nothing was changed")
            .because(lines.join("\n"))
            .hint(hint),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::ExitCode;

    #[test]
    fn a_broken_rule_refuses_with_its_fix_unless_it_is_set_aside_and_a_warning_never_does() {
        let autoscaler = json!({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": {"minReplicas": 5, "maxReplicas": 3}});
        let deployment = json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "web:latest"}]}}}});
        let facts = Facts::of([autoscaler, deployment.clone()], Duration::from_mins(5));
        let progress = Progress::silent();
        let error = hold(&facts, &SetAside::new(), &progress).unwrap_err();
        assert_eq!(error.code(), ExitCode::Usage);
        assert!(error.next_step().unwrap().contains("--skip-check autoscaler-range"));
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(
            why,
            "autoscaler-range: horizontalpodautoscaler/web: minReplicas 5 is above maxReplicas 3; Raise `maxReplicas`, or lower `minReplicas`."
        );
        let aside = SetAside::from([("autoscaler-range".to_owned(), "meant so".to_owned())]);
        assert!(hold(&facts, &aside, &progress).is_ok());
        assert!(
            hold(
                &Facts::of([deployment], Duration::from_mins(5)),
                &SetAside::new(),
                &progress
            )
            .is_ok()
        );
    }
}
