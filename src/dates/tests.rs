//! Dates as publishers write them.

use super::*;
use proptest::prelude::*;

const NOW: &str = "2025-08-15T10:00:00Z";

fn read(text: &str, year_hint: Option<i16>) -> Option<ParsedDate> {
    let zone = TimeZone::fixed(jiff::tz::offset(5));
    parse(text, &DateContext { zone: &zone, now: Some(NOW.parse().expect("a time")), year_hint })
}

fn check(text: &str, expected: &str) {
    let shown = read(text, None).map(|date| format!("{} {:?}", date.time, date.precision));
    assert_eq!(shown.as_deref().unwrap_or("none"), expected, "{text:?}");
}

#[test]
fn machine_formats() {
    for (text, expected) in [
        ("2021-01-20T10:14:05Z", "2021-01-20T10:14:05+00:00 Second"),
        ("2021-01-20T10:14:05.123+06:00", "2021-01-20T10:14:05+06:00 Second"),
        ("2021-01-20T10:14:05+0600", "2021-01-20T10:14:05+06:00 Second"),
        ("2021-01-20T10:14:05+06:00[Asia/Bishkek]", "2021-01-20T10:14:05+06:00 Second"),
        ("2021-01-20T10:14-03:30", "2021-01-20T10:14:00-03:30 Minute"),
        ("2021-01-20 10:14:05", "2021-01-20T10:14:05+05:00 Second"),
        ("2021-01-20T10:14", "2021-01-20T10:14:00+05:00 Minute"),
        ("2021-01-20T10:14:05+00:0", "2021-01-20T10:14:05+00:00 Second"),
        ("20210120T101405Z", "2021-01-20T10:14:05+00:00 Second"),
        ("2021-01-20", "2021-01-20T00:00:00+05:00 Day"),
        ("20210120", "2021-01-20T00:00:00+05:00 Day"),
        ("2021/01/20 10:14", "2021-01-20T10:14:00+05:00 Minute"),
        ("Wed, 20 Jan 2021 10:14:05 +0600", "2021-01-20T10:14:05+06:00 Second"),
        ("20 Jan 21 10:14 GMT", "2021-01-20T10:14:00+00:00 Minute"),
        ("Wed, 5 Jan 2021 9:14:05 EST", "2021-01-05T09:14:05-05:00 Second"),
        ("Wed, 20 Jan 2021 10:14:05 MSK", "2021-01-20T10:14:05+03:00 Second"),
        ("Wed, 20 Jan 2021 10:14:05 +5", "2021-01-20T10:14:05+05:00 Second"),
        ("Wed, 20 Jan 2021 10:14:05 GMT+6", "2021-01-20T10:14:05+06:00 Second"),
        ("Wed, 20 Jan 2021 10:14:05 GMT+06:00", "2021-01-20T10:14:05+06:00 Second"),
        ("Wed Jan 20 2021 10:14:05 GMT+0600 (Kyrgyzstan Time)", "2021-01-20T10:14:05+06:00 Second"),
        ("Wed, 20 Jan 2021 10:14:60 UTC", "2021-01-20T10:14:59+00:00 Second"),
        ("Wed Jan 20 10:14:05 2021", "2021-01-20T10:14:05+05:00 Second"),
        ("Wed Jan  6 10:14:05 UTC 2021", "2021-01-06T10:14:05+00:00 Second"),
        ("20-Jan-2021", "2021-01-20T00:00:00+05:00 Day"),
        ("1611116045", "2021-01-20T04:14:05+00:00 Second"),
        ("1611116045000", "2021-01-20T04:14:05+00:00 Second"),
    ] {
        check(text, expected);
    }
}

#[test]
fn formats_for_readers() {
    for (text, expected) in [
        ("20.01.2021 10:14", "2021-01-20T10:14:00+05:00 Minute"),
        ("20.01.21", "2021-01-20T00:00:00+05:00 Day"),
        ("10:14 / 20.01.2021", "2021-01-20T10:14:00+05:00 Minute"),
        ("10:14 -20.01.2021", "2021-01-20T10:14:00+05:00 Minute"),
        ("Jamiyat | 10:14 / 20.01.2021", "2021-01-20T10:14:00+05:00 Minute"),
        ("10:14, 20 января 2021", "2021-01-20T10:14:00+05:00 Minute"),
        ("20\u{a0}Января 2021 года в 10:14", "2021-01-20T10:14:00+05:00 Minute"),
        ("13:51, 15 Август 2024", "2024-08-15T13:51:00+05:00 Minute"),
        ("Бишкек, 3 марта 2021 г.", "2021-03-03T00:00:00+05:00 Day"),
        ("Опубликовано: 9 мая 2022, 09:05 (МСК)", "2022-05-09T09:05:00+03:00 Minute"),
        ("сегодня, 13:51", "2025-08-15T13:51:00+05:00 Minute"),
        ("Вчера в 23:10", "2025-08-14T23:10:00+05:00 Minute"),
        ("Кеше", "2025-08-14T00:00:00+05:00 Day"),
        ("Bugun, 12:00", "2025-08-15T12:00:00+05:00 Minute"),
        ("09 August", "2025-08-09T00:00:00+05:00 Day"),
        ("31 декабря, 18:00", "2024-12-31T18:00:00+05:00 Minute"),
        ("19 May 2023, 12:51", "2023-05-19T12:51:00+05:00 Minute"),
        ("May 19, 2023", "2023-05-19T00:00:00+05:00 Day"),
        ("May 19th, 2023 at 1:05 p.m.", "2023-05-19T13:05:00+05:00 Minute"),
        ("Friday, 19 May 2023 12:30 AM", "2023-05-19T00:30:00+05:00 Minute"),
        ("2024 ж. 9 тамыз", "2024-08-09T00:00:00+05:00 Day"),
        ("2024 жылғы 9 тамызда, сағат 10:00", "2024-08-09T10:00:00+05:00 Minute"),
        ("9 тамыз 2024", "2024-08-09T00:00:00+05:00 Day"),
        ("Сенбі, 10 Қыркүйек 2022", "2022-09-10T00:00:00+05:00 Day"),
        ("2024-жылдын 9-августу", "2024-08-09T00:00:00+05:00 Day"),
        ("9-июль, 2024-жыл 10:30", "2024-07-09T10:30:00+05:00 Minute"),
        ("9 августи соли 2024", "2024-08-09T00:00:00+05:00 Day"),
        ("12 майи 2023", "2023-05-12T00:00:00+05:00 Day"),
        ("2024-nji ýylyň 9-njy awgusty", "2024-08-09T00:00:00+05:00 Day"),
        ("3 sentýabr 2023", "2023-09-03T00:00:00+05:00 Day"),
        ("2024-yil 9-avgust", "2024-08-09T00:00:00+05:00 Day"),
        ("2024 йил 9 август, 10:05", "2024-08-09T10:05:00+05:00 Minute"),
        ("5 oktabr 2023 18:20", "2023-10-05T18:20:00+05:00 Minute"),
    ] {
        check(text, expected);
    }
}

#[test]
fn what_is_not_surely_a_date() {
    for text in [
        "",
        "10:14",
        "August 2024",
        "2024",
        "12",
        "05/08/2024",
        "31.02.2021",
        "25:14, 20 января 2021",
        "20 января 2021, 14:61",
        "2025-08-16",
        "Fri, 15 Aug 2025 23:00:00 GMT",
        "19 May 2023 and 20 May 2023",
        "19 May 2023 | 20 May 2023",
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00",
        "Просмотры: 1234",
        "© 2024",
        "1.5 млн",
        "in 24 hours",
        "99999999999999999999",
        "20 января 2021 $5",
        "Wed, 20 Jan 2021 10:14:05 QQQ",
    ] {
        check(text, "none");
    }
}

#[test]
fn a_label_must_say_published() {
    for (text, expected) in [
        ("Дата публикации: 12 мая 2021", "2021-05-12T00:00:00+05:00 Day"),
        ("Published: 12 May 2021", "2021-05-12T00:00:00+05:00 Day"),
        ("Deadline: 15 May 2019", "none"),
        ("Дата рождения: 12 мая 1960", "none"),
        ("Обновлено: 12 мая 2021", "none"),
    ] {
        check(text, expected);
    }
}

#[test]
fn an_hour_is_no_year() {
    for (text, expected) in [
        ("9 августа, 15 часов", "none"),
        ("9 августа в 15", "none"),
        ("9 тамыз, сағат 15", "none"),
        ("9 августа 15", "2015-08-09T00:00:00+05:00 Day"),
    ] {
        check(text, expected);
    }
}

#[test]
fn days_and_months_that_can_be_swapped_are_refused() {
    for (text, expected) in [
        ("05-04-2024", "none"),
        ("05/04/2024", "none"),
        ("05.04.2024", "2024-04-05T00:00:00+05:00 Day"),
        ("05-05-2024", "2024-05-05T00:00:00+05:00 Day"),
        ("25-04-2024", "2024-04-25T00:00:00+05:00 Day"),
        ("04-25-2024", "2024-04-25T00:00:00+05:00 Day"),
    ] {
        check(text, expected);
    }
}

#[test]
fn the_near_future_is_local_time_under_a_wrong_label_or_nothing() {
    for (text, expected) in [
        ("2025-08-15T14:30:00Z", "2025-08-15T14:30:00+05:00 Second"),
        ("2025-08-15T15:05:00+00:00", "2025-08-15T15:05:00+05:00 Second"),
        ("2025-08-15T15:30:00Z", "none"),
        ("15.08.2025 17:00", "none"),
        ("15.08.2025 15:05", "2025-08-15T15:05:00+05:00 Minute"),
    ] {
        check(text, expected);
    }
}

#[test]
fn unix_times_are_not_for_readers() {
    let zone = TimeZone::UTC;
    let context = DateContext { zone: &zone, now: None, year_hint: None };
    assert!(parse("1712345678", &context).is_some());
    assert_eq!(parse_visible("1712345678", &context), None);
    assert!(parse_visible("9 августа 2024", &context).is_some());
}

#[test]
fn the_year_hint_wins_over_the_clock() {
    let shown = |hint| read("17 марта, 15:03", hint).map(|date| date.time.to_string());
    assert_eq!(shown(Some(2018)).as_deref(), Some("2018-03-17T15:03:00+05:00"));
    assert_eq!(shown(None).as_deref(), Some("2025-03-17T15:03:00+05:00"));
    assert_eq!(shown(Some(2026)), None, "the future");
}

#[test]
fn a_day_without_a_year_is_of_the_last_months_or_of_none() {
    for (text, expected) in [
        ("14 августа", "2025-08-14T00:00:00+05:00 Day"),
        ("2 января, 10:00", "2025-01-02T10:00:00+05:00 Minute"),
        ("30 декабря", "2024-12-30T00:00:00+05:00 Day"),
        ("16 августа", "none"),
        ("20 сентября, 18:00", "none"),
    ] {
        check(text, expected);
    }
}

#[test]
fn without_a_clock_nothing_relative_is_read() {
    let context = DateContext { zone: &TimeZone::UTC, now: None, year_hint: None };
    assert_eq!(parse("сегодня, 13:51", &context), None);
    assert_eq!(parse("09 August", &context), None);
    assert!(parse("09 August 2099", &context).is_some());
}

#[test]
fn a_zone_with_history_gives_the_offset_of_its_day() {
    let zone = TimeZone::get("Asia/Almaty").expect("the zone database is there");
    let offset = |text| {
        let context = DateContext { zone: &zone, now: None, year_hint: None };
        parse(text, &context).map(|date| date.time.offset.seconds() / 3600)
    };
    assert_eq!(offset("20.01.2021 10:14"), Some(6));
    assert_eq!(offset("20.01.2025 10:14"), Some(5));
}

proptest! {
    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        read(&text, Some(2020));
    }

    #[test]
    fn date_like_text_is_survived_and_never_lies_in_the_future(
        text in "([0-9]{1,4}|[-+.,:/ |T]|Jan|мая|тамыз|GMT|сегодня|p\\.m\\.|Z){1,14}"
    ) {
        if let Some(date) = read(&text, None) {
            prop_assert!(date.time.at.duration_since(NOW.parse().expect("a time")) <= FUTURE_SLACK);
        }
    }

    #[test]
    fn what_we_write_is_read_back(second in 631_152_000_i64..1_755_000_000, hours in -11_i8..=14) {
        let time = OffsetTime { at: Timestamp::from_second(second).expect("in range"), offset: jiff::tz::offset(hours) };
        prop_assert_eq!(read(&time.to_string(), None).map(|date| date.time), Some(time));
    }
}

#[test]
fn languages_that_come_along() {
    for (text, expected) in [
        ("Mittwoch, 20. Februar 2019", "2019-02-20T00:00:00+05:00 Day"),
        ("am 5. März 2021 um 14:45 Uhr", "2021-03-05T14:45:00+05:00 Minute"),
        ("5. März 2021, 14.45 Uhr", "2021-03-05T14:45:00+05:00 Minute"),
        ("Publié le 28 février 2019 à 14h30", "2019-02-28T14:30:00+05:00 Minute"),
        ("jueves 2 de abril de 2020", "2020-04-02T00:00:00+05:00 Day"),
        ("22 de novembro de 2020", "2020-11-22T00:00:00+05:00 Day"),
        ("14 Gennaio 2020", "2020-01-14T00:00:00+05:00 Day"),
        ("12 Ekim 2020", "2020-10-12T00:00:00+05:00 Day"),
        ("20 septembrie 2020 16:20", "2020-09-20T16:20:00+05:00 Minute"),
        ("04:25:06 PM IST Apr 08, 2020", "2020-04-08T00:00:00+05:00 Day"),
    ] {
        check(text, expected);
    }
}

#[test]
fn a_date_is_found_among_other_words() {
    let zone = TimeZone::fixed(jiff::tz::offset(5));
    let context = DateContext { zone: &zone, now: NOW.parse().ok(), year_hint: None };
    for (text, expected) in [
        ("Von Anna am 03.05.2013, 11:51 | 0 Meinungen", Some("2013-05-03T11:51:00+05:00")),
        ("Erstellt von Timur am Dienstag 6. Mai 2014", Some("2014-05-06T00:00:00+05:00")),
        ("By Aigul on March 9, 2021 in Water", Some("2021-03-09T00:00:00+05:00")),
        ("3 May 2021, changed 5 May 2021", None),
        ("room 12, 2021", None),
        ("1.2.2021.4", None),
        ("May the 4 of 12", None),
    ] {
        assert_eq!(find(text, &context).map(|date| date.time.to_string()).as_deref(), expected, "{text:?}");
    }
}
