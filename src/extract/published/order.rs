//! Dates such as 02/10/2020, which are read by the language of the page.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::super::metadata::Sources;

/// Which of two small numbers is the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
}

static TWO_SMALL_NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
    // Boundaries of ASCII: with those of Unicode the expression has no automaton, and takes ten times as long.
    Regex::new(r"(?-u:\b)(0?[1-9]|1[0-2])/(0?[1-9]|1[0-2])/((?:19|20)[0-9][0-9])(?-u:\b)")
        .expect("a constant pattern, compiled by the tests")
});

impl Order {
    /// The order in the page's language. `None` where it depends on the country and the page names none: in English,
    /// and in languages that put the year first or share a country with English.
    pub(super) fn of(sources: &Sources<'_>) -> Option<Self> {
        let tag = sources.language()?.value;
        let (primary, rest) = tag.split_once('-').unwrap_or((&tag, ""));
        match primary {
            "en" if rest.eq_ignore_ascii_case("us") => Some(Self::MonthFirst),
            "en" if ["gb", "au", "nz", "ie", "in", "pk"].iter().any(|country| rest.eq_ignore_ascii_case(country)) => {
                Some(Self::DayFirst)
            }
            "ru" | "kk" | "ky" | "tg" | "uz" | "tk" | "uk" | "be" | "az" | "tr" | "de" | "fr" | "it" | "pt" | "nl"
            | "pl" | "cs" | "sk" | "ro" | "da" | "nb" | "no" | "fi" | "el" | "bg" | "sr" | "hr" | "sl" | "he"
            | "vi" | "id" => Some(Self::DayFirst),
            "es" if !rest.eq_ignore_ascii_case("us") => Some(Self::DayFirst),
            _ => None,
        }
    }

    /// A line in which such dates are written so that they have one meaning.
    pub(super) fn clear(order: Option<Self>, line: String) -> String {
        let Some(order) = order.filter(|_| line.contains('/')) else { return line };
        let turned = TWO_SMALL_NUMBERS.replace_all(&line, |found: &Captures<'_>| match order {
            Self::DayFirst => format!("{}.{}.{}", &found[1], &found[2], &found[3]),
            Self::MonthFirst => format!("{}.{}.{}", &found[2], &found[1], &found[3]),
        });
        turned.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_put_in_order() {
        let cleared = |order, line: &str| Order::clear(order, line.to_owned());
        assert_eq!(cleared(Some(Order::DayFirst), "Dam, 02/10/2020"), "Dam, 02.10.2020");
        assert_eq!(cleared(Some(Order::MonthFirst), "Dam, 02/10/2020"), "Dam, 10.02.2020");
        assert_eq!(cleared(None, "02/10/2020"), "02/10/2020");
        assert_eq!(cleared(Some(Order::DayFirst), "25/10/2020"), "25/10/2020");
    }
}
