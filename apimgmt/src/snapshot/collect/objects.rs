//! Splits a list into its objects while its bytes arrive, so that memory never holds more than one of them unread.

use serde::{Deserialize, de::IgnoredAny};

use super::trouble::Trouble;

/// Longest object that is taken; etcd holds none above a few megabytes.
pub(super) const LONGEST: usize = 8 << 20;

/// Where the splitter is.
#[derive(Default)]
pub(super) struct Objects {
    /// Everything around the items: the list's own fields.
    frame: Vec<u8>,
    /// The object under way, when a piece ended inside it.
    partial: Vec<u8>,
    /// The key or text that was read last in the frame.
    word: Vec<u8>,
    depth: usize,
    in_text: bool,
    escaped: bool,
    in_items: bool,
}

/// A list's own fields; `items` must be there, though a server may write it as null.
#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    metadata: ListMetadata,
    #[serde(rename = "items")]
    _items: IgnoredAny,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListMetadata {
    #[serde(rename = "continue")]
    token: String,
}

impl Objects {
    /// Takes the next piece, and hands over each object that is complete with it.
    pub(super) fn take(
        &mut self,
        piece: &[u8],
        mut object: impl FnMut(&[u8]) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut start = 0;
        let mut at = 0;
        while at < piece.len() {
            if self.in_text {
                at = self.skip_text(piece, at);
                continue;
            }
            let byte = piece[at];
            at += 1;
            match byte {
                b'"' => {
                    self.in_text = true;
                    if !self.in_items {
                        self.word.clear();
                    }
                }
                b'{' | b'[' => {
                    self.depth += 1;
                    if self.in_items && self.depth == 3 {
                        self.frame.extend_from_slice(trimmed(&piece[start..at - 1]));
                        start = at - 1;
                    } else if byte == b'[' && self.depth == 2 && self.word == b"items" {
                        self.in_items = true;
                        self.frame.extend_from_slice(&piece[start..at]);
                        start = at;
                    }
                }
                b'}' | b']' => {
                    self.depth = self
                        .depth
                        .checked_sub(1)
                        .ok_or_else(|| Trouble::failed("the answer is not JSON"))?;
                    if self.in_items && self.depth == 2 {
                        self.hand_over(&piece[start..at], &mut object)?;
                        start = at;
                    } else if self.in_items && self.depth == 1 {
                        self.in_items = false;
                        self.frame.push(b']');
                        start = at;
                    }
                }
                _ => {}
            }
        }
        if self.in_items && self.depth >= 3 {
            self.partial.extend_from_slice(&piece[start..]);
            if self.partial.len() > LONGEST {
                return Err(Trouble::failed("an object of the list is longer than an object can be"));
            }
        } else if !self.in_items {
            self.frame.extend_from_slice(&piece[start..]);
            if self.frame.len() > LONGEST {
                return Err(Trouble::failed("the answer is not a list"));
            }
        }
        Ok(())
    }

    /// Goes on to the end of the text, or of the piece.
    fn skip_text(&mut self, piece: &[u8], from: usize) -> usize {
        let mut at = from;
        while at < piece.len() {
            if self.escaped {
                self.escaped = false;
                at += 1;
                continue;
            }
            let Some(found) = memchr::memchr2(b'"', b'\\', &piece[at..]) else {
                at = piece.len();
                break;
            };
            at += found + 1;
            if piece[at - 1] == b'"' {
                self.in_text = false;
                break;
            }
            self.escaped = true;
        }
        if !self.in_items && self.word.len() < 16 {
            let end = if self.in_text { at } else { at - 1 };
            self.word.extend_from_slice(&piece[from..end]);
        }
        at
    }

    fn hand_over(&mut self, rest: &[u8], object: &mut impl FnMut(&[u8]) -> Result<(), Trouble>) -> Result<(), Trouble> {
        if self.partial.is_empty() {
            return object(rest);
        }
        self.partial.extend_from_slice(rest);
        let result = object(&self.partial);
        self.partial.clear();
        result
    }

    /// The continue token, as soon as it is known: before the items, where servers write the metadata first.
    pub(super) fn token(&self) -> Option<String> {
        if self.depth == 0 {
            return serde_json::from_slice::<Frame>(&self.frame)
                .ok()
                .map(|frame| frame.metadata.token);
        }
        let closed = [self.frame.as_slice(), b"]}"].concat();
        self.in_items
            .then(|| serde_json::from_slice::<Frame>(&closed).ok())
            .flatten()
            .map(|frame| frame.metadata.token)
            .filter(|token| !token.is_empty())
    }

    /// Whether the list came to its end; a stream that was cut did not.
    pub(super) fn is_complete(&self) -> bool {
        self.depth == 0 && serde_json::from_slice::<Frame>(&self.frame).is_ok()
    }
}

/// Between two objects stand a comma and white space, which belong to nobody.
fn trimmed(between: &[u8]) -> &[u8] {
    if between.iter().all(|byte| b", \n\r\t".contains(byte)) {
        &[]
    } else {
        between
    }
}

#[cfg(test)]
mod tests {
    use super::Objects;

    fn split(text: &str, piece: usize) -> (Vec<String>, Option<String>, bool) {
        let mut objects = Objects::default();
        let mut seen = Vec::new();
        for part in text.as_bytes().chunks(piece) {
            objects
                .take(part, |object| {
                    seen.push(String::from_utf8(object.to_vec()).unwrap());
                    Ok(())
                })
                .unwrap();
        }
        (seen, objects.token(), objects.is_complete())
    }

    #[test]
    fn a_list_is_split_alike_however_its_bytes_arrive() {
        let text = r#"{"kind":"PodList","metadata":{"continue":"to\"ken","note":"items"}, "items": [
            {"a":"}]\\","b":[{"items":[1,{}]}]} , {"c":"\"{"}, {} ] }"#;
        for piece in 1..text.len() {
            let (seen, token, complete) = split(text, piece);
            assert_eq!(
                seen,
                [r#"{"a":"}]\\","b":[{"items":[1,{}]}]}"#, r#"{"c":"\"{"}"#, "{}"],
                "pieces of {piece}"
            );
            assert_eq!(token.as_deref(), Some("to\"ken"));
            assert!(complete);
        }
    }

    #[test]
    fn the_metadata_may_come_last_and_items_may_be_none() {
        let (seen, token, complete) = split(r#"{"items":[],"metadata":{"continue":"next"}}"#, 5);
        assert_eq!((seen.len(), token.as_deref(), complete), (0, Some("next"), true));
        let (_, token, complete) = split(r#"{"items":null,"metadata":{}}"#, 5);
        assert_eq!((token.as_deref(), complete), (Some(""), true));
        assert!(!split(r#"{"kind":"Status","metadata":{}}"#, 5).2, "this is no list");
    }

    #[test]
    fn a_cut_list_is_never_taken_for_a_whole_one() {
        let text = r#"{"metadata":{},"items":[{"a":1},{"b":2}]}"#;
        for end in 1..text.len() {
            assert!(!split(&text[..end], 7).2, "{}", &text[..end]);
        }
    }

    #[test]
    fn the_token_is_known_before_the_objects_have_come() {
        assert_eq!(
            split(r#"{"metadata":{"continue":"x"},"items":[{"a":"#, 9).1.as_deref(),
            Some("x")
        );
    }
}
