//! What can go wrong with a read, and which of it ends the whole run.

use std::{error::Error as _, io};

use super::api_server::chain;
use crate::{
    Error,
    snapshot::{Why, hostile},
};

/// Why a read did not come to an end.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no such object, or no such API.
    Absent,
    /// The continue token of a list has expired.
    Expired,
    /// The connection was cut; trying again may help.
    Cut(String),
    /// This source cannot be read.
    Unreadable(Why),
    /// Nothing of this cluster can be read.
    Fatal(Error),
}

impl Trouble {
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::Unreadable(Why::Failed(message.into()))
    }

    pub(super) fn session(message: impl Into<String>) -> Self {
        Self::Unreadable(Why::Session(message.into()))
    }

    /// An object that is not of its kind's shape.
    pub(super) fn misfit(error: &serde_json::Error) -> Self {
        Self::failed(hostile::line(&format!("an object does not fit its kind: {error}")))
    }

    /// Nothing came back at all.
    pub(super) fn silent(server: &str) -> Self {
        Self::Fatal(
            Error::could_not(format!("could not read the cluster at {server}: no answer in time"))
                .hint("is the API server overloaded or behind a firewall? `kubectl get --raw /readyz` asks it; `--deadline` waits longer"),
        )
    }

    /// The credentials were refused.
    pub(super) fn unauthorized(server: &str, context: &str) -> Self {
        Self::Fatal(
            Error::could_not(format!(
                "the API server at {server} refused the credentials{}",
                of_context(context)
            ))
            .hint("they may have expired: log in again, then try `kubectl auth whoami`"),
        )
    }

    /// The first request could not be sent.
    pub(super) fn unreachable(server: &str, context: &str, error: &kube::Error) -> Self {
        if let kube::Error::Auth(_) = error {
            return Self::Fatal(
                Error::could_not(format!("could not get credentials{}", of_context(context)))
                    .hint("run the login command of this context again, then try `kubectl auth whoami`")
                    .because(hostile::line(&chain(error))),
            );
        }
        let reasons = chain(error);
        let hint = match kind_of(error) {
            _ if reasons.contains("certificate") => {
                "the server's certificate is not signed by the kubeconfig's authority: has the cluster been made anew?"
            }
            Some(io::ErrorKind::ConnectionRefused) => {
                "nothing listens there: is the cluster up, and is it the right context?"
            }
            _ => "is it the right context (`kubectl config current-context`), and is the network or VPN up?",
        };
        Self::Fatal(
            Error::could_not(format!(
                "could not reach the cluster at {server}{}",
                of_context(context)
            ))
            .hint(hint)
            .because(hostile::line(&reasons)),
        )
    }
}

fn of_context(context: &str) -> String {
    if context.is_empty() {
        String::new()
    } else {
        format!(" (context `{}`)", hostile::line(context))
    }
}

/// The kind of the input/output error at the bottom.
fn kind_of(error: &kube::Error) -> Option<io::ErrorKind> {
    let mut reason = error.source();
    let mut kind = None;
    while let Some(next) = reason {
        if let Some(error) = next.downcast_ref::<io::Error>() {
            kind = Some(error.kind());
        }
        reason = next.source();
    }
    kind
}
