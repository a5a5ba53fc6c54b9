//! Each item made to fail on a running release, by breaking the thing itself, and mended again.
//! `MUTATIONS=all` makes them all, otherwise a fixed slice; `MUTATIONS=ID` those of one item.

mod mutation;

use std::collections::{BTreeMap, BTreeSet};

use mutation::Mutation;

use crate::sandbox::{self, Namespace, text, until};

/// The slice that is made when nobody asks for more: one of each way to break something.
const SLICE: &[&str] = &[
    "cache-memory",
    "database-database",
    "database-user",
    "security-namespace-isolation",
];

type Verdicts = BTreeMap<String, String>;

fn chosen() -> Vec<Mutation> {
    let wanted = std::env::var("MUTATIONS").unwrap_or_default();
    let mut all = Mutation::all();
    match wanted.as_str() {
        "all" => {}
        "" => all.retain(|mutation| SLICE.contains(&mutation.name.as_str())),
        id => all.retain(|mutation| mutation.item == id),
    }
    assert!(!all.is_empty(), "no mutation of `{wanted}`");
    all
}

/// What differs from before, the item itself left out.
fn others(before: &Verdicts, now: &Verdicts, item: &str) -> Verdicts {
    now.iter()
        .filter(|(id, verdict)| *id != item && before.get(*id) != Some(verdict))
        .map(|(id, verdict)| (id.clone(), verdict.clone()))
        .collect()
}

#[test]
fn each_mutation_fails_its_item_and_nothing_else() {
    let mut wrong = BTreeSet::new();
    let mutations = chosen();
    let releases: BTreeSet<_> = mutations.iter().map(|mutation| mutation.values.as_deref()).collect();
    for over in releases {
        let of_it: Vec<_> = mutations
            .iter()
            .filter(|mutation| mutation.values.as_deref() == over)
            .collect();
        wrong.extend(made(over, &of_it));
    }
    let items: BTreeSet<_> = mutations
        .iter()
        .filter(|mutation| !wrong.contains(&mutation.name))
        .map(|mutation| &mutation.item)
        .collect();
    apimgmt::report::message(&format!(
        "{} of {} mutations as they say, {} of 52 items",
        mutations.len() - wrong.len(),
        mutations.len(),
        items.len()
    ));
    assert!(wrong.is_empty(), "not as they say: {wrong:?}");
}

/// Makes mutations on a release of their own, with these values over the sandbox's; gives those that went otherwise.
fn made(over: Option<&str>, mutations: &[&Mutation]) -> BTreeSet<String> {
    let name = over.map_or_else(|| "mutations".to_owned(), |over| format!("mutations-{over}"));
    let place = Namespace::absent(&name);
    let mut install = vec!["install".to_owned(), "--values".to_owned(), place.values()];
    install.extend(
        over.into_iter()
            .flat_map(|over| ["--values".to_owned(), Namespace::over(over)]),
    );
    let install: Vec<_> = install.iter().map(String::as_str).collect();
    place.helm_apimgmt("4.3", &install).succeeds();
    let mut before = Verdicts::new();
    // A usage is known after the second scrape: what still moves has settled when two runs agree and nothing fails.
    until("the release to settle", || {
        let now = sandbox::steady(place.verdicts(&[]));
        let settled = now == before && now.values().all(|verdict| verdict != "fail");
        before = now;
        settled
            && before
                .get("performance/resource-usage")
                .is_some_and(|verdict| verdict == "pass")
    });
    let mut wrong = BTreeSet::new();
    for mutation in mutations {
        let told = tried(&place, mutation, &before);
        let line = told.as_ref().map_or_else(String::clone, |()| mutation.verdict.clone());
        apimgmt::report::message(&format!("{:<44} {:<36} {line}", mutation.name, mutation.item));
        if told.is_err() {
            wrong.insert(mutation.name.clone());
        }
    }
    wrong
}

/// Breaks, looks, mends, and looks again.
fn tried(place: &Namespace, mutation: &Mutation, before: &Verdicts) -> Result<(), String> {
    if before.get(&mutation.item).map(String::as_str) != Some("pass") {
        return Err(format!("it was {:?} before", before.get(&mutation.item)));
    }
    mutation.change(place);
    let mut last = String::new();
    let broken = sandbox::within(mutation::PATIENCE, || {
        mutation.probe(place);
        let now = place.items(&[]);
        let own = &now[&mutation.item];
        let verdicts: Verdicts = now
            .iter()
            .map(|(id, row)| (id.clone(), text(&row["verdict"])))
            .collect();
        let verdicts = sandbox::steady(verdicts);
        let others = others(before, &verdicts, &mutation.item);
        let (verdict, detail) = (text(&own["verdict"]), text(&own["detail"]));
        last = format!("{verdict}: {detail}; others {others:?}");
        verdict == mutation.verdict && detail.contains(&mutation.detail) && others == mutation.also
    });
    mutation.undo(place);
    let mended = sandbox::within(mutation::PATIENCE, || {
        mutation.probe(place);
        sandbox::steady(place.verdicts(&[])) == *before
    });
    match (broken, mended) {
        (false, _) => Err(format!("WRONG, it was {last}")),
        (true, false) => Err("WRONG, what was undone did not come back".to_owned()),
        (true, true) => Ok(()),
    }
}
