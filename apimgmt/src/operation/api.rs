//! Requests of a change: each has a deadline, and a refusal names the verb, the object and the place.

use std::time::Duration;

use crate::Error;

/// Longest wait for one answer of the API server.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for an answer.
///
/// # Errors
/// When there is none in time, or it is a refusal.
pub async fn answers<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
    verb: &str,
    object: &str,
    namespace: &str,
) -> Result<T, Error> {
    match tokio::time::timeout(DEADLINE, request).await {
        Ok(answer) => answer.map_err(|error| refused(error, verb, object, namespace)),
        Err(_) => Err(Error::could_not(format!(
            "could not {verb} `{object}`{}: no answer within {} s",
            place(namespace),
            DEADLINE.as_secs()
        ))
        .hint("look at the API server, or at what stands between: `kubectl get --raw /readyz?verbose`")),
    }
}

/// An answer that may be "there is none".
///
/// # Errors
/// As [`answers`], but for an absent object.
pub async fn maybe<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
    verb: &str,
    object: &str,
    namespace: &str,
) -> Result<Option<T>, Error> {
    let found = async {
        match request.await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    };
    answers(found, verb, object, namespace).await
}

/// Turns a refusal into an error that says what to do.
pub fn refused(error: kube::Error, verb: &str, object: &str, namespace: &str) -> Error {
    let place = place(namespace);
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            let plural = object.split('/').next().unwrap_or(object);
            Error::could_not(format!("not permitted to {verb} `{object}`{place}"))
                .because(status.message.clone())
                .hint(format!(
                    "ask for the permission; `kubectl auth can-i {verb} {plural}{}` tells",
                    flag(namespace)
                ))
        }
        kube::Error::Api(status) if status.code == 401 => Error::could_not("the API server refuses these credentials")
            .because(status.message.clone())
            .hint("log in again, or name other credentials in the kubeconfig"),
        kube::Error::Api(status) => {
            Error::could_not(format!("could not {verb} `{object}`{place}")).because(status.message.clone())
        }
        other => Error::could_not(format!(
            "could not {verb} `{object}`{place}: the API server can't be reached"
        ))
        .because(other)
        .hint("`kubectl cluster-info` shows where the kubeconfig leads"),
    }
}

/// Whether somebody else changed the object meanwhile.
pub fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

fn place(namespace: &str) -> String {
    if namespace.is_empty() {
        String::new()
    } else {
        format!(" in `{namespace}`")
    }
}

fn flag(namespace: &str) -> String {
    if namespace.is_empty() {
        String::new()
    } else {
        format!(" -n {namespace}")
    }
}
