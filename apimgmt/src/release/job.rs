//! How a Job ended, by the controller's word.

use k8s_openapi::api::batch::v1::JobStatus;

/// Whether it did its work; nothing while it is at it.
pub(super) fn succeeded(status: &JobStatus) -> Option<bool> {
    let is = |kind: &str| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.any(|condition| condition.type_ == kind && condition.status == "True")
    };
    if is("Complete") {
        Some(true)
    } else {
        is("Failed").then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::succeeded;

    #[test]
    fn only_a_condition_that_is_true_ends_a_job() {
        let of = |kind: &str, status: &str| {
            let status = json!({"failed": 1, "conditions": [{"type": "Suspended", "status": "False"}, {"type": kind, "status": status}]});
            succeeded(&serde_json::from_value(status).unwrap())
        };
        assert_eq!(of("Complete", "True"), Some(true));
        assert_eq!(of("Failed", "True"), Some(false));
        assert_eq!(of("Failed", "False"), None, "a pod of it failed, and it tries again");
        assert_eq!(succeeded(&serde_json::from_value(json!({})).unwrap()), None);
    }
}
