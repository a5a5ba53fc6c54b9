//! Pods that the API server does not let be made: by a quota, whose room may come, or by a rule, which says the same again.

use std::time::Duration;

use super::{CONFIGURATION, Hopeless, Patience, Watchfulness};
use crate::release::scene::{Scene, refused::Refused};

/// How long nothing may move until no room comes any more. Controllers try again after ever longer pauses, so that it is
/// at least as long as something has moved.
const ROOM: Duration = Duration::from_secs(20);

/// What refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// There is not enough left of a quota.
    Room,
    /// A rule forbids such pods.
    Rule,
}

/// What the API server's words mean; nothing for what may mend by itself, such as a webhook that can't be called.
fn refusal(message: &str) -> Option<Refusal> {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&["exceeded quota"]) {
        Some(Refusal::Room)
    } else if has(&[
        "violates PodSecurity",
        "denied the request",
        "denied request",
        // A quota that wants requests or limits which the pod does not say, and the bounds of a limit range.
        "failed quota",
        "usage per ",
        "no PriorityClass with name",
    ]) {
        Some(Refusal::Rule)
    } else {
        None
    }
}

impl Watchfulness {
    /// The first workload whose pods will not be let in however long one waits.
    pub(super) fn of_refused(
        &mut self,
        scene: &Scene,
        present: &mut Vec<String>,
        patience: Patience,
        now: Duration,
    ) -> Option<Hopeless> {
        let refused = scene.refused();
        let lasting: Vec<_> = refused
            .iter()
            .filter(|it| self.has_lasted(it, scene, present, patience, now))
            .collect();
        lasting.first().map(|it| Hopeless {
            object: it.object.clone(),
            phase: it.phase,
            text: format!("its pods are refused: {}", it.message),
        })
    }

    fn has_lasted(
        &mut self,
        refused: &Refused<'_>,
        scene: &Scene,
        present: &mut Vec<String>,
        patience: Patience,
        now: Duration,
    ) -> bool {
        let key = format!("{}/refused", refused.uid);
        match refusal(refused.message) {
            None => false,
            Some(Refusal::Rule) => self.lasted(present, key, CONFIGURATION, now),
            // The revision runs, and something asks for more of it than there is room for.
            Some(Refusal::Room) if refused.works => self.lasted(present, key, patience.schedule_grace, now),
            Some(Refusal::Room) => {
                self.lasted(present, format!("{key}/first"), Duration::ZERO, now);
                if scene.is_moving() {
                    return false;
                }
                let first = self.since.get(&format!("{key}/first")).copied().unwrap_or(now);
                let still = self.since.get(&key).copied().unwrap_or(now);
                let after = ROOM.max(still.saturating_sub(first)).min(patience.schedule_grace);
                self.lasted(present, key, after, now)
            }
        }
    }
}
