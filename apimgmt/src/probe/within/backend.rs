//! A backend of logs or traces, which knows what it was sent only after a while.

use std::time::{Duration, Instant};

/// Between two looks at whether it is there.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks until it is there; what was seen last is the reason when time is up.
///
/// # Errors
/// In words, when it was not found in time.
pub(super) async fn sought(
    within: Duration,
    began: Instant,
    look: impl AsyncFn() -> Result<bool, String>,
) -> Result<(), String> {
    let mut last;
    loop {
        match look().await {
            Ok(true) => return Ok(()),
            Ok(false) => last = "it is not there".to_owned(),
            Err(why) => last = why,
        }
        if began.elapsed() > within {
            return Err(format!("not found within {} s: {last}", within.as_secs()));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// `HOST:PORT` and the path before the API's own.
///
/// # Errors
/// In words, when it is no plain HTTP.
pub(super) fn plain(url: &str) -> Result<(String, &str), String> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| format!("`{url}` does not begin with `http://`"))?;
    let (authority, base) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let address = if authority.contains(':') {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    Ok((address, base.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{plain, sought};

    #[test]
    fn an_address_has_a_port_and_may_have_a_path() {
        assert_eq!(plain("http://loki:3100"), Ok(("loki:3100".into(), "")));
        assert_eq!(plain("http://search/es/"), Ok(("search:80".into(), "/es")));
        assert!(plain("https://loki").is_err());
    }

    #[tokio::test]
    async fn what_was_seen_last_is_the_reason() {
        let began = Instant::now();
        let found = sought(Duration::ZERO, began, async || Ok(true)).await;
        assert_eq!(found, Ok(()));
        let found = sought(Duration::ZERO, began, async || Err("it answered 500".to_owned())).await;
        assert_eq!(found, Err("not found within 0 s: it answered 500".to_owned()));
    }
}
