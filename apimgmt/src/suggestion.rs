//! "Did you mean": the nearest of some known names.

use strsim::damerau_levenshtein as edits;

/// The candidate with the fewest edits to `name`, when that is at most a third of its letters.
///
/// A candidate `section/slug` is also compared by its slug alone.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            let slug = candidate.rsplit('/').next().unwrap_or(candidate);
            (edits(name, candidate).min(edits(name, slug)), candidate)
        })
        .min()
        .filter(|(distance, _)| distance * 3 <= name.len().max(3))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_a_stranger_is_not() {
        let known = ["cache/instance", "database/instance", "pre", "post"];
        assert_eq!(nearest("cache/instnace", known), Some("cache/instance"));
        assert_eq!(nearest("psot", known), Some("post"), "two swapped letters are one slip");
        assert_eq!(nearest("instanc", known), Some("cache/instance"), "by the slug alone");
        assert_eq!(nearest("something else", known), None);
    }
}
