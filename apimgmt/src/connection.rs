//! Which cluster, as whom, in which namespace: kubectl's connection flags, and the client they give.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use kube::{
    Client, Config,
    config::{AuthInfo, Cluster, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedCluster},
};

use crate::{Boxed, Error, suggestion::nearest};

/// kubectl's connection flags; empty means that the kubeconfig decides.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// File instead of `KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig.
    pub context: Option<String>,
    /// Cluster of the kubeconfig.
    pub cluster: Option<String>,
    /// User of the kubeconfig.
    pub user: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// URL of the API server.
    pub server: Option<String>,
    /// Bearer token.
    pub token: Option<Token>,
    /// Impersonated user.
    pub impersonate: Option<String>,
    /// Impersonated user id.
    pub impersonate_uid: Option<String>,
    /// Impersonated groups.
    pub impersonate_groups: Vec<String>,
    /// Impersonated extra fields, `KEY=VALUE`.
    pub impersonate_extra: Vec<String>,
    /// File with certificate authorities.
    pub certificate_authority: Option<PathBuf>,
    /// File with the client's certificate.
    pub client_certificate: Option<PathBuf>,
    /// File with the client's key.
    pub client_key: Option<PathBuf>,
    /// Trust any certificate of the server.
    pub insecure_skip_tls_verify: bool,
    /// Name that the server's certificate must have.
    pub tls_server_name: Option<String>,
    /// Longest time for one request.
    pub request_timeout: Option<Duration>,
    /// Ask for uncompressed answers.
    pub disable_compression: bool,
}

/// A bearer token that never shows in debug output.
#[derive(Clone)]
pub struct Token(String);

impl From<String> for Token {
    fn from(token: String) -> Self {
        Self(token)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

/// A client and where it leads.
#[derive(Clone)]
pub struct Connected {
    /// The client.
    pub client: Client,
    /// Context that was chosen; empty inside a pod or with a bare `--server`.
    pub context: String,
    /// URL of the API server.
    pub server: String,
    /// Namespace of the flags or of the context; `None` when neither names one.
    pub namespace: Option<String>,
}

impl Connection {
    /// Makes a client; contacts nobody yet.
    ///
    /// # Errors
    /// When the kubeconfig, the context or a named file is wrong or missing; the nearest name is suggested.
    pub fn connect(&self) -> Boxed<'_, Connected> {
        Box::pin(async move {
            let (mut config, context, namespace) = match self.kubeconfig()? {
                Some(kubeconfig) => self.chosen_in(kubeconfig).await?,
                None => (self.in_cluster()?, String::new(), None),
            };
            if config
                .connect_timeout
                .is_none_or(|limit| limit > Duration::from_secs(10))
            {
                config.connect_timeout = Some(Duration::from_secs(10));
            }
            config.read_timeout = self.request_timeout;
            config.disable_compression |= self.disable_compression;
            // Retries are the collector's own business: it counts them against the run's budget.
            config.default_retry = false;
            let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
            let client = Client::try_from(config)
                .map_err(|error| Error::could_not(format!("could not prepare a client for {server}")).because(error))?;
            Ok(Connected {
                client,
                context,
                server,
                namespace: self.namespace.clone().or(namespace),
            })
        })
    }

    /// The kubeconfig that kubectl would use; `None` when there is none and the flags name none.
    fn kubeconfig(&self) -> Result<Option<Kubeconfig>, Error> {
        let read = match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        match read {
            Ok(kubeconfig) => Ok(Some(kubeconfig)),
            Err(KubeconfigError::FindPath) => Ok(None),
            Err(KubeconfigError::ReadConfig(error, _))
                if self.kubeconfig.is_none() && error.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            Err(error) => Err(Error::could_not("could not read the kubeconfig")
                .because(error)
                .hint("name a readable file with `--kubeconfig` or `KUBECONFIG`")),
        }
    }

    async fn chosen_in(&self, mut kubeconfig: Kubeconfig) -> Result<(Config, String, Option<String>), Error> {
        let context = self
            .context
            .clone()
            .or_else(|| kubeconfig.current_context.clone())
            .unwrap_or_default();
        let known = |names: Vec<&str>, kind: &str, wanted: &str| -> Result<(), Error> {
            if names.contains(&wanted) {
                return Ok(());
            }
            let error = Error::could_not(format!("the kubeconfig has no {kind} `{wanted}`"));
            Err(match nearest(wanted, names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None if names.is_empty() => error.hint(format!("the kubeconfig names no {kind} at all")),
                None => error.hint(format!("it has: {}", names.join(", "))),
            })
        };
        if let Some(wanted) = &self.context {
            known(
                kubeconfig.contexts.iter().map(|named| named.name.as_str()).collect(),
                "context",
                wanted,
            )?;
        }
        if let Some(wanted) = &self.cluster {
            known(
                kubeconfig.clusters.iter().map(|named| named.name.as_str()).collect(),
                "cluster",
                wanted,
            )?;
        }
        if let Some(wanted) = &self.user {
            known(
                kubeconfig.auth_infos.iter().map(|named| named.name.as_str()).collect(),
                "user",
                wanted,
            )?;
        }
        if context.is_empty() && self.server.is_none() {
            return Err(
                Error::could_not("no cluster is chosen: the kubeconfig has no current context")
                    .hint("run `kubectl config use-context NAME`, or name one with `--context`"),
            );
        }
        let namespace = kubeconfig
            .contexts
            .iter()
            .find(|named| named.name == context)
            .and_then(|named| named.context.as_ref()?.namespace.clone());
        self.override_cluster(&mut kubeconfig);
        self.override_user(&mut kubeconfig);
        let options = KubeConfigOptions {
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
        };
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| {
                Error::could_not(format!("could not use context `{context}` of the kubeconfig"))
                    .because(error)
                    .hint("compare it with `kubectl config view`")
            })?;
        self.override_identity(&mut config.auth_info)?;
        Ok((config, context, namespace))
    }

    fn in_cluster(&self) -> Result<Config, Error> {
        if let Some(server) = &self.server {
            let url = server
                .parse()
                .map_err(|error| Error::usage(format!("`--server {server}` is no URL")).because(Box::new(error)))?;
            let mut config = Config::new(url);
            self.override_identity(&mut config.auth_info)?;
            return Ok(config);
        }
        let mut config = Config::incluster().map_err(|error| {
            Error::could_not("no cluster is configured: there is no kubeconfig, and this is not a pod")
                .because(error)
                .hint("set `KUBECONFIG`, or name a file with `--kubeconfig`")
        })?;
        self.override_identity(&mut config.auth_info)?;
        Ok(config)
    }

    fn override_cluster(&self, kubeconfig: &mut Kubeconfig) {
        let apply = |cluster: &mut Cluster| {
            if let Some(server) = &self.server {
                cluster.server = Some(server.clone());
            }
            if let Some(file) = &self.certificate_authority {
                cluster.certificate_authority = Some(file.display().to_string());
                cluster.certificate_authority_data = None;
            }
            if self.insecure_skip_tls_verify {
                cluster.insecure_skip_tls_verify = Some(true);
            }
            if let Some(name) = &self.tls_server_name {
                cluster.tls_server_name = Some(name.clone());
            }
        };
        for NamedCluster { cluster, .. } in &mut kubeconfig.clusters {
            apply(cluster.get_or_insert_with(Cluster::default));
        }
    }

    fn override_user(&self, kubeconfig: &mut Kubeconfig) {
        for named in &mut kubeconfig.auth_infos {
            let user = named.auth_info.get_or_insert_with(AuthInfo::default);
            if self.token.is_some() {
                *user = AuthInfo::default();
            }
            if let Some(file) = &self.client_certificate {
                user.client_certificate = Some(file.display().to_string());
                user.client_certificate_data = None;
            }
            if let Some(file) = &self.client_key {
                user.client_key = Some(file.display().to_string());
                user.client_key_data = None;
            }
        }
    }

    fn override_identity(&self, user: &mut AuthInfo) -> Result<(), Error> {
        if let Some(Token(token)) = &self.token {
            user.token = Some(token.clone().into());
        }
        if self.impersonate.is_some() {
            user.impersonate.clone_from(&self.impersonate);
        }
        if self.impersonate_uid.is_some() {
            user.impersonate_uid.clone_from(&self.impersonate_uid);
        }
        if !self.impersonate_groups.is_empty() {
            user.impersonate_groups = Some(self.impersonate_groups.clone());
        }
        if !self.impersonate_extra.is_empty() {
            let mut extra: HashMap<String, Vec<String>> = HashMap::new();
            for pair in &self.impersonate_extra {
                let (key, value) = pair
                    .split_once('=')
                    .ok_or_else(|| Error::usage(format!("`--as-user-extra {pair}` is not KEY=VALUE")))?;
                extra.entry(key.into()).or_default().push(value.into());
            }
            user.impersonate_user_extra = Some(extra);
        }
        Ok(())
    }
}
