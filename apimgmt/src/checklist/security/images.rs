//! Images are pinned, allowed, pullable and scanned.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/images",
    title: "Images are pinned, allowed, pullable and scanned",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A moving tag deploys what nobody has tested.",
    fix: "Pin the image by digest and scan it.",
    reads: &[],
    judge: pending::judge,
};
