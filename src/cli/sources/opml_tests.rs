//! Lists of readers in every state, and our own there and back.

use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn lines(opml: &Opml) -> Vec<String> {
    let line = |one: &Subscription| {
        let title = one.title.as_deref().unwrap_or("-");
        format!("{title} {} {} [{}]", one.url, kind_name(one.kind), one.group.as_deref().unwrap_or("-"))
    };
    opml.subscriptions.iter().map(line).collect()
}

fn check(text: &str, expected: &[&str], skipped: &[&str]) {
    let opml = read(text).expect("it is OPML");
    assert_eq!(lines(&opml), expected);
    assert_eq!(opml.skipped, skipped);
}

#[test]
fn lists_of_readers_are_read() {
    check(
        "<?xml version=\"1.0\"?><opml version=\"1.0\"><head><title>Mine</title></head><body>\
         <outline text='Asia'><outline title='News &amp; more' type='rss' xmlUrl='https://a.example/feed?x=1&amp;y=2'/>\
         <outline text='Inner'><outline text='Two' XMLURL=' feed://b.example/rss ' htmlUrl='https://b.example/'></outline>\
         </outline></outline><outline text='Three' xmlUrl='feed:https://c.example/'/></body></opml>",
        &[
            "News & more https://a.example/feed?x=1&y=2 feed [Asia]",
            "Two http://b.example/rss feed [Asia / Inner]",
            "Three https://c.example/ feed [-]",
        ],
        &[],
    );
}

#[test]
fn what_other_readers_keep_beside_feeds_is_told_or_passed_over() {
    check(
        "<opml version='1.0'><body><outline text='Prefs'><outline pref-name='interval' value='30'/></outline>\
         <outline text='Page' type='HTML+XPath' xmlUrl='https://page.example/news?token=x' frss:xPathItem='//article'/>\
         <outline text='Json' type='JSONFeed' xmlUrl='https://json.example/feed.json'/>\
         <outline text='Off' type='rss' xmlUrl='https://off.example/rss' disabled='true'></outline></body></opml>",
        &["Json https://json.example/feed.json feed [-]"],
        &[
            "Page: no feed but HTML+XPath; see what `chapar sources discover https://page.example/news?token=***` finds",
            "Off: it is disabled in the feed reader",
        ],
    );
}

#[test]
fn what_is_broken_is_skipped_and_the_rest_is_taken() {
    check(
        "junk <opml><body><outline text='R&D & more &bogus;' xmlUrl=\"https://a.example/?a=1&b=2\"/>\
         <outline text='Nothing'/><outline text='Local' xmlUrl='file:///etc/passwd'/><outline xmlUrl='not an address'/>\
         <outline type='link' text='Page' url='https://a.example/'/><outline text='Empty'></outline>\
         <outline text='\u{1b}[31mRed' xmlUrl='https://red.example/'/></body></opml>",
        &["R&D & more &bogus; https://a.example/?a=1&b=2 feed [-]", "[31mRed https://red.example/ feed [-]"],
        &[
            "Nothing: it has no xmlUrl",
            "Local: file:///etc/passwd is no web address",
            "an outline without a name: not an address is no web address",
            "Page: a link, not a feed",
        ],
    );
    let cut = read("<opml><body><outline text='A' xmlUrl='https://a.example/'/><outline text='B' xmlUr").expect("OPML");
    assert!(cut.is_cut);
    assert_eq!(cut.subscriptions.len(), 1);
}

#[test]
fn limits_and_other_files_are_named() {
    let evidence = "<html><title>Not\u{fffd}</title>".to_owned();
    assert_eq!(read("<html><title>Not\u{1b}</title>"), Err(OpmlError::NotOpml { evidence }));
    assert_eq!(read(""), Err(OpmlError::NotOpml { evidence: String::new() }));
    assert_eq!(read(&format!("<opml>{}", "<outline text='x'>".repeat(100_000))), Err(OpmlError::TooDeep));
    let many = "<outline xmlUrl='https://a.example/'/>".repeat(OUTLINES_MAX + 1);
    assert_eq!(read(&format!("<opml>{many}")), Err(OpmlError::TooMany));
    let long = "<outline text='ж'>".repeat(DEPTH_MAX - 1) + "<outline xmlUrl='https://a.example/'/>";
    let group = read(&format!("<opml>{long}")).expect("OPML").subscriptions[0].group.clone().expect("a group");
    assert!(group.len() <= GROUP_BYTES_MAX && group.starts_with("ж / ж"), "{group}");
}

fn source(name: &str) -> Source {
    let url = "https://news.example/feed".parse().expect("an address");
    Source {
        id: "news".parse().expect("an id"),
        name: name.to_owned(),
        ..Source::unconfigured(url, SourceKind::Feed, TimeZone::UTC)
    }
}

/// What comes back of a source.
fn back(source: &Source) -> Subscription {
    let opml = read(&write(std::slice::from_ref(source))).expect("our own OPML");
    assert!(!opml.is_cut && opml.skipped.is_empty(), "{opml:?}");
    let [subscription] = opml.subscriptions.try_into().expect("one subscription");
    subscription
}

#[test]
fn other_readers_see_feeds_as_feeds_and_everything_else_as_links() {
    let feed = Source { country: Some("KZ".to_owned()), ..source("Feed \"A\" & <B>") };
    let listing = Source { kind: SourceKind::Listing, group: Some("Energy / Oil".to_owned()), ..source("Listing") };
    let xml = write(&[feed, listing]);
    for part in [
        "<outline text=\"Kazakhstan\" title=\"Kazakhstan\" chapar:folder=\"country\">",
        "type=\"rss\" text=\"Feed &quot;A&quot; &amp; &lt;B&gt;\"",
        "xmlUrl=\"https://news.example/feed\"",
        "<outline text=\"Energy\" title=\"Energy\">",
        "type=\"link\" text=\"Listing\" title=\"Listing\" url=\"https://news.example/feed\"",
    ] {
        assert!(xml.contains(part), "{part}\n{xml}");
    }
    assert_eq!(xml.matches("xmlUrl").count(), 1);
    let mut strict = quick_xml::NsReader::from_str(&xml);
    while strict.read_event().expect("a strict parser reads it") != quick_xml::events::Event::Eof {}
    let feeds = read(&xml).expect("our own OPML");
    let groups: Vec<Option<&str>> = feeds.subscriptions.iter().map(|one| one.group.as_deref()).collect();
    assert_eq!(groups, [None, Some("Energy / Oil")]);
}

fn words() -> impl Strategy<Value = String> {
    "[^\\p{C}\\s/]([^\\p{C}\\s/]| [^\\p{C}\\s/]){0,20}".prop_map(|text| text::collapse(&text))
}

proptest! {
    #[test]
    fn nothing_is_lost_on_the_way_out_and_in(
        name in words(),
        folders in prop::option::of(prop::collection::vec(words(), 1..3)),
        kind in prop::sample::select(vec![SourceKind::Feed, SourceKind::Listing, SourceKind::Sitemap]),
        query in "[a-z&=;'\"<>%ж]{0,20}",
        country in prop::option::of(prop::sample::select(vec!["KZ", "UZ", "FR"])),
        zone in prop::option::of(prop::sample::select(vec!["Asia/Tashkent", "Europe/Paris"])),
        minutes in prop::option::of(1_u64..10_000),
        (is_feed, is_ignored, cookies, is_distrusted) in any::<(bool, bool, bool, bool)>(),
    ) {
        let group = folders.map(|folders| folders.join(GROUP_SEPARATOR)).filter(|group| group.len() <= GROUP_BYTES_MAX);
        let country_zone = zone_of_country(country);
        let source = Source {
            url: format!("https://news.example/feed?{query}").parse().expect("an address"),
            homepage: "https://news.example/".parse().ok(),
            kind,
            language: Some("uz-Latn".to_owned()),
            country: country.map(str::to_owned),
            zone: zone.map_or(country_zone.clone(), |zone| TimeZone::get(zone).expect("a zone")),
            content: if is_feed { ContentFrom::Feed } else { ContentFrom::Page },
            interval: minutes.map(|minutes| Duration::from_secs(60 * minutes)),
            user_agent: Some("chapar/{version} (+https://example.org/)".to_owned()),
            robots: if is_ignored { RobotsPolicy::Ignore } else { RobotsPolicy::Obey },
            cookies,
            validators: if is_distrusted { ValidatorsPolicy::Ignore } else { ValidatorsPolicy::Use },
            group,
            ..source(&name)
        };
        let is_own_zone = source.zone != country_zone;
        let expected = Subscription {
            id: Some("news".to_owned()),
            title: Some(source.name.clone()),
            url: source.url.clone(),
            homepage: source.homepage.clone(),
            kind: source.kind,
            language: source.language.clone(),
            country: source.country.clone(),
            group: source.group.clone(),
            content: source.content,
            interval: source.interval.map(Period),
            user_agent: source.user_agent.clone(),
            robots: source.robots,
            cookies,
            validators: source.validators,
            timezone: source.zone.iana_name().filter(|_| is_own_zone).map(str::to_owned),
        };
        prop_assert_eq!(back(&source), expected);
    }

    #[test]
    fn any_text_is_survived(text in "(<opml>|<outline |>|/>|</outline>|text='|xmlUrl=\"https://a.example/|'|\"|&|[a-z<ж]){0,40}") {
        let _ = read(&text);
        let _ = read(&format!("<opml>{text}"));
    }
}
