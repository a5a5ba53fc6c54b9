//! What can be read, where it is read from, and what permission that takes.

use serde::{Deserialize, Serialize};

/// How much of a resource one source covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One list over the whole cluster.
    Cluster,
    /// One list in the release's namespace.
    Namespace,
    /// The release's namespace itself: one `get` by name.
    OwnNamespace,
    /// The named objects that others refer to: one `get` each.
    Named,
    /// One list over all namespaces of a namespaced kind.
    AllNamespaces,
    /// Not a Kubernetes resource: a session, a request, a computation.
    Session,
}

/// The permission a source needs, as RBAC words it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// API version inside the group.
    pub version: &'static str,
    /// Plural resource name, with a subresource after `/`.
    pub resource: &'static str,
    /// RBAC verb.
    pub verb: &'static str,
    /// How far it reaches.
    pub scope: Scope,
}

macro_rules! sources {
    ($($(#[$doc:meta])* $name:ident = $id:literal: $group:literal $version:literal $resource:literal $verb:literal $scope:ident;)*) => {
        /// Something that can be read. Items and diagnoses declare theirs, and nothing else is fetched.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Source { $($(#[$doc])* #[serde(rename = $id)] $name),* }

        impl Source {
            /// Every source, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name used in recordings and evidence.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id),* }
            }

            /// The permission that reading it needs.
            pub const fn access(self) -> Access {
                match self { $(Self::$name => Access { group: $group, version: $version, resource: $resource, verb: $verb, scope: Scope::$scope }),* }
            }
        }
    };
}

sources! {
    /// The server's version.
    Version = "version": "" "" "/version" "get" Session;
    /// The API server's own readiness checks, `/readyz?verbose`.
    Readiness = "readiness": "" "" "/readyz" "get" Session;
    /// Registered aggregated APIs, of which the metrics API is one.
    ApiServices = "apiservices": "apiregistration.k8s.io" "v1" "apiservices" "list" Cluster;
    /// Nodes with capacity, conditions and taints.
    Nodes = "nodes": "" "v1" "nodes" "list" Cluster;
    /// Node leases, whose renewal times show clock skew.
    NodeLeases = "leases": "coordination.k8s.io" "v1" "leases" "list" AllNamespaces;
    /// Current usage of containers.
    PodMetrics = "podmetrics": "metrics.k8s.io" "v1beta1" "pods" "list" Namespace;
    /// The release's namespace.
    Namespace = "namespace": "" "v1" "namespaces" "get" OwnNamespace;
    /// Quotas of the namespace.
    ResourceQuotas = "resourcequotas": "" "v1" "resourcequotas" "list" Namespace;
    /// Default and maximum limits of the namespace.
    LimitRanges = "limitranges": "" "v1" "limitranges" "list" Namespace;
    /// Service accounts of the namespace.
    ServiceAccounts = "serviceaccounts": "" "v1" "serviceaccounts" "list" Namespace;
    /// Pods of the namespace.
    Pods = "pods": "" "v1" "pods" "list" Namespace;
    /// Pods of every other namespace: what they take of the nodes.
    ClusterPods = "clusterpods": "" "v1" "pods" "list" AllNamespaces;
    /// Replica sets of the namespace.
    ReplicaSets = "replicasets": "apps" "v1" "replicasets" "list" Namespace;
    /// Deployments of the namespace.
    Deployments = "deployments": "apps" "v1" "deployments" "list" Namespace;
    /// Stateful sets of the namespace.
    StatefulSets = "statefulsets": "apps" "v1" "statefulsets" "list" Namespace;
    /// Daemon sets of the namespace.
    DaemonSets = "daemonsets": "apps" "v1" "daemonsets" "list" Namespace;
    /// Jobs of the namespace.
    Jobs = "jobs": "batch" "v1" "jobs" "list" Namespace;
    /// Cron jobs of the namespace.
    /// Jobs by the clock of the namespace.
    CronJobs = "cronjobs": "batch" "v1" "cronjobs" "list" Namespace;
    /// Autoscalers of the namespace.
    HorizontalPodAutoscalers = "horizontalpodautoscalers": "autoscaling" "v2" "horizontalpodautoscalers" "list" Namespace;
    /// Disruption budgets of the namespace.
    PodDisruptionBudgets = "poddisruptionbudgets": "policy" "v1" "poddisruptionbudgets" "list" Namespace;
    /// Services of the namespace.
    Services = "services": "" "v1" "services" "list" Namespace;
    /// Endpoints behind the services.
    EndpointSlices = "endpointslices": "discovery.k8s.io" "v1" "endpointslices" "list" Namespace;
    /// Ingresses of the namespace.
    Ingresses = "ingresses": "networking.k8s.io" "v1" "ingresses" "list" Namespace;
    /// Ingress classes of the cluster, and which controller serves each.
    IngressClasses = "ingressclasses": "networking.k8s.io" "v1" "ingressclasses" "list" Cluster;
    /// Network policies of the namespace.
    NetworkPolicies = "networkpolicies": "networking.k8s.io" "v1" "networkpolicies" "list" Namespace;
    /// Namespaces and their labels, which network policies select.
    Namespaces = "namespaces": "" "v1" "namespaces" "list" Cluster;
    /// Roles that bindings give to accounts of the namespace.
    Roles = "roles": "rbac.authorization.k8s.io" "v1" "roles" "list" AllNamespaces;
    /// Bindings of roles to accounts of the namespace, wherever they hold.
    RoleBindings = "rolebindings": "rbac.authorization.k8s.io" "v1" "rolebindings" "list" AllNamespaces;
    /// Cluster roles that bindings give to accounts of the namespace.
    ClusterRoles = "clusterroles": "rbac.authorization.k8s.io" "v1" "clusterroles" "list" Cluster;
    /// Bindings over the whole cluster to accounts of the namespace.
    ClusterRoleBindings = "clusterrolebindings": "rbac.authorization.k8s.io" "v1" "clusterrolebindings" "list" Cluster;
    /// Scans of images, as trivy-operator writes them.
    VulnerabilityReports = "vulnerabilityreports": "aquasecurity.github.io" "v1alpha1" "vulnerabilityreports" "list" Namespace;
    /// Storage classes of the cluster.
    StorageClasses = "storageclasses": "storage.k8s.io" "v1" "storageclasses" "list" Cluster;
    /// Volume claims of the namespace.
    PersistentVolumeClaims = "persistentvolumeclaims": "" "v1" "persistentvolumeclaims" "list" Namespace;
    /// Secrets that pods and ingresses name, reduced to facts on arrival.
    Secrets = "secrets": "" "v1" "secrets" "get" Named;
    /// Config maps that pods name, reduced to facts on arrival.
    ConfigMaps = "configmaps": "" "v1" "configmaps" "get" Named;
    /// Certificates of cert-manager, where it is installed.
    Certificates = "certificates": "cert-manager.io" "v1" "certificates" "list" Namespace;
    /// Requests of cert-manager for certificates, where it is installed.
    CertificateRequests = "certificaterequests": "cert-manager.io" "v1" "certificaterequests" "list" Namespace;
    /// Orders of cert-manager at ACME servers, where it is installed.
    Orders = "orders": "acme.cert-manager.io" "v1" "orders" "list" Namespace;
    /// Challenges of those orders, where it is installed.
    Challenges = "challenges": "acme.cert-manager.io" "v1" "challenges" "list" Namespace;
    /// Events of the namespace.
    Events = "events": "" "v1" "events" "list" Namespace;
    /// The last lines of containers that are not well, of this run and the one before.
    Logs = "logs": "" "v1" "pods/log" "get" Named;
    /// A search for the values of secrets in everything that containers wrote and that the namespace shows.
    Exposure = "exposure": "" "v1" "pods/log" "get" Session;
    /// What is expected of this release: the `checklist:` values.
    Expectations = "expectations": "" "v1" "configmaps" "list" Namespace;
    /// Helm's revisions of the release.
    Releases = "releases": "" "v1" "secrets" "list" Namespace;
    /// A session to PostgreSQL with the application's own credentials.
    Postgresql = "postgresql": "" "v1" "pods/portforward" "create" Session;
    /// A session to Redis with the application's own credentials.
    Redis = "redis": "" "v1" "pods/portforward" "create" Session;
    /// What the authorizer answers for service accounts of the release; asking stores nothing.
    AccessReviews = "accessreviews": "authorization.k8s.io" "v1" "subjectaccessreviews" "create" Session;
    /// What the names of the public hosts resolve to from here.
    Resolution = "resolution": "" "" "" "" Session;
    /// TLS handshakes and plain HTTP answers of the public hosts.
    Hosts = "hosts": "" "" "" "" Session;
    /// The answers of every application pod's health paths.
    Health = "health": "" "v1" "pods/portforward" "create" Session;
    /// Targets and series of Prometheus.
    Prometheus = "prometheus": "" "v1" "pods/portforward" "create" Session;
    /// Health, data sources and dashboards of Grafana.
    Grafana = "grafana": "" "v1" "pods/portforward" "create" Session;
    /// Results of active probes, stored in the namespace with their time.
    Probes = "probes": "" "v1" "configmaps" "list" Namespace;
    /// Attestations and waivers, stored in the namespace by those who stated them.
    Statements = "statements": "" "v1" "configmaps" "list" Namespace;
    /// Reports of scanners that people imported, reduced to counts and stored in the namespace.
    Imports = "imports": "" "v1" "configmaps" "list" Namespace;
}

impl Source {
    /// The sources that must be read before this one can be: a session needs to know where to go and with what.
    pub const fn requires(self) -> &'static [Self] {
        use Source as S;
        match self {
            S::Secrets | S::ConfigMaps => &[
                S::Pods,
                S::Ingresses,
                S::Deployments,
                S::StatefulSets,
                S::Jobs,
                S::CronJobs,
                S::Expectations,
            ],
            // What is secret must be known before it can be masked.
            S::Logs => &[S::Pods, S::Secrets],
            S::Exposure => &[
                S::Pods,
                S::Secrets,
                S::ConfigMaps,
                S::Deployments,
                S::StatefulSets,
                S::ReplicaSets,
                S::DaemonSets,
                S::Jobs,
                S::CronJobs,
                S::Services,
                S::Ingresses,
                S::Releases,
                S::Expectations,
            ],
            S::Postgresql | S::Redis => &[
                S::Pods,
                S::Services,
                S::EndpointSlices,
                S::Deployments,
                S::StatefulSets,
                S::Secrets,
                S::ConfigMaps,
                S::Expectations,
            ],
            S::Hosts | S::Resolution => &[S::Ingresses, S::Expectations],
            S::AccessReviews => &[
                S::Pods,
                S::Deployments,
                S::StatefulSets,
                S::DaemonSets,
                S::Jobs,
                S::CronJobs,
                S::Expectations,
            ],
            // Only what is bound is kept.
            S::Roles | S::ClusterRoles => &[S::RoleBindings, S::ClusterRoleBindings],
            S::Grafana => &[
                S::Pods,
                S::Services,
                S::EndpointSlices,
                S::Secrets,
                S::ConfigMaps,
                S::Expectations,
            ],
            S::Health | S::Prometheus => &[
                S::Pods,
                S::Services,
                S::EndpointSlices,
                S::Deployments,
                S::StatefulSets,
                S::Expectations,
            ],
            _ => &[],
        }
    }
}
