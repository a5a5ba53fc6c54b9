//! Items that are set aside.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

/// An item set aside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiver {
    /// Id of the item.
    pub item: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub owner: String,
    /// Until when: a time, or a day to its end (UTC); an expired waiver is a fail.
    #[serde(deserialize_with = "time_or_day")]
    pub until: Option<Timestamp>,
}

/// The chart's schema allows a day.
fn time_or_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    match text.parse() {
        Ok(time) => Ok(Some(time)),
        Err(error) => match text.parse::<jiff::civil::Date>() {
            Ok(day) => Ok(crate::statement::end_of(day)),
            Err(_) => Err(serde::de::Error::custom(error)),
        },
    }
}
