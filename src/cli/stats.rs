//! `stats`: how many records there are of what, drawn for people, as rows for pipes.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::ask::{OutputArguments, client, query_ask, tell_behind};
use super::operate::{left, right};
use super::output::{Bar, Column, Format, RowWriter, Surface, bar_chart, hour_chart, one_line, paint, sparkline};
use super::output::{Emphasis, OutputError};
use super::{Exit, Failure};
use crate::local_api::{Facet, FacetCounts, KeyCount, QueryAsk, Sort, Stats, StatsAsk};
use crate::search::Filters;

/// How to ask.
pub const HELP: &str = "\
Without --by: an overview of days, topics, countries, languages and sources. Words and filters are
those of `chapar query`, and the same records count: the newest version of each article, unless
event: is asked for. Outcomes and reasons are counted by whole days in UTC, and take no words or
filters but --since and --until.

Examples:
  chapar stats                                   an overview
  chapar stats --since 7d --country KZ           the same for some records
  chapar stats --by topic --since 30d pipeline   topics of what mentions pipelines
  chapar stats --by day,source -o csv            two tables, for a spreadsheet
  chapar stats --by hour --since 7d              a line a day, a block an hour
  chapar stats --by outcome,reason --since 7d    what became of the entries that were looked at";

/// What is counted where nothing is asked for.
const OVERVIEW: [Facet; 5] = [Facet::Day, Facet::Topic, Facet::Country, Facet::Language, Facet::Source];

/// Days in the overview's sparkline.
const OVERVIEW_DAYS: usize = 30;

/// Lines of each table of the overview.
const OVERVIEW_KEYS: usize = 8;

/// Lines of a table on a terminal unless `--limit` says otherwise; a pipe gets all. Days and hours are shown all.
const TERMINAL_LIMIT: usize = 25;

const COLUMNS: [Column; 5] =
    [left("by", "BY"), left("key", "KEY"), left("name", "NAME"), right("count", "COUNT"), right("share", "SHARE")];

#[derive(Args)]
pub struct StatsArguments {
    /// Words, "phrases", -without, topic: country: lang: source: since: until: title:, as for query
    words: Vec<String>,
    /// What to count by; several, with commas or repeated, give a table each
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    by: Vec<Facet>,
    #[command(flatten)]
    filters: Filters,
    /// At most so many lines of each table: the largest, or the newest days and hours
    #[arg(short = 'n', long)]
    limit: Option<NonZeroUsize>,
    #[command(flatten)]
    output: OutputArguments,
}

pub async fn stats(config: Option<PathBuf>, arguments: StatsArguments) -> Result<Exit, Failure> {
    let surface = Surface::of_stdout();
    let format = Format::chosen(arguments.output.format, Format::Table, &surface);
    let limit = arguments.limit.map(NonZeroUsize::get);
    let is_overview = arguments.by.is_empty();
    let by = if is_overview { OVERVIEW.to_vec() } else { arguments.by };
    let ask = StatsAsk { ask: QueryAsk { limit, ..query_ask(&arguments.words, arguments.filters) }, by };
    let client = client(config).await?;
    let (stats, behind): (Stats, _) = client.found("/v1/stats", &ask).await?;
    tell_behind(&client, behind, Sort::Date)?;
    let mut out = BufWriter::new(io::stdout().lock());
    if format == Format::Table {
        let mut charts = Charts { surface: &surface, limit, out: &mut out };
        if is_overview {
            charts.overview(&stats)?;
        } else {
            charts.tables(&stats)?;
        }
        out.flush()?;
    } else {
        write_rows(&stats, is_overview, format, surface.clone(), &mut out)?;
    }
    let is_empty = stats.facets.iter().all(|facet| facet.of == 0);
    if is_empty && surface.is_terminal() {
        writeln!(io::stderr(), "nothing matched")?;
    }
    Ok(if is_empty { Exit::NoMatch } else { Exit::Done })
}

/// A row for each count; the overview begins with the number of all records.
fn write_rows(
    stats: &Stats,
    is_overview: bool,
    format: Format,
    surface: Surface,
    out: &mut dyn Write,
) -> Result<(), OutputError> {
    let mut writer = RowWriter::new(format, surface, &COLUMNS, out);
    let mut write = |by: &str, KeyCount { key, name, count }: &KeyCount, of: u64| {
        let share = (*count as f64 / of.max(1) as f64 * 10_000.0).round() / 10_000.0;
        let mut row = Map::new();
        row.insert("by".to_owned(), Value::from(by));
        row.insert("key".to_owned(), json!(key));
        if let Some(name) = name {
            row.insert("name".to_owned(), Value::from(name.as_str()));
        }
        row.insert("count".to_owned(), Value::from(*count));
        row.insert("share".to_owned(), Value::from(share));
        writer.write(&row)
    };
    if let Some(total) = stats.total.filter(|_| is_overview) {
        write("total", &KeyCount { key: None, name: None, count: total }, total)?;
    }
    for facet in &stats.facets {
        facet.counts.iter().try_for_each(|count| write(facet.by.name(), count, facet.of))?;
    }
    writer.finish()
}

/// Draws an answer for people.
struct Charts<'a, W: Write> {
    surface: &'a Surface,
    limit: Option<usize>,
    out: &'a mut W,
}

impl<W: Write> Charts<'_, W> {
    fn overview(&mut self, stats: &Stats) -> Result<(), OutputError> {
        let Some(total) = stats.total.filter(|total| *total > 0) else { return Ok(()) };
        let heading = format!("{total} {}", if total == 1 { "record" } else { "records" });
        writeln!(self.out, "{}", paint(&heading, Emphasis::Strong, self.surface.colour))?;
        for facet in &stats.facets {
            writeln!(self.out)?;
            if facet.by == Facet::Day {
                self.days_in_short(&facet.counts)?;
            } else {
                self.bars(facet, self.limit.unwrap_or(OVERVIEW_KEYS))?;
            }
        }
        Ok(())
    }

    /// The last days as one line, ending today.
    fn days_in_short(&mut self, days: &[KeyCount]) -> Result<(), OutputError> {
        let shown = &days[days.len().saturating_sub(OVERVIEW_DAYS)..];
        let mut counts = vec![0; OVERVIEW_DAYS.saturating_sub(shown.len())];
        counts.extend(shown.iter().map(|day| day.count));
        let largest = counts.iter().max().copied().unwrap_or_default();
        let last = shown.last().and_then(|day| day.key.as_deref()).unwrap_or_default();
        let spark = sparkline(&counts, largest);
        let spark = paint(&spark, Emphasis::Place, self.surface.colour);
        writeln!(self.out, "{OVERVIEW_DAYS} days to {last}  {spark}  at most {largest} a day")?;
        Ok(())
    }

    fn tables(&mut self, stats: &Stats) -> Result<(), OutputError> {
        if stats.facets.iter().all(|facet| facet.of == 0) {
            return Ok(());
        }
        for (place, facet) in stats.facets.iter().enumerate() {
            if place > 0 {
                writeln!(self.out)?;
            }
            match facet.by {
                _ if facet.of == 0 => writeln!(self.out, "{}: nothing was counted", facet.by.name().to_uppercase())?,
                Facet::Hour => self.hours(&facet.counts)?,
                Facet::Day => self.bars(facet, usize::MAX)?,
                _ => self.bars(facet, self.limit.unwrap_or(TERMINAL_LIMIT))?,
            }
        }
        Ok(())
    }

    fn bars(&mut self, facet: &FacetCounts, limit: usize) -> Result<(), OutputError> {
        let unit = if facet.by.is_of_entries() { "ENTRIES" } else { "RECORDS" };
        let bars: Vec<Bar> = facet
            .counts
            .iter()
            .take(limit)
            .map(|count| Bar { name: name_of(facet.by, count), count: count.count })
            .collect();
        let title = facet.by.name().to_uppercase();
        for line in bar_chart(&title, unit, &bars, facet.of, self.surface) {
            writeln!(self.out, "{line}")?;
        }
        let rest = facet.keys.saturating_sub(bars.len() as u64);
        let mut notes = Vec::new();
        if rest > 0 {
            notes.push(format!("{rest} more with `--by {} --limit {}`", facet.by.name(), facet.keys));
        }
        if let Some(day) = facet.counted_since {
            notes.push(format!("counted since {day}"));
        }
        for note in notes {
            writeln!(self.out, "{}", paint(&note, Emphasis::Faint, self.surface.colour))?;
        }
        Ok(())
    }

    /// A line a day.
    fn hours(&mut self, hours: &[KeyCount]) -> Result<(), OutputError> {
        let mut days: BTreeMap<&str, [u64; 24]> = BTreeMap::new();
        for KeyCount { key, count, .. } in hours {
            let Some((day, time)) = key.as_deref().and_then(|key| key.split_once('T')) else { continue };
            // The hour that comes twice when clocks are set back is one place of the line.
            let hour = time.get(..2).and_then(|hour| hour.parse::<usize>().ok());
            if let Some(place) = hour.and_then(|hour| days.entry(day).or_default().get_mut(hour)) {
                *place += count;
            }
        }
        let days: Vec<(String, [u64; 24])> = days.into_iter().map(|(day, hours)| (with_weekday(day), hours)).collect();
        for line in hour_chart("RECORDS", &days, self.surface) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }
}

/// What stands before a bar: the name people know, and what to ask for it by.
fn name_of(by: Facet, KeyCount { key, name, .. }: &KeyCount) -> String {
    match (key, name) {
        (None, _) => "(none)".to_owned(),
        (Some(day), _) if by == Facet::Day => with_weekday(day),
        (Some(key), Some(name)) if key != name => one_line(&format!("{name} ({key})")),
        (Some(key), _) => one_line(key),
    }
}

fn with_weekday(day: &str) -> String {
    match day.parse::<Date>() {
        Ok(date) => date.strftime("%Y-%m-%d %a").to_string(),
        Err(_) => one_line(day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(key: &str, name: Option<&str>) -> KeyCount {
        let key = Some(key.to_owned()).filter(|key| !key.is_empty());
        KeyCount { key, name: name.map(str::to_owned), count: 1 }
    }

    #[test]
    fn names_stand_beside_what_to_ask_for_and_hold_nothing_a_terminal_obeys() {
        let cases = [
            (Facet::Topic, count("energy", Some("Oil and gas")), "Oil and gas (energy)"),
            (Facet::Topic, count("", None), "(none)"),
            (Facet::Source, count("uza", Some("uza")), "uza"),
            (Facet::Source, count("uza", Some("U\u{1b}[31mz\u{202e}a\n")), "U\u{fffd}[31mz\u{fffd}a (uza)"),
            (Facet::Language, count("uz-Cyrl", None), "uz-Cyrl"),
            (Facet::Day, count("2026-11-23", None), "2026-11-23 Mon"),
        ];
        for (by, count, expected) in cases {
            assert_eq!(name_of(by, &count), expected);
        }
    }
}
