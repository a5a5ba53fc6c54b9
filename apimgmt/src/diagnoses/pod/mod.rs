//! Pods that do not start or do not become ready.
