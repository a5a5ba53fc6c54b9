//! Many selectors at once, found by the labels that they select: a thousand of them asked one by one about ten thousand
//! pods would be millions of comparisons.

use std::collections::HashMap;

use super::{LabelSelector, Labels};

/// Selectors, each with what it stands for.
pub struct Selectors<'a, T> {
    /// By a label that they ask for.
    by_label: HashMap<(&'a str, &'a str), Vec<(&'a LabelSelector, T)>>,
    /// Those that ask for no label by its value.
    others: Vec<(&'a LabelSelector, T)>,
}

impl<T> Selectors<'_, T> {
    /// What the selectors stand for that select these labels.
    pub fn of<'s>(&'s self, labels: &'s Labels) -> impl Iterator<Item = &'s T> {
        let asked = labels
            .iter()
            .filter_map(|(key, value)| self.by_label.get(&(key.as_str(), value.as_str())));
        asked
            .flatten()
            .chain(&self.others)
            .filter(|(selector, _)| selector.matches(labels))
            .map(|(_, one)| one)
    }

    /// Whether one of them selects these labels.
    pub fn select(&self, labels: &Labels) -> bool {
        self.of(labels).next().is_some()
    }
}

impl<'a, T> FromIterator<(&'a LabelSelector, T)> for Selectors<'a, T> {
    fn from_iter<I: IntoIterator<Item = (&'a LabelSelector, T)>>(selectors: I) -> Self {
        let (mut by_label, mut others) = (HashMap::<_, Vec<_>>::new(), Vec::new());
        for (selector, one) in selectors {
            // The last key is as good as any: names come after marks that everything of a release has.
            match selector.match_labels.iter().next_back() {
                Some((key, value)) => by_label.entry((key.as_str(), value.as_str())).or_default(),
                None => &mut others,
            }
            .push((selector, one));
        }
        Self { by_label, others }
    }
}

#[cfg(test)]
mod tests {
    use super::{LabelSelector, Labels, Selectors};

    #[test]
    fn those_are_found_that_match() {
        let selector = |text: &str| serde_yaml::from_str::<LabelSelector>(text).unwrap();
        let all = [
            selector("matchLabels: {app: a}"),
            selector("matchLabels: {app: a, tier: web}"),
            selector("matchLabels: {app: a, tier: data}"),
            selector("matchExpressions: [{key: app, operator: Exists}]"),
            selector("{}"),
        ];
        let selectors: Selectors<'_, usize> = all.iter().zip(0..).collect();
        let found = |text: &str| {
            let labels: Labels = serde_yaml::from_str(text).unwrap();
            let mut found: Vec<_> = selectors.of(&labels).copied().collect();
            found.sort_unstable();
            found
        };
        assert_eq!(found("{app: a, tier: web}"), [0, 1, 3, 4]);
        assert_eq!(found("{app: b}"), [3, 4]);
        assert_eq!(found("{}"), [4]);
    }
}
