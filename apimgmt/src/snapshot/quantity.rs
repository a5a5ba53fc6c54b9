//! Kubernetes quantities: `250m`, `64Mi`, `1.5G`, `12e3`.

use serde::{Deserialize, Deserializer, Serialize};

/// An amount as Kubernetes writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Quantity(pub String);

impl Quantity {
    /// The amount in thousandths (milli-CPU for CPU), rounded up as the scheduler does; `None` when it is no quantity.
    pub fn milli(&self) -> Option<i128> {
        const SUFFIXES: [(&str, f64); 14] = [
            ("Ki", 1024.0),
            ("Mi", 1_048_576.0),
            ("Gi", 1_073_741_824.0),
            ("Ti", 1_099_511_627_776.0),
            ("Pi", 1_125_899_906_842_624.0),
            ("Ei", 1_152_921_504_606_846_976.0),
            ("n", 1e-9),
            ("u", 1e-6),
            ("m", 1e-3),
            ("k", 1e3),
            ("M", 1e6),
            ("G", 1e9),
            ("T", 1e12),
            ("P", 1e15),
        ];
        let text = self.0.trim();
        let (number, factor) = SUFFIXES
            .iter()
            .find_map(|(suffix, factor)| text.strip_suffix(suffix).map(|number| (number, *factor)))
            .or_else(|| text.strip_suffix('E').map(|number| (number, 1e18)))
            .unwrap_or((text, 1.0));
        let value = number.parse::<f64>().ok().filter(|value| value.is_finite())? * factor * 1000.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "quantities are far below 2^127 thousandths"
        )]
        Some((value - 1e-6).ceil() as i128)
    }

    /// The amount in whole units (bytes for memory), rounded up; `None` when it is no quantity.
    pub fn units(&self) -> Option<i128> {
        self.milli()
            .map(|milli| milli.div_euclid(1000) + i128::from(milli.rem_euclid(1000) != 0))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Whole(i64),
            Decimal(f64),
        }
        Ok(Self(match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Whole(number) => number.to_string(),
            Written::Decimal(number) => number.to_string(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn amounts_are_read_as_kubernetes_reads_them() {
        let milli = |text: &str| Quantity(text.into()).milli();
        assert_eq!(milli("250m"), Some(250));
        assert_eq!(milli("2"), Some(2000));
        assert_eq!(milli("0.1"), Some(100));
        assert_eq!(milli("1n"), Some(1), "a fraction is rounded up");
        assert_eq!(milli("64Mi"), Some(64 * 1_048_576 * 1000));
        assert_eq!(milli("12e3"), Some(12_000_000));
        assert_eq!(milli("1E"), Some(1_000_000_000_000_000_000_000));
        assert_eq!(milli("lots"), None);
        assert_eq!(Quantity("1500m".into()).units(), Some(2));
    }
}
