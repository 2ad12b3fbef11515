//! Durations and sizes as people write them: `30s`, `15m`, `8MiB`.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::Error;

/// A length of time, at least one millisecond and at most ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::SignedDuration::try_from(self.0) {
            Ok(duration) => write!(f, "{duration:#}"),
            Err(_) => write!(f, "{:?}", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_period(&text).map_err(D::Error::custom)
    }
}

fn parse_period(text: &str) -> Result<Period, String> {
    let wrong = || format!("{text:?} is not a duration; write it like \"30s\", \"15m\", \"24h\" or \"7d\"");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    let duration = Duration::try_from(duration).map_err(|_| wrong())?;
    let ten_years = Duration::from_secs(10 * 366 * 24 * 3600);
    if duration < Duration::from_millis(1) || duration > ten_years {
        return Err(format!("{text:?} is out of range: from 1ms to ten years"));
    }
    Ok(Period(duration))
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// So many mebibytes.
    pub const fn mib(mebibytes: u64) -> Self {
        Self(mebibytes << 20)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let size: bytesize::ByteSize = text.parse().map_err(|_| {
            D::Error::custom(format!("{text:?} is not a size; write it like \"512KiB\", \"8MiB\", \"2GB\""))
        })?;
        Ok(Self(size.as_u64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_as_people_write_them() {
        let cases = [
            ("30s", Some(30)),
            ("15m", Some(900)),
            ("24h", Some(86_400)),
            ("7d", Some(604_800)),
            ("1h30m", Some(5_400)),
        ];
        for (text, seconds) in
            cases.into_iter().chain([("15", None), ("", None), ("-5m", None), ("5 parsecs", None), ("0s", None)])
        {
            assert_eq!(parse_period(text).ok(), seconds.map(Period::from_secs), "{text:?}");
        }
    }
}
