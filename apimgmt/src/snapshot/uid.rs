//! What tells an object from a former one of its name.

use std::{fmt, fmt::Write as _};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The unique id of an object, as the API server gave it; thousands are held at once, so it is kept as its 16 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(Kept);

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kept {
    #[default]
    Nothing,
    /// Of the form that every API server writes.
    Bytes([u8; 16]),
    /// Of any other form: nothing in the API promises one.
    Words(Box<str>),
}

impl Uid {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0 == Kept::Nothing
    }
}

/// Where the hyphens of RFC 9562 stand: before these bytes.
const HYPHENS: [usize; 4] = [4, 6, 8, 10];

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        Self(match bytes(text) {
            _ if text.is_empty() => Kept::Nothing,
            // Only what reads back as the same text may be kept as bytes.
            Some(bytes) if Self(Kept::Bytes(bytes)).to_string() == text => Kept::Bytes(bytes),
            _ => Kept::Words(text.into()),
        })
    }
}

fn bytes(text: &str) -> Option<[u8; 16]> {
    let mut digits = text.chars().filter(|character| *character != '-');
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        let high = digits.next()?.to_digit(16)?;
        let low = digits.next()?.to_digit(16)?;
        *byte = u8::try_from(16 * high + low).ok()?;
    }
    Some(bytes)
}

impl fmt::Display for Uid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kept::Nothing => Ok(()),
            Kept::Words(text) => formatter.write_str(text),
            Kept::Bytes(bytes) => {
                for (place, byte) in bytes.iter().enumerate() {
                    if HYPHENS.contains(&place) {
                        formatter.write_char('-')?;
                    }
                    write!(formatter, "{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

impl Serialize for Uid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Ok(Self::from(text.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::Uid;

    #[test]
    fn every_form_reads_back_as_it_was() {
        for text in [
            "",
            "u-1",
            "0d8e5f3a-1b2c-4d5e-8f90-a1b2c3d4e5f6",
            "0D8E5F3A-1B2C-4D5E-8F90-A1B2C3D4E5F6",
            "0d8e5f3a1b2c4d5e8f90a1b2c3d4e5f6",
            "0d8e5f3a-1b2c-4d5e-8f90-a1b2c3d4e5f6-7",
        ] {
            let uid = Uid::from(text);
            assert_eq!(uid.to_string(), text);
            assert_eq!(uid.is_empty(), text.is_empty());
            let written = serde_json::to_string(&uid).unwrap();
            assert_eq!(serde_json::from_str::<Uid>(&written).unwrap(), uid);
        }
        assert_eq!(size_of::<Uid>(), 24);
    }
}
