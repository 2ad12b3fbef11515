//! Counts drawn with blocks: bars beside a table of counts, and sparklines.

use super::terminal::{cut, width};
use super::{Colour, Emphasis, Medium, Surface, paint};

/// Width of a chart that goes into a pipe, in columns.
const PIPE_COLUMNS: usize = 80;

/// The widest bar: longer ones are no easier to compare.
const BAR_COLUMNS_MAX: usize = 50;

/// Where less is left, bars say nothing.
const BAR_COLUMNS_LEAST: usize = 5;

/// Names are cut to this part of the width, so that bars have room.
const NAME_PART: usize = 2;

/// Eighths of a column, from one to all (U+258F to U+2588).
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// Eighths of a line's height (U+2581 to U+2588).
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Stands for nothing in a sparkline, where a space would be taken for a gap.
const NOTHING: char = '·';

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What was counted; a single safe line.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// A bar of at most `columns` columns for `count` of at most `largest`; what is not nothing is seen.
fn bar(count: u64, largest: u64, columns: usize) -> String {
    let eighths = scaled(count, largest, columns as u64 * 8) as usize;
    let mut bar = HEIGHTS[7].to_string().repeat(eighths / 8);
    if let Some(part) = (eighths % 8).checked_sub(1) {
        bar.push(EIGHTHS[part]);
    }
    bar
}

/// `count` on a scale of `most` steps; only nothing is on step 0.
fn scaled(count: u64, largest: u64, most: u64) -> u64 {
    let share = u128::from(count) * u128::from(most) / u128::from(largest.max(1));
    u64::try_from(share).unwrap_or(most).clamp(u64::from(count > 0), most)
}

/// A character for each count, as high as the count is of the largest.
pub fn sparkline(counts: &[u64], largest: u64) -> String {
    let height = |count: &u64| match scaled(*count, largest, 8).checked_sub(1) {
        Some(step) => HEIGHTS[step as usize],
        None => NOTHING,
    };
    counts.iter().map(height).collect()
}

/// Lines of names, counts, shares of `whole`, and bars, under a header.
pub fn bar_chart(title: &str, unit: &str, bars: &[Bar], whole: u64, surface: &Surface) -> Vec<String> {
    let largest = bars.iter().map(|bar| bar.count).max().unwrap_or_default();
    let columns = match surface.medium {
        Medium::Terminal { columns } => columns,
        Medium::Pipe => PIPE_COLUMNS,
    };
    let names = bars.iter().map(|bar| width(&bar.name)).max().unwrap_or_default().max(width(title));
    let name_columns = names.min(columns / NAME_PART);
    let count_columns = largest.to_string().len().max(width(unit));
    let before = name_columns + count_columns + "   100.0%  ".len() + 1;
    let bar_columns = columns.saturating_sub(before).min(BAR_COLUMNS_MAX);
    let header = format!("{}  {unit:>count_columns$}   SHARE", padded(title, name_columns));
    let mut lines = vec![paint(&header, Emphasis::Strong, surface.colour).into_owned()];
    for Bar { name, count } in bars {
        let mut line =
            format!("{}  {count:>count_columns$}  {:>5.1}%", padded(name, name_columns), percent(*count, whole));
        if bar_columns >= BAR_COLUMNS_LEAST {
            line.push_str("  ");
            line.push_str(&coloured(&bar(*count, largest, bar_columns), surface.colour));
        }
        line.truncate(line.trim_end().len());
        lines.push(line);
    }
    lines
}

/// A line a day with a sparkline of its 24 hours: the days as (name, count of each hour by the clock).
pub fn hour_chart(unit: &str, days: &[(String, [u64; 24])], surface: &Surface) -> Vec<String> {
    let largest = days.iter().flat_map(|(_, hours)| hours).max().copied().unwrap_or_default();
    let name_columns = days.iter().map(|(name, _)| width(name)).max().unwrap_or_default();
    let total = |hours: &[u64; 24]| hours.iter().sum::<u64>();
    let most = days.iter().map(|(_, hours)| total(hours)).max().unwrap_or_default();
    let count_columns = most.to_string().len().max(width(unit));
    let header = format!("{}  {unit:>count_columns$}  0     6     12    18", padded("HOURS", name_columns));
    let mut lines = vec![paint(&header, Emphasis::Strong, surface.colour).into_owned()];
    for (name, hours) in days {
        let spark = coloured(&sparkline(hours, largest), surface.colour);
        lines.push(format!("{}  {:>count_columns$}  {spark}", padded(name, name_columns), total(hours)));
    }
    lines
}

fn percent(count: u64, whole: u64) -> f64 {
    count as f64 * 100.0 / whole.max(1) as f64
}

fn coloured(blocks: &str, colour: Colour) -> String {
    if blocks.is_empty() { String::new() } else { paint(blocks, Emphasis::Place, colour).into_owned() }
}

/// In so many columns, cut or filled.
fn padded(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(&text))))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn surface(medium: Medium) -> Surface {
        Surface { medium, colour: Colour::Off, zone: TimeZone::UTC }
    }

    #[test]
    fn bars_are_as_long_as_their_counts_to_an_eighth() {
        let cases = [
            (0, 80, 10, ""),
            (1, 80, 10, "▏"),
            (4, 80, 10, "▌"),
            (8, 80, 10, "█"),
            (11, 80, 10, "█▍"),
            (80, 80, 10, "██████████"),
            (1, 1_000_000, 10, "▏"),
            (0, 0, 10, ""),
            (u64::MAX, u64::MAX, 3, "███"),
        ];
        for (count, largest, columns, expected) in cases {
            assert_eq!(bar(count, largest, columns), expected, "{count} of {largest}");
        }
    }

    #[test]
    fn a_sparkline_tells_nothing_from_little() {
        assert_eq!(sparkline(&[0, 1, 25, 50, 100], 100), "·▁▂▄█");
        assert_eq!(sparkline(&[], 0), "");
        assert_eq!(sparkline(&[0, 0], 0), "··");
    }

    #[test]
    fn a_chart_fits_the_terminal() {
        let name = |name: &str, count| Bar { name: name.to_owned(), count };
        let bars = [name("Oil, gas, power and nuclear", 90), name("Вода", 3), name("天然气", 0)];
        for columns in [0, 10, 24, 40, 80, 300] {
            let lines = bar_chart("TOPIC", "RECORDS", &bars, 100, &surface(Medium::Terminal { columns }));
            assert_eq!(lines.len(), 4);
            let wide = lines.iter().map(|line| width(line)).max().unwrap_or_default();
            assert!(wide <= columns.max(32), "{columns}: {lines:#?}");
        }
        let lines = bar_chart("TOPIC", "RECORDS", &bars, 100, &surface(Medium::Terminal { columns: 60 }));
        assert_eq!(
            lines,
            [
                "TOPIC                        RECORDS   SHARE",
                "Oil, gas, power and nuclear       90   90.0%  ██████████████",
                "Вода                               3    3.0%  ▍",
                "天然气                             0    0.0%",
            ]
        );
    }

    #[test]
    fn hours_of_a_day_stand_in_a_line() {
        let mut hours = [0; 24];
        (hours[6], hours[12]) = (4, 8);
        let lines = hour_chart("RECORDS", &[("2026-11-23 Mon".to_owned(), hours)], &surface(Medium::Pipe));
        assert_eq!(
            lines,
            ["HOURS           RECORDS  0     6     12    18", "2026-11-23 Mon       12  ······▄·····█···········"]
        );
    }
}
