//! Rendered text, read as Helm and the API server read it: by the rules of YAML 1.1.

use serde_json::Value;

/// Every object in rendered text, whoever keeps it; documents without a kind are none.
///
/// # Errors
/// In words, when it is not YAML.
pub fn objects(text: &str) -> Result<Vec<Value>, String> {
    let options = serde_saphyr::options! {
        // `0444` is a number.
        legacy_octal_numbers: true,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        // A release may have thousands of objects; what a record holds is bounded by its Secret.
        budget: None,
    };
    let documents: Vec<Option<Value>> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| error.without_snippet().to_string())?;
    let objects = documents.into_iter().flatten();
    Ok(objects.filter(|object| object["kind"].is_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::objects;

    #[test]
    fn documents_without_a_kind_are_no_objects() {
        let objects = objects("# nothing\n---\n---\nkind: Secret\n---\nnote: x\n---\n").unwrap();
        assert_eq!(objects.len(), 1);
        assert!(super::objects("").unwrap().is_empty());
        assert!(super::objects("kind: [").is_err());
    }

    #[test]
    fn scalars_are_what_they_are_to_helm() {
        let object = &objects("kind: Pod\nmode: 0444\nown: 0o444\ntext: \"0444\"\nsize: 010Mi\ntwice: 1\ntwice: 2\n")
            .unwrap()[0];
        assert_eq!(object["mode"], 0o444);
        assert_eq!(object["own"], 0o444);
        assert_eq!(object["text"], "0444");
        assert_eq!(object["size"], "010Mi");
        assert_eq!(object["twice"], 2, "the last one counts");
    }

    #[test]
    fn a_release_may_have_more_objects_than_anybody_would_write() {
        let text = "---\nkind: ConfigMap\nmetadata: {name: a}\n".repeat(5000);
        assert_eq!(objects(&text).unwrap().len(), 5000);
    }
}
