//! Where in a YAML file a value stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::profile::origin;

/// A parsed file that remembers its lines.
pub struct Lines {
    root: Spanned<Node>,
    /// For each line of what was read, the line that it comes from; empty when that is the same.
    origins: Vec<u64>,
}

enum Node {
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
    List(Vec<Spanned<Self>>),
    Scalar,
}

impl Lines {
    /// Reads a file's text; nothing when it is no YAML.
    pub fn read(text: &str) -> Option<Self> {
        let root = serde_saphyr::from_str(text).ok()?;
        Some(Self {
            root,
            origins: Vec::new(),
        })
    }

    /// The same, when what was read was itself made from another file.
    pub(super) fn coming_from(self, origins: Vec<u64>) -> Self {
        Self { origins, ..self }
    }

    /// The line (from 1) of the value at `path`, when the file sets it; for a key of a map, the key's line.
    pub fn of(&self, path: &[String]) -> Option<u64> {
        let mut node = &self.root;
        let mut line = node.referenced.line();
        for step in path {
            match &node.value {
                Node::Map(entries) => {
                    let (key, value) = entries.iter().find(|(key, _)| key.value == *step)?;
                    (line, node) = (key.referenced.line(), value);
                }
                Node::List(items) => {
                    node = items.get(step.parse::<usize>().ok()?)?;
                    line = node.referenced.line();
                }
                Node::Scalar => return None,
            }
        }
        Some(origin(&self.origins, line))
    }
}

/// The line (from 1) at which text stops being YAML, and why; without the text, which may be secret.
pub(super) fn yaml_problem(text: &str) -> Option<(u64, String)> {
    let error = serde_saphyr::from_str::<Spanned<Node>>(text).err()?;
    let line = error.location().map_or(1, |location| location.line());
    // The parser's own words name what it expected; those about a value would show it.
    let words = match error.without_snippet() {
        serde_saphyr::Error::ExternalMessage { msg, .. } => msg.clone(),
        serde_saphyr::Error::DuplicateMappingKey { .. } => "a key is there twice".into(),
        _ => "it can't be read".into(),
    };
    Some((line, words))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("YAML")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Ok(Node::Scalar)
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn a_value_is_found_on_its_line() {
        let lines = Lines::read("# values\na: 1\nb:\n  c: [x, {d: true}]\n  e:\n    - one\n    - two: null\n").unwrap();
        let of = |path: &str| {
            lines.of(&path
                .split('.')
                .filter(|step| !step.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>())
        };
        assert_eq!(of("a"), Some(2));
        assert_eq!(of("b.c.1.d"), Some(4));
        assert_eq!(of("b.e.1.two"), Some(7));
        assert_eq!(of("b.x"), None);
        assert_eq!(of("a.x"), None);
    }

    #[test]
    fn what_is_no_yaml_has_no_lines() {
        assert!(Lines::read("a: [").is_none());
    }
}
