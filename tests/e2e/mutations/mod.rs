//! Each item made to fail on a running release, by breaking the thing itself, and mended again.
//! `MUTATIONS=all` makes them all, otherwise a fixed slice; `MUTATIONS=ID` those of one item.

mod bench;
mod mutation;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
    sync::Mutex,
    thread,
};

use bench::Bench;
use mutation::Mutation;

/// The slice that is made when nobody asks for more: one of each way to break something.
const SLICE: &[&str] = &[
    "cache-memory",
    "database-database",
    "database-user",
    "security-namespace-isolation",
];

/// Releases that are broken side by side, where what breaks is theirs alone.
const BENCHES: usize = 2;

/// What came of a mutation: its line of the table, or why it is wrong.
type Outcome = (Mutation, Result<(), String>);

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

#[test]
fn each_mutation_fails_its_item_and_nothing_else() {
    let mut by_values: BTreeMap<Option<String>, Vec<Mutation>> = BTreeMap::new();
    for mutation in chosen() {
        by_values.entry(mutation.values.clone()).or_default().push(mutation);
    }
    let outcomes: Vec<Outcome> = by_values
        .into_iter()
        .flat_map(|(values, mutations)| tried(values.as_deref(), mutations))
        .collect();
    let (right, wrong): (Vec<_>, Vec<_>) = outcomes.iter().partition(|(_, outcome)| outcome.is_ok());
    let items: BTreeSet<_> = right.iter().map(|(mutation, _)| &mutation.item).collect();
    apimgmt::report::message(&format!(
        "{} of {} mutations as they say, {} of 52 items",
        right.len(),
        outcomes.len(),
        items.len()
    ));
    let wrong: Vec<_> = wrong.iter().map(|(mutation, _)| &mutation.name).collect();
    assert!(wrong.is_empty(), "not as they say: {wrong:?}");
}

/// Tries the mutations of releases with the same values: side by side, and one at a time what others would feel as well.
fn tried(values: Option<&str>, mutations: Vec<Mutation>) -> Vec<Outcome> {
    let (cluster, own): (Vec<_>, Vec<_>) = mutations.into_iter().partition(|mutation| mutation.cluster);
    let name = values.map_or("plain".into(), |file| {
        Path::new(file).file_stem().expect("it has a name").to_string_lossy()
    });
    let benches = own.len().clamp(1, BENCHES);
    let queue = Mutex::new(VecDeque::from(own));
    let next = || queue.lock().expect("no worker panics with it").pop_front();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..benches)
            .map(|number| {
                let (next, name) = (&next, &name);
                scope.spawn(move || {
                    let mut bench = Bench::install(&format!("mutations-{name}-{number}"), values);
                    let outcomes: Vec<_> = std::iter::from_fn(next).map(|mutation| bench.tried(mutation)).collect();
                    (bench, outcomes)
                })
            })
            .collect();
        let mut done: Vec<_> = workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker ends"))
            .collect();
        let (mut bench, mut outcomes) = done.pop().expect("there is one bench");
        outcomes.extend(done.into_iter().flat_map(|(_, outcomes)| outcomes));
        outcomes.extend(cluster.into_iter().map(|mutation| bench.tried(mutation)));
        outcomes
    })
}
