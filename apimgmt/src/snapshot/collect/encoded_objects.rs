//! Splits a list in the API server's binary encoding into its objects while its bytes arrive.
//!
//! The body is the magic `k8s\0` and a `runtime.Unknown`, whose field 2 is the list: its metadata in field 1, its objects in
//! field 2 (<https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>). Every field has a length.

use std::mem;

use prost::Message;

use super::{objects::LONGEST, trouble::Trouble};

/// The encoding's name in `Accept` and `Content-Type`.
pub(super) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

const MAGIC: &[u8] = b"k8s\0";
/// The list in its envelope.
const RAW: u64 = 2;
/// The list's own metadata.
const METADATA: u64 = 1;
/// One of its objects.
const ITEM: u64 = 2;

/// Where the splitter is.
#[derive(Default)]
pub(super) struct EncodedObjects {
    /// What has arrived and is not whole yet.
    partial: Vec<u8>,
    stage: Stage,
    token: Option<String>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Magic,
    Envelope,
    /// In the list, of which so many bytes are left.
    List(usize),
    /// Behind the list, in the envelope again.
    Rest,
}

#[derive(Message)]
struct ListMetadata {
    #[prost(string, tag = "3")]
    token: String,
}

/// A field that has begun: its number, and where its content begins and ends.
struct Field {
    number: u64,
    start: usize,
    end: usize,
}

impl EncodedObjects {
    /// Takes the next piece, and hands over each object that is complete with it.
    pub(super) fn take(
        &mut self,
        piece: &[u8],
        mut object: impl FnMut(&[u8]) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        self.partial.extend_from_slice(piece);
        let bytes = mem::take(&mut self.partial);
        let mut at = 0;
        while let Some(length) = self.step(&bytes[at..], &mut object)? {
            at += length;
        }
        self.partial = bytes;
        self.partial.drain(..at);
        Ok(())
    }

    /// Reads one thing; how long it was, or `None` when it is not whole yet.
    fn step(
        &mut self,
        bytes: &[u8],
        object: &mut impl FnMut(&[u8]) -> Result<(), Trouble>,
    ) -> Result<Option<usize>, Trouble> {
        match self.stage {
            Stage::Magic => {
                if bytes.len() < MAGIC.len() {
                    return Ok(None);
                }
                if !bytes.starts_with(MAGIC) {
                    return Err(Trouble::failed("the answer is not in the encoding that it names"));
                }
                self.stage = Stage::Envelope;
                Ok(Some(MAGIC.len()))
            }
            Stage::List(0) => {
                self.stage = Stage::Rest;
                self.token.get_or_insert_default();
                Ok(Some(0))
            }
            Stage::Envelope | Stage::Rest => match field(bytes)? {
                Some(Field {
                    number: RAW,
                    start,
                    end,
                }) if self.stage == Stage::Envelope => {
                    self.stage = Stage::List(end - start);
                    Ok(Some(start))
                }
                Some(Field { end, .. }) => Ok((end <= bytes.len()).then_some(end)),
                None => Ok(None),
            },
            Stage::List(left) => {
                let Some(Field { number, start, end }) = field(bytes)? else {
                    return Ok(None);
                };
                let rest = left
                    .checked_sub(end)
                    .ok_or_else(|| Trouble::failed("an object of the list is longer than the list"))?;
                if end - start > LONGEST {
                    return Err(Trouble::failed("an object of the list is longer than an object can be"));
                }
                let Some(content) = bytes.get(start..end) else {
                    return Ok(None);
                };
                match number {
                    METADATA => self.token = Some(ListMetadata::decode(content).map_err(|error| misfit(&error))?.token),
                    ITEM => object(content)?,
                    _ => {}
                }
                self.stage = Stage::List(rest);
                Ok(Some(end))
            }
        }
    }

    /// The continue token, as soon as it is known.
    pub(super) fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Whether the list came to its end; a stream that was cut did not.
    pub(super) fn is_complete(&self) -> bool {
        self.stage == Stage::Rest && self.partial.is_empty()
    }
}

/// An object that is not what it should be.
pub(super) fn misfit(error: &prost::DecodeError) -> Trouble {
    Trouble::failed(format!("an object does not fit its kind: {error}"))
}

/// The field that begins here; `None` while its head is not whole.
fn field(bytes: &[u8]) -> Result<Option<Field>, Trouble> {
    /// The only kind of field in lists and envelopes: one with a length.
    const LENGTH: u64 = 2;
    let Some((key, key_length)) = number(bytes)? else {
        return Ok(None);
    };
    if key & 7 != LENGTH {
        return Err(Trouble::failed("the answer is no list"));
    }
    let Some((length, length_length)) = number(&bytes[key_length..])? else {
        return Ok(None);
    };
    let start = key_length + length_length;
    let end = usize::try_from(length)
        .ok()
        .and_then(|length| start.checked_add(length));
    let end = end.ok_or_else(|| Trouble::failed("the answer is longer than an answer can be"))?;
    Ok(Some(Field {
        number: key >> 3,
        start,
        end,
    }))
}

/// A number in groups of seven bits, the lowest first, and how many bytes it took.
fn number(bytes: &[u8]) -> Result<Option<(u64, usize)>, Trouble> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f)
            .checked_shl(7 * u32::try_from(index).unwrap_or(u32::MAX))
            .unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() >= 10 {
        return Err(Trouble::failed("the answer is not in the encoding that it names"));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::{EncodedObjects, MAGIC};

    fn with_length(key: u8, content: &[u8]) -> Vec<u8> {
        let mut field = vec![key];
        prost::encoding::encode_varint(content.len() as u64, &mut field);
        field.extend_from_slice(content);
        field
    }

    /// A list of two objects, with its token.
    fn list(token: &str) -> Vec<u8> {
        let metadata = [with_length(0x12, b"7"), with_length(0x1a, token.as_bytes())].concat();
        let objects = [with_length(0x12, &[b'a'; 300]), with_length(0x12, b"")].concat();
        let list = [with_length(0x0a, &metadata), objects].concat();
        let kind = with_length(0x0a, b"PodList");
        [
            MAGIC,
            &kind,
            &with_length(0x12, &list),
            &with_length(0x1a, b""),
            &with_length(0x22, b""),
        ]
        .concat()
    }

    fn split(bytes: &[u8], piece: usize) -> (Vec<usize>, Option<String>, bool) {
        let mut objects = EncodedObjects::default();
        let mut seen = Vec::new();
        for part in bytes.chunks(piece) {
            objects
                .take(part, |object| {
                    seen.push(object.len());
                    Ok(())
                })
                .unwrap();
        }
        (seen, objects.token(), objects.is_complete())
    }

    #[test]
    fn a_list_is_split_alike_however_its_bytes_arrive() {
        let bytes = list("next");
        for piece in 1..bytes.len() {
            let (seen, token, complete) = split(&bytes, piece);
            assert_eq!(
                (seen.as_slice(), token.as_deref(), complete),
                (&[300, 0][..], Some("next"), true)
            );
        }
        assert_eq!(split(&list(""), 64).1.as_deref(), Some(""));
    }

    #[test]
    fn a_cut_list_is_never_taken_for_a_whole_one() {
        let bytes = list("");
        // The two empty fields behind the list say nothing.
        for end in 1..bytes.len() - 4 {
            assert!(!split(&bytes[..end], 7).2, "{end}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for bytes in [
            &b"{\"kind\""[..],
            b"k8s\0\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"k8s\0\x08\x01",
        ] {
            assert!(EncodedObjects::default().take(bytes, |_| Ok(())).is_err());
        }
    }
}
