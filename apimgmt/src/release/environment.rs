//! What Helm hands a plugin by environment, turned into our connection and into arguments for the Helm we run.

use std::{collections::BTreeSet, ffi::OsString, path::PathBuf};

use super::flags::Sorted;
use crate::{Error, connection::Connection};

/// The namespace of a release when nobody names one.
pub const DEFAULT_NAMESPACE: &str = "integration-api-management";

/// How the cluster is reached, in Helm's words and in ours.
#[derive(Clone, Default)]
pub struct Environment {
    /// Our own way to the API server.
    pub connection: Connection,
    /// The namespace of the release.
    pub namespace: String,
    /// `HELM_BIN` as Helm set it: a path, or a bare name.
    pub binary: Option<String>,
    /// Folder of the installed plugin.
    pub plugin: Option<PathBuf>,
    /// A token of our own command line; one of Helm's is inherited by environment.
    pub token: Option<OsString>,
}

impl Environment {
    /// Reads what Helm set, through `get`.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| get(name).filter(|value| !value.is_empty());
        // A group named before the plugin's own name arrives twice.
        let mut seen = BTreeSet::new();
        let groups = set("HELM_KUBEASGROUPS").unwrap_or_default();
        let groups = groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned);
        let connection = Connection {
            context: set("HELM_KUBECONTEXT"),
            server: set("HELM_KUBEAPISERVER"),
            token: set("HELM_KUBETOKEN").map(Into::into),
            impersonate: set("HELM_KUBEASUSER"),
            impersonate_groups: groups.filter(|group| seen.insert(group.clone())).collect(),
            certificate_authority: set("HELM_KUBECAFILE").map(PathBuf::from),
            insecure_skip_tls_verify: set("HELM_KUBEINSECURE_SKIP_TLS_VERIFY").is_some_and(|value| value == "true"),
            tls_server_name: set("HELM_KUBETLS_SERVER_NAME"),
            ..Connection::default()
        };
        // Helm resolves the namespace before it calls us, and says `default` when nobody named one.
        let namespace = set("HELM_NAMESPACE").filter(|name| name != "default");
        Self {
            connection,
            namespace: namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.into()),
            binary: set("HELM_BIN"),
            plugin: set("HELM_PLUGIN_DIR").map(PathBuf::from),
            token: None,
        }
    }

    /// Takes what our own command line says: it wins over what Helm set.
    ///
    /// # Errors
    /// When a switch is neither on nor off.
    pub fn apply(&mut self, line: &Sorted) -> Result<(), Error> {
        let text = |long: &str| line.last(long).map(str::to_owned);
        let connection = &mut self.connection;
        let set = |place: &mut Option<String>, value: Option<String>| {
            if value.is_some() {
                *place = value;
            }
        };
        set(&mut connection.context, text("kube-context"));
        set(&mut connection.server, text("kube-apiserver"));
        set(&mut connection.impersonate, text("kube-as-user"));
        set(&mut connection.tls_server_name, text("kube-tls-server-name"));
        if let Some(file) = text("kubeconfig") {
            connection.kubeconfig = Some(file.into());
        }
        if let Some(file) = text("kube-ca-file") {
            connection.certificate_authority = Some(file.into());
        }
        if let Some(token) = text("kube-token") {
            self.token = Some(token.clone().into());
            connection.token = Some(token.into());
        }
        for group in line.all("kube-as-group") {
            if !connection.impersonate_groups.iter().any(|known| known == group) {
                connection.impersonate_groups.push(group.into());
            }
        }
        if let Some(on) = line.switch("kube-insecure-skip-tls-verify")? {
            connection.insecure_skip_tls_verify = on;
        }
        if let Some(namespace) = text("namespace") {
            self.namespace = namespace;
        }
        Ok(())
    }

    /// Makes sure that a Helm we start can be led to the same cluster as the same user.
    ///
    /// # Errors
    /// When kubectl was given a flag that Helm has no word for: it would act elsewhere, or as somebody else.
    pub fn has_words_for_helm(&self) -> Result<(), Error> {
        let connection = &self.connection;
        let wordless = [
            ("--cluster", connection.cluster.is_some()),
            ("--user", connection.user.is_some()),
            ("--client-certificate", connection.client_certificate.is_some()),
            ("--client-key", connection.client_key.is_some()),
            ("--as-uid", connection.impersonate_uid.is_some()),
            ("--as-user-extra", !connection.impersonate_extra.is_empty()),
        ];
        match wordless.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(
                Error::usage(format!("Helm has no word for `{flag}`, and would act without it"))
                    .hint("put it into a context, `kubectl config set-context`, and name that with `--context`"),
            ),
            None => Ok(()),
        }
    }

    /// The arguments that lead a Helm we start to the same cluster; a token travels by environment, where `ps` can't see it.
    pub fn arguments(&self) -> Vec<OsString> {
        let connection = &self.connection;
        let mut arguments: Vec<OsString> = vec!["--namespace".into(), self.namespace.clone().into()];
        let mut add = |flag: &str, value: Option<OsString>| {
            if let Some(value) = value {
                arguments.extend([flag.into(), value]);
            }
        };
        add("--kubeconfig", connection.kubeconfig.clone().map(Into::into));
        add("--kube-context", connection.context.clone().map(Into::into));
        add("--kube-apiserver", connection.server.clone().map(Into::into));
        add("--kube-as-user", connection.impersonate.clone().map(Into::into));
        for group in &connection.impersonate_groups {
            add("--kube-as-group", Some(group.into()));
        }
        add(
            "--kube-ca-file",
            connection.certificate_authority.clone().map(Into::into),
        );
        add(
            "--kube-tls-server-name",
            connection.tls_server_name.clone().map(Into::into),
        );
        if connection.insecure_skip_tls_verify {
            arguments.push("--kube-insecure-skip-tls-verify".into());
        }
        arguments
    }

    /// Environment variables that the Helm we start must not inherit: they would speak against our arguments.
    pub const STALE: &'static [&'static str] = &[
        "HELM_NAMESPACE",
        "HELM_KUBECONTEXT",
        "HELM_KUBEASGROUPS",
        "HELM_KUBEASUSER",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn groups_that_arrive_twice_count_once() {
        let environment = read(&[("HELM_KUBEASGROUPS", "g1,g2,g1,g2")]);
        assert_eq!(environment.connection.impersonate_groups, ["g1", "g2"]);
    }

    #[test]
    fn the_namespace_that_helm_says_when_nobody_named_one_is_ours() {
        assert_eq!(read(&[("HELM_NAMESPACE", "default")]).namespace, DEFAULT_NAMESPACE);
        assert_eq!(read(&[]).namespace, DEFAULT_NAMESPACE);
        assert_eq!(read(&[("HELM_NAMESPACE", "shop")]).namespace, "shop");
    }

    #[test]
    fn a_token_is_never_an_argument() {
        let environment = read(&[("HELM_KUBETOKEN", "s3cret"), ("HELM_KUBECONTEXT", "sandbox")]);
        let arguments = environment.arguments();
        assert!(arguments.contains(&"sandbox".into()));
        assert!(!format!("{arguments:?} {:?}", environment.connection).contains("s3cret"));
    }

    #[test]
    fn what_helm_cannot_be_told_is_refused_before_anything_is_done() {
        let mut environment = read(&[]);
        assert!(environment.has_words_for_helm().is_ok());
        environment.connection.user = Some("auditor".into());
        let error = environment.has_words_for_helm().unwrap_err();
        assert_eq!(error.code(), crate::ExitCode::Usage);
        assert!(error.to_string().contains("`--user`"));
    }
}
