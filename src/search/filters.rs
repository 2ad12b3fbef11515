//! The filter flags of the command line: the same terms as in the inline syntax.

use serde::{Deserialize, Serialize};

use super::parse::{self, FieldName};
use super::{Query, QueryContext, QueryError};

/// Filters given as flags. Each flag takes a comma list and may be repeated: one of its values must match;
/// different flags must all match.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filters {
    /// Topic id
    #[arg(long, value_name = "ID")]
    pub topic: Vec<String>,
    /// Country the article is about: two-letter code or English name
    #[arg(long, value_name = "CODE")]
    pub country: Vec<String>,
    /// Language, in any script: ru, kk, uz, uz-Cyrl
    #[arg(long, value_name = "TAG")]
    pub lang: Vec<String>,
    /// Source id
    #[arg(long, value_name = "ID")]
    pub source: Vec<String>,
    /// new, update, relabel, withdrawn or duplicate
    #[arg(long, value_name = "EVENT")]
    pub event: Vec<String>,
    /// Recorded at or after: 2h, 3d, yesterday, 2026-11-01, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Recorded before; a day is included whole
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

impl Filters {
    /// Adds the filters to a query: what it asked for and these must hold.
    ///
    /// # Errors
    /// The first value that is unknown or wrong; the error shows the flag as it was given.
    pub fn add_to(&self, query: &mut Query, context: &QueryContext<'_>) -> Result<(), QueryError> {
        let lists = [
            (FieldName::Topic, &self.topic),
            (FieldName::Country, &self.country),
            (FieldName::Lang, &self.lang),
            (FieldName::Source, &self.source),
            (FieldName::Event, &self.event),
        ];
        for (field, values) in lists {
            let mut terms = Vec::new();
            for value in values {
                parse::flag_terms(field, value, context, &mut terms)?;
            }
            if !terms.is_empty() {
                query.require(terms);
            }
        }
        for (field, value) in [(FieldName::Since, &self.since), (FieldName::Until, &self.until)] {
            if let Some(value) = value {
                let mut terms = Vec::new();
                parse::flag_terms(field, value, context, &mut terms)?;
                query.require(terms);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn with_context<T>(ask: impl FnOnce(&QueryContext<'_>) -> T) -> T {
        let zone = TimeZone::UTC;
        let topics = ["energy".to_owned(), "water".to_owned()];
        let now = "2026-11-22T08:00:00Z".parse().unwrap();
        ask(&QueryContext { now, zone: &zone, topics: &topics, sources: &[] })
    }

    #[test]
    fn flags_and_inline_terms_are_the_same() {
        with_context(|context| {
            let filters = Filters {
                topic: vec!["energy".into(), "water".into()],
                country: vec!["South Korea, kz".into()],
                lang: vec!["uz".into()],
                source: vec!["astanatimes".into()],
                event: vec!["new".into()],
                since: Some("7d".into()),
                until: Some("2026-11-01 10:00".into()),
            };
            let mut query = Query::parse("gas", context).unwrap();
            filters.add_to(&mut query, context).unwrap();
            let inline = "gas topic:energy,water country:\"South Korea\",KZ lang:uz source:astanatimes event:new \
                          since:7d until:\"2026-11-01 10:00\"";
            assert_eq!(query, Query::parse(inline, context).unwrap());
            let (since, until) = query.recorded_between();
            assert_eq!(since.unwrap().to_string(), "2026-11-15T08:00:00Z");
            assert_eq!(until.unwrap().to_string(), "2026-11-01T10:00:00Z");
        });
    }

    #[test]
    fn the_narrowest_times_bound_the_log() {
        with_context(|context| {
            let between = |text| Query::parse(text, context).unwrap().recorded_between();
            let (since, until) = between("since:9d since:2d until:1h until:1d gas");
            assert_eq!(since.unwrap().to_string(), "2026-11-20T08:00:00Z");
            assert_eq!(until.unwrap().to_string(), "2026-11-21T08:00:00Z");
            assert_eq!(between("-since:2d since:1d OR gas"), (None, None));
        });
    }

    #[test]
    fn a_wrong_flag_is_shown() {
        with_context(|context| {
            let filters = Filters { topic: vec!["water,enrgy".into()], ..Filters::default() };
            let error = filters.add_to(&mut Query::default(), context).unwrap_err();
            assert_eq!((error.at, error.query.as_str()), (14, "--topic water,enrgy"));
            let filters = Filters { since: Some(String::new()), ..Filters::default() };
            assert!(filters.add_to(&mut Query::default(), context).is_err());
        });
    }
}
