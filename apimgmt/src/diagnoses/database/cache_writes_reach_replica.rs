//! The service that the application writes through leads to a replica of the cache.

use crate::diagnoses::{Diagnosis, Topic, scene::servers::CACHE};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cache-writes-reach-replica",
    topic: Topic::Database,
    symptom: "Writes to the cache fail with `READONLY`",
    cause: "The address that the application writes to leads to a replica",
    reads: CACHE,
    look: |scene| super::writes_reach_standby::of_cache(scene, "cache-writes-reach-replica"),
};
