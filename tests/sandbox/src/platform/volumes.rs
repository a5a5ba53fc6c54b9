//! Volumes of `SANDBOX=light`: made up for every claim, so that fake pods are scheduled. Nothing is stored.
use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::{Api, Client, ResourceExt, api::DeleteParams};
use serde_json::json;

use super::log;
use crate::cluster;

/// Gives waiting claims a volume, and deletes the volumes of claims that have gone.
pub(super) async fn pretend(client: &Client, claims: &[Arc<PersistentVolumeClaim>], volumes: &[Arc<PersistentVolume>]) {
    for claim in claims {
        let Some(spec) = &claim.spec else { continue };
        if spec.volume_name.is_some() || spec.storage_class_name.as_deref() != Some("local-path") {
            continue;
        }
        let volume = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": format!("pvc-{}", claim.uid().unwrap_or_default())},
            "spec": {
                "storageClassName": spec.storage_class_name,
                "accessModes": spec.access_modes,
                "capacity": spec.resources.as_ref().and_then(|resources| resources.requests.as_ref()),
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": "/nonexistent"},
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "namespace": claim.namespace(),
                    "name": claim.name_any(),
                    "uid": claim.uid(),
                },
            },
        });
        if let Err(error) = cluster::apply_object(client, volume).await {
            log(&format!("no volume for claim {}: {error:#}", claim.name_any()));
        }
    }
    for volume in volumes {
        let released = volume.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Released");
        if released && volume.metadata.deletion_timestamp.is_none() {
            let api = Api::<PersistentVolume>::all(client.clone());
            if let Err(error) = api.delete(&volume.name_any(), &DeleteParams::default()).await {
                log(&format!("can't delete volume {}: {error}", volume.name_any()));
            }
        }
    }
}
