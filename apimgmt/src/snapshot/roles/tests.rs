//! Who is recognised as what, and who never is.

use super::{Role, Roles};
use crate::snapshot::Snapshot;

fn roles(objects: &str) -> Roles {
    let recording = format!("takenAt: 2026-11-23T08:00:00Z\nnamespace: shop\n{objects}");
    Roles::of(&Snapshot::from_recording(&recording).unwrap()).unwrap()
}

fn workload(role: Option<&Role>) -> &str {
    role.map_or("nobody", |role| role.workload.as_str())
}

const LABELLED: &str = "
objects:
- {kind: Deployment, metadata: {name: api}, spec: {replicas: 2, selector: {matchLabels: {a: api}}, template: {metadata: {labels: {a: api, app.kubernetes.io/component: application}},
   spec: {containers: [{name: app, image: 'shop/thing:1', ports: [{name: http, containerPort: 9000}]}]}}}}
- {kind: StatefulSet, metadata: {name: data}, spec: {selector: {matchLabels: {a: data}}, template: {metadata: {labels: {a: data, app.kubernetes.io/name: postgresql, app.kubernetes.io/component: primary}},
   spec: {containers: [{name: server, image: 'x/y:1'}]}}}}
- {kind: StatefulSet, metadata: {name: data-read}, spec: {selector: {matchLabels: {a: read}}, template: {metadata: {labels: {a: read, app.kubernetes.io/name: postgresql, app.kubernetes.io/component: read}}}}}
- {kind: Deployment, metadata: {name: a-redis-exporter}, spec: {template: {metadata: {labels: {app.kubernetes.io/name: redis, app.kubernetes.io/component: metrics}}}}}
- {kind: Deployment, metadata: {name: keep}, spec: {template: {metadata: {labels: {app: redis}}}}}
- {kind: Service, metadata: {name: api-headless}, spec: {clusterIP: None, selector: {a: api}, ports: [{port: 80}]}}
- {kind: Service, metadata: {name: public}, spec: {clusterIP: 10.0.0.1, selector: {a: api}, ports: [{port: 80, targetPort: http}]}}
";

#[test]
fn labels_tell_who_plays_what() {
    let roles = roles(LABELLED);
    assert_eq!(workload(roles.application.as_ref()), "deployment/api");
    assert_eq!(
        workload(roles.database.as_ref()),
        "statefulset/data",
        "the primary, not the replica"
    );
    assert_eq!(workload(roles.cache.as_ref()), "deployment/keep", "never the exporter");
    let application = roles.application.unwrap();
    assert_eq!(
        application.service.as_deref(),
        Some("public"),
        "the headless service only names pods"
    );
    assert_eq!(
        (application.port, application.replicas),
        (9000, 2),
        "by the service's named target"
    );
}

#[test]
fn what_is_declared_wins_and_is_missed_when_it_is_gone() {
    let roles = roles(&format!(
        "{LABELLED}\nfacts: {{expectations: {{roles: {{cache: deployment/api, database: statefulset/gone}}}}}}"
    ));
    assert_eq!(workload(roles.cache.as_ref()), "deployment/api");
    let database = roles.database.unwrap();
    assert!(database.missing);
    assert_eq!(database.workload, "statefulset/gone");
    assert_eq!(
        workload(roles.application.as_ref()),
        "nobody",
        "the only candidate plays another part by declaration"
    );
}

#[test]
fn a_role_declared_without_its_kind_is_refused() {
    let text = "takenAt: 2026-11-23T08:00:00Z\nfacts: {expectations: {roles: {cache: redis}}}";
    let refused = Roles::of(&Snapshot::from_recording(text).unwrap()).unwrap_err();
    assert!(
        refused.to_string().contains("`checklist.roles.cache` is `redis`"),
        "{refused}"
    );
}

#[test]
fn bare_pods_are_found_by_image_and_port() {
    let roles = roles("
objects:
- {kind: Pod, metadata: {name: db}, spec: {containers: [{name: a, image: 'registry:5000/library/postgres:15@sha256:00', ports: [{containerPort: 5433}]}]}, status: {conditions: [{type: Ready, status: 'True'}]}}
- {kind: Pod, metadata: {name: store}, spec: {containers: [{name: a, image: redis}]}}
- {kind: Pod, metadata: {name: web}, spec: {containers: [{name: a, image: shop, ports: [{containerPort: 8080}]}]}}
- {kind: Pod, metadata: {name: made, ownerReferences: [{kind: ReplicaSet, name: x, controller: true}]}, spec: {containers: [{name: a, image: postgres}]}}
");
    assert_eq!(workload(roles.database.as_ref()), "pod/db");
    assert_eq!(roles.database.unwrap().port, 5433);
    assert_eq!(
        (workload(roles.cache.as_ref()), workload(roles.application.as_ref())),
        ("pod/store", "pod/web")
    );
}

#[test]
fn nobody_plays_a_part_in_an_empty_namespace_and_two_that_might_are_not_guessed() {
    assert_eq!(roles("objects: []"), Roles::default());
    let two = "{kind: Deployment, metadata: {name: NAME}, spec: {template: {spec: {containers: [{name: a, image: b, ports: [{containerPort: 8080}]}]}}}}";
    let roles = roles(&format!(
        "objects:\n- {}\n- {}",
        two.replace("NAME", "one"),
        two.replace("NAME", "two")
    ));
    assert_eq!(workload(roles.application.as_ref()), "nobody");
}

#[test]
fn ready_pods_are_those_of_the_workload_alone() {
    let recording = "takenAt: 2026-11-23T08:00:00Z
objects:
- {kind: StatefulSet, metadata: {name: redis}, spec: {replicas: 0, selector: {matchLabels: {app: redis}}, template: {metadata: {labels: {app: redis}}}}}
- {kind: Pod, metadata: {name: redis-0, labels: {app: redis}, ownerReferences: [{kind: StatefulSet, name: redis, controller: true}]}, status: {conditions: [{type: Ready, status: 'True'}]}}
- {kind: Pod, metadata: {name: backup-1, labels: {app: redis}, ownerReferences: [{kind: Job, name: backup, controller: true}]}, status: {conditions: [{type: Ready, status: 'True'}]}}
- {kind: Pod, metadata: {name: redis-1, labels: {app: redis}}, status: {conditions: [{type: Ready, status: 'False'}]}}";
    let snapshot = Snapshot::from_recording(recording).unwrap();
    let cache = Roles::of(&snapshot).unwrap().cache.unwrap();
    let ready: Vec<_> = cache
        .ready_pods(snapshot.pods().unwrap())
        .map(|pod| pod.metadata.name.as_str())
        .collect();
    assert_eq!(ready, ["redis-0"]);
    assert_eq!(cache.replicas, 0);
}

#[test]
fn a_pooler_stands_before_the_database_and_is_neither_it_nor_the_application() {
    let labelled = roles(
        "
objects:
- {kind: StatefulSet, metadata: {name: postgres}, spec: {template: {metadata: {labels: {app: postgres}}}}}
- {kind: Deployment, metadata: {name: pgbouncer}, spec: {template: {metadata: {labels: {app: pgbouncer, app.kubernetes.io/component: pooler}}}}}
",
    );
    assert_eq!(workload(labelled.pooler.as_ref()), "deployment/pgbouncer");
    assert_eq!(workload(labelled.database.as_ref()), "statefulset/postgres");
    let by_image = roles(
        "
objects:
- {kind: Deployment, metadata: {name: door}, spec: {template: {spec: {containers: [{name: main, image: 'registry:5000/tools/pgbouncer:1.24', ports: [{containerPort: 8080}]}]}}}}
- {kind: Deployment, metadata: {name: watch}, spec: {template: {metadata: {labels: {app: pgbouncer, app.kubernetes.io/component: metrics}}}}}
",
    );
    assert_eq!(workload(by_image.pooler.as_ref()), "deployment/door");
    assert_eq!(workload(by_image.application.as_ref()), "nobody");
}
