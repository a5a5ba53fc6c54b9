//! A release that is broken and mended over and over, and what was said of it when it was whole.

use std::collections::BTreeMap;

use super::{Outcome, mutation::Mutation};
use crate::sandbox::{self, Namespace, text, until};

type Verdicts = BTreeMap<String, String>;

/// The release.
pub(super) struct Bench {
    place: Namespace,
    values: Option<String>,
    before: Verdicts,
}

impl Bench {
    /// A new release, with these values over the sandbox's, when it has settled.
    pub(super) fn install(name: &str, values: Option<&str>) -> Self {
        let place = Namespace::absent(name);
        let plain = place.values();
        let over = values.map(|values| place.values_over(values));
        let mut arguments = vec!["install", "--values", plain.as_str()];
        if let Some(over) = &over {
            arguments.extend(["--values", over]);
        }
        place.helm_apimgmt("4.3", &arguments).succeeds();
        let mut bench = Self {
            place,
            values: values.map(str::to_owned),
            before: Verdicts::new(),
        };
        bench.settle();
        bench
    }

    /// A usage is known after the second scrape: what still moves has settled when two runs agree and nothing fails.
    fn settle(&mut self) {
        let place = &self.place;
        let before = &mut self.before;
        until("the release to settle", || {
            let all = place.verdicts(&[]);
            let is_measured = all["performance/resource-usage"] == "pass";
            let now = sandbox::steady(all);
            let settled = now == *before && now.values().all(|verdict| verdict != "fail");
            *before = now;
            settled && is_measured
        });
    }

    /// Breaks, looks, mends, and looks again.
    pub(super) fn tried(&mut self, mutation: Mutation) -> Outcome {
        let outcome = self.attempt(&mutation);
        let line = outcome
            .as_ref()
            .map_or_else(String::clone, |()| mutation.verdict.clone());
        apimgmt::report::message(&format!("{:<44} {:<36} {line}", mutation.name, mutation.item));
        (mutation, outcome)
    }

    fn attempt(&mut self, mutation: &Mutation) -> Result<(), String> {
        let place = &self.place;
        mutation.prepare(place)?;
        if !within(mutation, place, || self.is_whole(mutation)) {
            let now = place.verdicts(&[]);
            let others = self.others(&sandbox::steady(now.clone()), &mutation.item);
            return Err(format!("it was {} before; others {others:?}", now[&mutation.item]));
        }
        let made = mutation.change(place);
        let mut last = made.as_ref().err().cloned().unwrap_or_default();
        let broken = made.is_ok() && within(mutation, place, || self.is_broken(mutation, &mut last));
        let undone = mutation.undo(place);
        let mended = undone.is_ok() && within(mutation, place, || self.is_whole(mutation));
        let left = (!mended).then(|| self.others(&sandbox::steady(place.verdicts(&[])), ""));
        if !mended {
            // The next mutation begins with a whole release; the namespace of this one ends when it is dropped.
            let name = format!("{}-again", self.place.name.trim_start_matches("e2e-"));
            *self = Self::install(&name, self.values.clone().as_deref());
        }
        match (broken, left) {
            (false, _) => Err(format!("WRONG, it was {last}")),
            (true, Some(left)) => Err(format!("WRONG, what was undone did not come back: {left:?}")),
            (true, None) => Ok(()),
        }
    }

    /// Whether the item passes and everything is as before.
    fn is_whole(&self, mutation: &Mutation) -> bool {
        let now = self.place.verdicts(&[]);
        now[&mutation.item] == "pass" && sandbox::steady(now) == self.before
    }

    /// Whether the item says what it must, and nothing else changed; `last` is what was said.
    fn is_broken(&self, mutation: &Mutation, last: &mut String) -> bool {
        let now = self.place.items(&[]);
        let own = &now[&mutation.item];
        let verdicts: Verdicts = now
            .iter()
            .map(|(id, row)| (id.clone(), text(&row["verdict"])))
            .collect();
        let others = self.others(&sandbox::steady(verdicts), &mutation.item);
        let (verdict, detail) = (text(&own["verdict"]), text(&own["detail"]));
        *last = format!("{verdict}: {detail}; others {others:?}");
        verdict == mutation.verdict && detail.contains(&mutation.detail) && others == mutation.also
    }

    /// What differs from before, the item itself left out.
    fn others(&self, now: &Verdicts, item: &str) -> Verdicts {
        now.iter()
            .filter(|(id, verdict)| *id != item && self.before.get(*id) != Some(verdict))
            .map(|(id, verdict)| (id.clone(), verdict.clone()))
            .collect()
    }
}

/// Whether it comes to look so in time. What probes or loads showed is looked at twice before they are made again: they take
/// far longer than what else has to settle.
fn within(mutation: &Mutation, place: &Namespace, mut looks_so: impl FnMut() -> bool) -> bool {
    sandbox::within(mutation.patience(), || {
        looks_so() || {
            mutation.probe(place);
            looks_so()
        }
    })
}
