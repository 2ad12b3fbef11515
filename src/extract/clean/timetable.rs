//! Removes a programme of broadcasts that stands before the text, and keeps timetables that an article gives.

use super::{Repairs, count};

/// Fewest times that make a programme.
const TIMES_MIN: usize = 4;
/// Longest line of a programme, in characters; the first longer one is the text.
const LINE_CHARS_MAX: usize = 80;

/// Removes the lines from the first time to the last name of a programme, where all that comes before the first
/// paragraph is such lines: times, names of programmes, lengths. An article's own timetable has a sentence before it.
pub(super) fn without_timetable<'a>(lines: &[&'a str], repairs: &mut Repairs) -> Vec<&'a str> {
    let Some(text) = lines.iter().position(|line| !may_belong(line)) else { return lines.to_vec() };
    let head = &lines[..text];
    let times = head.iter().filter(|line| begins_with_time(line)).count();
    let filled = head.iter().filter(|line| !line.is_empty()).count();
    let first = head.iter().position(|line| begins_with_time(line)).unwrap_or(text);
    if times < TIMES_MIN || times * 4 < filled {
        return lines.to_vec();
    }
    count(repairs, "timetable", head[first..].iter().filter(|line| !line.is_empty()).count() as u64);
    [&lines[..first], &lines[text..]].concat()
}

fn may_belong(line: &str) -> bool {
    line.chars().count() <= LINE_CHARS_MAX && !super::ending::ends_sentence(line) && !line.ends_with(':')
}

/// "07:00" or "07:00 News of the day".
fn begins_with_time(line: &str) -> bool {
    let time = line.split([' ', '\t', '-', '–']).next().unwrap_or_default();
    let Some((hours, minutes)) = time.split_once([':', '.']) else { return false };
    let is_number = |text: &str, max: u32| text.parse::<u32>().is_ok_and(|number| number <= max);
    (1..=2).contains(&hours.len()) && minutes.len() == 2 && is_number(hours, 24) && is_number(minutes, 59)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "The dam above the town was opened on Monday morning, officials of the ministry said, and water came.";

    fn check(head: &str, expected: &str) {
        let text = format!("{head}\n{TEXT}");
        let lines: Vec<&str> = text.lines().collect();
        let kept = without_timetable(&lines, &mut Repairs::new()).join("\n");
        assert_eq!(kept, format!("{expected}{TEXT}"), "{head}");
    }

    #[test]
    fn programmes_before_the_text_go() {
        check("07:00\nЕжедневные новости\n4 мин\n08:00\nЕжедневные новости\n4 мин\n09:00\nВ эфире\n10:00\nВ эфире", "");
        check("07:00 Жаңылыктар\n08:00 Жаңылыктар\n\n09:00 Обондор\n10:00 Жаңылыктар", "");
        check("Dam opened\n07:00\nNews\n08:00\nNews\n09:00\nMusic\n10:00\nNews", "Dam opened\n");
    }

    #[test]
    fn timetables_of_the_article_stay() {
        for head in [
            "Trains leave as follows:\n07:00 Osh\n08:00 Talas\n09:00 Naryn\n10:00 Osh",
            "The trains run again.\n07:00 Osh\n08:00 Talas\n09:00 Naryn\n10:00 Osh",
            "07:00 Osh\n08:00 Talas",
            "19:30",
        ] {
            check(head, &format!("{head}\n"));
        }
        let only = ["07:00 Osh", "08:00 Talas", "09:00 Naryn", "10:00 Osh"];
        assert_eq!(without_timetable(&only, &mut Repairs::new()), only);
    }
}
