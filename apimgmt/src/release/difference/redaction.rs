//! What must not be shown of a difference: data of Secrets, fields whose names say so, and either wherever it stands again.

use super::{fields::Field, rendered::Rendered};
use crate::snapshot::{Mask, names_a_secret};

/// What stands in place of a secret.
const HIDDEN: &str = "…secret…";
/// Endings of names that point to a secret and hold none.
const POINTERS: [&str; 6] = ["name", "ref", "key", "secrets", "secret", "token"];

/// Hides secrets.
pub(super) struct Redaction(Mask);

impl Redaction {
    /// Knows every value of the Secrets of these renderings.
    pub(super) fn of(rendered: [&Rendered; 2]) -> Self {
        let secrets = rendered.into_iter().flat_map(|rendered| rendered.objects.iter());
        let secrets = secrets.filter(|(name, _)| name.starts_with("secret/"));
        Self(Mask::of_secrets(secrets.map(|(_, object)| &object.body)))
    }

    /// Hides what is secret in a field; that it changes stays to be seen.
    pub(super) fn cover(&self, field: &mut Field, is_secret: bool) {
        let is_data = is_secret && (field.path.starts_with("data") || field.path.starts_with("stringData"));
        let hide = is_data || holds_a_secret(&field.path);
        for side in [&mut field.old, &mut field.new].into_iter().flatten() {
            *side = if hide { HIDDEN.into() } else { self.0.apply(side) };
        }
    }
}

/// Whether a path says that its value is secret: `database.password`, `env[DB_PASSWORD].value`.
fn holds_a_secret(path: &str) -> bool {
    let mut steps = path.rsplit(['.', '[']).map(|step| step.trim_end_matches(']'));
    let last = steps.next().unwrap_or_default();
    let name = if last == "value" {
        steps.next().unwrap_or_default()
    } else {
        last
    };
    let is_pointer = last != "value"
        && POINTERS
            .iter()
            .any(|ending| name.to_ascii_lowercase().ends_with(ending));
    names_a_secret(name) && !is_pointer
}
