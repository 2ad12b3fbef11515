//! The filter flags of the command line: the same terms as in the inline syntax.

use serde::{Deserialize, Serialize};

use super::parse::{self, FieldName};
use super::{Query, QueryContext, QueryError};

/// Filters given as flags. Each flag may be repeated and, but for words, takes a comma list: one of its values must
/// match; different flags must all match.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filters {
    /// Words in the title, in a row; "in quotes" as they are written
    #[arg(long, value_name = "WORDS")]
    pub title: Vec<String>,
    /// Words in the name of an author, in a row; kar* for a beginning
    #[arg(long, value_name = "NAME")]
    pub author: Vec<String>,
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
    /// Site of the article, with all below it: gov.kz finds press.gov.kz
    #[arg(long, value_name = "DOMAIN")]
    pub site: Vec<String>,
    /// What there must be: image, author, date or tags
    #[arg(long, value_name = "PART")]
    pub has: Vec<String>,
    /// new, update, relabel, withdrawn or duplicate
    #[arg(long, value_name = "EVENT")]
    pub event: Vec<String>,
    /// Recorded at or after: 2h, 3d, yesterday, 2026-11-01, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Recorded before; a day is included whole
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Recorded on the day: today, yesterday, 2026-11-01
    #[arg(long, value_name = "DAY")]
    pub on: Vec<String>,
}

impl Filters {
    /// Adds the filters to a query: what it asked for and these must hold.
    ///
    /// # Errors
    /// The first value that is unknown or wrong, or one too many; the error shows the flag as it was given.
    pub fn add_to(&self, query: &mut Query, context: &QueryContext<'_>) -> Result<(), QueryError> {
        let lists = [
            (FieldName::Title, &self.title),
            (FieldName::Author, &self.author),
            (FieldName::Topic, &self.topic),
            (FieldName::Country, &self.country),
            (FieldName::Lang, &self.lang),
            (FieldName::Source, &self.source),
            (FieldName::Site, &self.site),
            (FieldName::Has, &self.has),
            (FieldName::Event, &self.event),
            (FieldName::On, &self.on),
        ];
        let times = [(FieldName::Since, self.since.as_slice()), (FieldName::Until, self.until.as_slice())];
        for (field, values) in lists.map(|(field, values)| (field, values.as_slice())).into_iter().chain(times) {
            let before = query.term_count();
            let mut terms = Vec::new();
            for value in values {
                parse::flag_terms(field, value, context, (before, &mut terms))?;
            }
            if !terms.is_empty() {
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
                title: vec![" \"state visit\"".into()],
                author: vec!["kar*".into(), "Ким".into()],
                topic: vec!["energy".into(), "water".into()],
                country: vec!["South Korea, kz".into()],
                lang: vec!["uz".into()],
                source: vec!["astanatimes".into()],
                site: vec!["gov.kz, gov.uz".into()],
                has: vec!["image".into()],
                event: vec!["new".into()],
                since: Some("7d".into()),
                until: Some("2026-11-01 10:00".into()),
                on: vec!["yesterday".into()],
            };
            let mut query = Query::parse("gas", context).unwrap();
            filters.add_to(&mut query, context).unwrap();
            let names = query.clauses.remove(2).any.remove(0);
            assert_eq!(names.terms.len(), 2, "one of the two authors");
            let inline = "gas title:\"state visit\" topic:energy,water country:\"South Korea\",KZ lang:uz source:astanatimes \
                          site:gov.kz,gov.uz has:image event:new on:yesterday since:7d until:\"2026-11-01 10:00\"";
            assert_eq!(query, Query::parse(inline, context).unwrap());
            let (since, until) = query.recorded_between();
            assert_eq!(since.unwrap().to_string(), "2026-11-21T00:00:00Z");
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
            let day = |from: &str, until: &str| (Some(from.parse().unwrap()), Some(until.parse().unwrap()));
            assert_eq!(between("on:2026-11-01"), day("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"));
            assert_eq!(between("on:2026-11-05,2026-11-01"), day("2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"));
            let (since, until) = between("on:2026-11-05 OR until:2026-11-01");
            assert_eq!((since, until.unwrap().to_string().as_str()), (None, "2026-11-06T00:00:00Z"));
            assert_eq!(between("-on:2026-11-01"), (None, None));
            assert_eq!(between("on:2026-11-01 OR gas"), (None, None));
        });
    }

    #[test]
    fn a_query_and_its_flags_have_so_many_terms_together() {
        with_context(|context| {
            let added = |inline: usize, filters: Filters| {
                let mut query = Query::parse(&"gas ".repeat(inline), context).unwrap();
                filters.add_to(&mut query, context).map(|()| query.term_count())
            };
            let many = |count: usize| vec!["kar*".to_owned(); count];
            let lists = |count: usize| vec![vec!["kz"; count].join(",")];
            assert_eq!(added(100, Filters { title: many(60), author: many(40), ..Filters::default() }), Ok(200));
            let refused = [
                added(0, Filters { title: many(201), ..Filters::default() }),
                added(0, Filters { title: many(150), author: many(51), ..Filters::default() }),
                added(150, Filters { author: many(51), ..Filters::default() }),
                added(150, Filters { country: lists(51), ..Filters::default() }),
                added(200, Filters { since: Some("7d".into()), ..Filters::default() }),
            ];
            for refused in refused {
                assert_eq!(refused.unwrap_err().message, "a query has at most 200 terms, those of flags included");
            }
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
