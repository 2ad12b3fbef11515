//! Page -> Article, pure: bytes to text, caps, metadata, body, dates, cleaning; a page that is none is rejected.

mod authors;
mod blocks;
mod body;
pub mod clean;
pub(crate) mod encoding;
mod features;
mod forest;
mod json_ld;
mod metadata;
mod published;
mod quality;
mod refusal;
mod render;
mod template;
mod title;
mod walk;

use jiff::tz::TimeZone;
use scraper::Html;
use url::Url;

use crate::dates::{self, DateContext};
use crate::model::{Announced, Article, ContentFrom, Page, Rejection, Repair};
use crate::site_rules::{ArticleRule, SiteRule};
use crate::text;

use body::{Body, BodySources};
use clean::{Evidence, add_repairs, clean_line, clean_with};
use json_ld::JsonLd;
use metadata::{Found, Metas, Sources};
use quality::Measured;
pub use refusal::is_of_the_article;
pub use template::{PageBlocks, SiteTemplate};
use title::Title;

/// What is known of a page before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Hints<'a> {
    /// What its source said of it.
    pub announced: Option<&'a Announced>,
    /// Zone of dates that name none.
    pub zone: &'a TimeZone,
    /// The rules of its site.
    pub rule: Option<&'a SiteRule>,
    /// Where the text is to be taken from.
    pub content: ContentFrom,
    /// What the pages of its site have in common.
    pub template: Option<&'a SiteTemplate>,
}

/// An article, and why it is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Extraction {
    /// What was found; also on a rejected page.
    pub article: Article,
    /// Why the page is not an article.
    pub rejected: Option<Rejection>,
    /// What its site's template learns of it.
    pub blocks: PageBlocks,
}

/// Most lines at the beginning of a text that repeat the title or the date.
const LEADING_LINES_MAX: usize = 3;

/// Finds the article in a page. Never fails: what is not found is absent, and a page without a text is rejected.
pub fn extract(page: &Page, hints: &Hints<'_>) -> Extraction {
    let url = page.final_url.as_ref().or(page.url.as_ref());
    let not_html = refusal::not_html(page);
    let bytes: &[u8] = if not_html.is_some() { &[] } else { &page.bytes };
    let tld = url.and_then(Url::domain).and_then(|domain| domain.rsplit('.').next());
    let decoded = encoding::decode(bytes, page.content_type.as_deref(), tld);
    let guarded = text::guard::guard(&decoded.text);
    let tree = Html::parse_document(&guarded.html);
    let (mut article, blocks) = read(&tree, &guarded, url, page, hints);
    if !bytes.is_empty() {
        article.charset = Some(decoded.charset.to_owned());
        article.charset_from = Some(decoded.from.to_owned());
    }
    let from_feed = hints.content == ContentFrom::Feed && article.extract.path == "feed";
    let rejected = if from_feed {
        None
    } else {
        let judged =
            refusal::Judged { article: &article, tree: &tree, html: &decoded.text, json_ld: &guarded.json_ld, url };
        not_html.or_else(|| refusal::no_article(&judged))
    };
    Extraction { article, rejected, blocks }
}

/// The blocks of a page with what is measured of each: what the table of the block reader is made from.
pub fn measured(page: &Page, hints: &Hints<'_>) -> Vec<(String, Vec<f32>)> {
    let url = page.final_url.as_ref().or(page.url.as_ref());
    let guarded = text::guard::guard(&encoding::decode(&page.bytes, page.content_type.as_deref(), None).text);
    let tree = Html::parse_document(&guarded.html);
    let metas = Metas::read(&tree);
    let json_ld = json_ld_of(&tree, &guarded, &metas, url, hints);
    let sources = Sources { page: &tree, metas: &metas, json_ld: &json_ld, announced: hints.announced, url };
    let title = title::title(&sources, None);
    let description = sources.summary();
    body::measured(&body_sources(&sources, title.as_ref(), description.as_ref(), None))
}

fn json_ld_of(
    tree: &Html,
    guarded: &text::guard::Guarded,
    metas: &Metas,
    url: Option<&Url>,
    hints: &Hints<'_>,
) -> JsonLd {
    let unread = JsonLd::default();
    let plain = Sources { page: tree, metas, json_ld: &unread, announced: hints.announced, url };
    json_ld::read(&guarded.json_ld, &title::described(&plain))
}

fn body_sources<'a>(
    sources: &Sources<'a>,
    title: Option<&'a Title<'a>>,
    description: Option<&'a Found<String>>,
    rule: Option<&'a ArticleRule>,
) -> BodySources<'a> {
    BodySources {
        page: sources.page,
        rule,
        declared: sources.json_ld.article_body.as_deref(),
        announced: sources.announced.and_then(|announced| announced.content_html.as_deref()),
        heading: title.and_then(|title| title.heading),
        title: title.map(|title| title.found.value.as_str()),
        description: description.map(|found| found.value.as_str()),
        template: None,
        url: sources.url,
    }
}

fn read(
    tree: &Html,
    guarded: &text::guard::Guarded,
    url: Option<&Url>,
    page: &Page,
    hints: &Hints<'_>,
) -> (Article, PageBlocks) {
    let metas = Metas::read(tree);
    let json_ld = json_ld_of(tree, guarded, &metas, url, hints);
    let sources = Sources { page: tree, metas: &metas, json_ld: &json_ld, announced: hints.announced, url };
    let rule = hints.rule.and_then(|site| site.article.as_ref());
    let mut article = Article { url: url.cloned(), ..Article::default() };
    let fields = &mut article.extract.fields;
    let mut take = |name: &str, from: &str| fields.insert(name.to_owned(), from.to_owned());

    let title = title::title(&sources, rule.and_then(|rule| rule.title.as_ref()));
    let heading = title.as_ref().and_then(|title| title.heading);
    if let Some(Title { found, .. }) = &title {
        let cleaned = clean_line(&found.value);
        add_repairs(&mut article.extract.repairs, cleaned.repairs);
        take("title", found.from);
        article.title = Some(cleaned.text);
    }
    if let Some(found) = sources.canonical() {
        take("url", found.from);
        article.url = Some(found.value);
    }
    if let Some(found) = authors::authors(&sources, rule.and_then(|rule| rule.author.as_ref())) {
        take("authors", found.from);
        article.authors = found.value;
    }
    let date_rule = rule.and_then(|rule| rule.date.as_ref());
    let dates = published::dates(&sources, heading, date_rule, hints.zone, page.fetched_at);
    if let Some(Found { value, from }) = dates.published {
        take("date_published", from);
        article.date_published = Some(value.time);
        article.date_precision = Some(value.precision);
    }
    if let Some(Found { value, from }) = dates.modified {
        take("date_modified", from);
        article.date_modified = Some(value.time);
    }
    if let Some(found) = sources.language() {
        take("language", found.from);
        article.language = Some(found.value);
    }
    if let Some(found) = sources.image() {
        take("image", found.from);
        article.image = Some(found.value);
    }
    if let Some(found) = sources.tags() {
        take("tags", found.from);
        article.tags = found.value;
    }
    let summary = sources.summary();

    let mut blocks = PageBlocks::default();
    let body_sources =
        BodySources { template: hints.template, ..body_sources(&sources, title.as_ref(), summary.as_ref(), rule) };
    if let Some(body) = find_body(&body_sources, hints) {
        blocks = body.blocks;
        let context = DateContext { zone: hints.zone, now: page.fetched_at, year_hint: None };
        let site_names = sources.site_names();
        let evidence = Evidence { title: article.title.as_deref(), tags: &article.tags, site_names: &site_names };
        let cleaned = clean_with(&body.text, &evidence);
        let measured = Measured {
            raw: &body.text,
            text: &cleaned.text,
            title: article.title.as_deref(),
            repairs: &cleaned.repairs,
        };
        article.quality = quality::quality(&measured);
        add_repairs(&mut article.extract.repairs, cleaned.repairs);
        if body.repeated > 0 {
            let repair = Repair { kind: "site-template".to_owned(), count: body.repeated };
            add_repairs(&mut article.extract.repairs, vec![repair]);
        }
        article.content_text = without_leading_lines(&cleaned.text, article.title.as_deref(), &context).to_owned();
        article.word_count = text::word_count(&article.content_text);
        article.extract.confidence = (body.confidence * 100.0).round() / 100.0;
        article.extract.path = body.path.to_owned();
        if body.path == "site-rule" {
            article.extract.site_rule = hints.rule.map(|site| site.id.clone());
        }
    }
    let summary = summary.or_else(|| metadata::lede(&article.content_text).map(|lede| Found::new(lede, "text")));
    if let Some(found) = summary {
        article.extract.fields.insert("summary".to_owned(), found.from.to_owned());
        article.summary = Some(found.value);
    }
    (article, blocks)
}

/// The feed's text where the source says so, else the page's, else the feed's.
fn find_body(sources: &BodySources<'_>, hints: &Hints<'_>) -> Option<Body> {
    let feed = || body::feed_body(hints.announced?.content_html.as_deref()?);
    if hints.content == ContentFrom::Feed
        && let Some(body) = feed()
    {
        return Some(body);
    }
    let from_page = body::body(sources);
    let is_enough = |body: &Body| body::letters(&body.text) >= refusal::LETTERS_MIN;
    if from_page.as_ref().is_some_and(is_enough) {
        return from_page;
    }
    feed().filter(is_enough).or(from_page)
}

/// Cuts lines at the beginning that only repeat the title or give the date.
fn without_leading_lines<'a>(content: &'a str, title: Option<&str>, context: &DateContext<'_>) -> &'a str {
    let title = title.map(title::fold).unwrap_or_default();
    let mut rest = content;
    for _ in 0..LEADING_LINES_MAX {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let is_title = !title.is_empty() && title::fold(line) == title;
        let is_date = line.chars().count() <= 40 && dates::parse(line, context).is_some();
        if after.is_empty() || !(is_title || is_date) {
            break;
        }
        rest = after.trim_start();
    }
    without_leading_date(rest, context).unwrap_or(rest)
}

/// Cuts a date in numbers that shares the line of the first sentence, as Bitrix's `span.news-date-time` does.
fn without_leading_date<'a>(content: &'a str, context: &DateContext<'_>) -> Option<&'a str> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ':' | '/' | '-' | ' ' | ',');
    let begin = content.find(|c| !is_part(c))?;
    let (date, sentence) = content.split_at(begin);
    let is_date = || date.ends_with(' ') && dates::parse(date.trim_end_matches([' ', ',', '-']), context).is_some();
    (sentence.starts_with(char::is_uppercase) && date.len() <= 20 && is_date()).then_some(sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DatePrecision;
    use crate::rules::RuleFiles;
    use crate::site_rules::SiteRules;
    use proptest::prelude::*;

    fn page(html: &str) -> Page {
        let url = "https://steppe.example/2026/news/dam".parse().ok();
        Page {
            final_url: url.clone(),
            url,
            status: 200,
            content_type: Some("text/html; charset=utf-8".to_owned()),
            bytes: html.as_bytes().to_vec(),
            fetched_at: "2026-11-22T06:00:00Z".parse().ok(),
        }
    }

    fn extracted(html: &str, announced: Option<&Announced>, content: ContentFrom) -> Extraction {
        let zone = TimeZone::fixed(jiff::tz::offset(5));
        extract(&page(html), &Hints { announced, zone: &zone, rule: None, content, template: None })
    }

    const RUSSIAN: [&str; 3] = [
        "Правительство утвердило план строительства плотины в верховьях реки, сообщили в министерстве энергетики в понедельник.",
        "Работы начнутся весной и продлятся четыре года; стоимость проекта оценивается в два миллиарда, половину суммы выделит банк развития.",
        "По словам министра, станция обеспечит электричеством сорок тысяч домов, а вода пойдёт на поля трёх районов.",
    ];
    const KAZAKH: [&str; 3] = [
        "Үкімет өзеннің жоғарғы ағысында бөгет салу жоспарын бекітті, деп хабарлады дүйсенбі күні энергетика министрлігі.",
        "Жұмыс көктемде басталып, төрт жылға созылады; жобаның құны екі миллиард деп бағаланып отыр, жартысын даму банкі береді.",
        "Министрдің айтуынша, станция қырық мың үйді жарықпен қамтамасыз етеді, ал су үш ауданның егістігіне барады.",
    ];

    fn story_page(head: &str, title: &str, date: &str, paragraphs: &[&str]) -> String {
        let body: String = paragraphs.iter().map(|text| format!("<p>{text}</p>")).collect();
        format!(
            "<html><head>{head}<title>{title} | Steppe</title><script>var x = '<p>no</p>';</script></head><body>\
             <nav><ul><li><a href=/>Home</a></li><li><a href=/news>News</a></li></ul></nav>\
             <article><h1>{title}</h1><div class=meta>{date}</div><div class=text>{body}</div></article>\
             <footer>© 2026 Steppe</footer></body></html>"
        )
    }

    #[test]
    fn reads_pages_of_the_region() {
        for (title, date, paragraphs) in [
            ("Утверждён план плотины", "10:14, 20 января 2026", RUSSIAN),
            ("Бөгет жоспары бекітілді", "2026 ж. 20 қаңтар", KAZAKH),
        ] {
            let Extraction { article, rejected, .. } =
                extracted(&story_page("", title, date, &paragraphs), None, ContentFrom::Page);
            assert_eq!(rejected, None);
            assert_eq!(article.title.as_deref(), Some(title));
            assert_eq!(article.content_text, paragraphs.join("\n\n"));
            let day = article.date_published.map(|time| time.to_string()[..10].to_owned());
            assert_eq!(day.as_deref(), Some("2026-01-20"));
            assert_eq!(article.extract.fields.get("date_published").map(String::as_str), Some("text"));
            assert_eq!(article.extract.path, "blocks");
            assert!(article.word_count > 30 && article.extract.confidence > 0.5, "{:?}", article.extract);
        }
    }

    #[test]
    fn every_field_names_its_origin() {
        let head = r#"<html lang="ru"><meta property="og:image" content="/dam.jpg"><meta name="description" content="Кратко о плотине">
            <script type="application/ld+json">{"@type":"NewsArticle","headline":"Утверждён план плотины","datePublished":"2026-01-20T10:14:00+06:00",
            "dateModified":"2026-01-21","author":{"@type":"Person","name":"Айгуль Серикова"},"keywords":["вода"]}</script>"#;
        let article =
            extracted(&story_page(head, "Утверждён план плотины", "", &RUSSIAN), None, ContentFrom::Page).article;
        let fields: Vec<(&str, &str)> =
            article.extract.fields.iter().map(|(name, from)| (name.as_str(), from.as_str())).collect();
        let expected = [
            ("authors", "json-ld"),
            ("date_modified", "json-ld"),
            ("date_published", "json-ld"),
            ("image", "meta"),
            ("language", "meta"),
            ("summary", "meta"),
            ("tags", "json-ld"),
            ("title", "text"),
        ];
        assert_eq!(fields, expected);
        assert_eq!(article.date_published.map(|time| time.to_string()).as_deref(), Some("2026-01-20T10:14:00+06:00"));
        assert_eq!(article.date_precision, Some(DatePrecision::Second));
        assert_eq!((article.charset.as_deref(), article.charset_from.as_deref()), (Some("UTF-8"), Some("http")));
    }

    #[test]
    fn site_rules_go_first() {
        let mut html = story_page("", "Утверждён план плотины", "", &RUSSIAN);
        html = html.replace("<div class=text>", "<div class=text><div class=more>Читайте нас</div>");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("sites")).expect("a folder");
        let rule = "hosts = [\"steppe.example\"]\n[article]\nbody = \"div.text\"\ndrop = \".more\"\n";
        std::fs::write(folder.path().join("sites/steppe.toml"), rule).expect("a file");
        let rules =
            SiteRules::compile(&RuleFiles::with_overrides(folder.path()).expect("readable")).expect("valid rules");
        let hints = Hints {
            announced: None,
            zone: &TimeZone::UTC,
            rule: rules.by_id("steppe"),
            content: ContentFrom::Page,
            template: None,
        };
        let article = extract(&page(&html), &hints).article;
        assert_eq!(article.content_text, RUSSIAN.join("\n\n"));
        assert_eq!(
            (article.extract.path.as_str(), article.extract.site_rule.as_deref()),
            ("site-rule", Some("steppe"))
        );
    }

    #[test]
    fn feed_text_is_used_where_asked_for_or_needed() {
        let content_html = Some(RUSSIAN.map(|text| format!("<p>{text}</p>")).concat());
        let announced = Announced { content_html, title: Some("Плотина".to_owned()), ..Announced::default() };
        let full = story_page("", "Бөгет", "", &KAZAKH);
        for (html, content, path, rejected) in [
            (full.as_str(), ContentFrom::Feed, "feed", None),
            ("", ContentFrom::Feed, "feed", None),
            (full.as_str(), ContentFrom::Page, "blocks", None),
            ("<p>Short.</p>", ContentFrom::Page, "feed", None),
            ("%PDF-1.4", ContentFrom::Page, "feed", Some("not-html")),
        ] {
            let found = extracted(html, Some(&announced), content);
            assert_eq!(found.article.extract.path, path, "{html:?}");
            assert_eq!(found.rejected.map(|rejection| rejection.reason).as_deref(), rejected, "{html:?}");
        }
    }

    #[test]
    fn rejected_pages_give_their_fields() {
        let Extraction { article, rejected, .. } =
            extracted("<title>Gallery of the dam</title><img src=a>", None, ContentFrom::Page);
        assert_eq!(article.title.as_deref(), Some("Gallery of the dam"));
        assert_eq!(rejected.map(|rejection| rejection.reason).as_deref(), Some("too-short"));
    }

    #[test]
    fn title_and_date_lines_are_no_text() {
        let zone = TimeZone::UTC;
        let context = DateContext { zone: &zone, now: None, year_hint: None };
        let check = |text: &str, expected: &str| {
            assert_eq!(without_leading_lines(text, Some("Dam opened"), &context), expected);
        };
        check("Dam opened!\n\n9 March 2026\n\nThe text.", "The text.");
        check("The text.\n\nDam opened", "The text.\n\nDam opened");
        check("20.11.2026 The text.\n\nMore.", "The text.\n\nMore.");
        check("20.11.2026, 14:05 The text.", "The text.");
        for kept in ["20.11.2026 the dam was opened.", "2026 The text.", "14:05 The text.", "3 The text.", "20.11.2026"]
        {
            check(kept, kept);
        }
        check("Dam opened", "Dam opened");
    }

    #[test]
    fn hostile_pages_neither_abort_nor_lose_the_text() {
        let text = "<p>The water of the new reservoir reached the town on Monday, officials of the ministry said.</p>";
        for html in [
            "<span>".repeat(100_000) + text,
            "<blockquote>".repeat(20_000) + text,
            "<table><tr><td>".repeat(5_000) + text,
            "<svg>".repeat(100_000) + text,
            "<p><b><i>".repeat(2_000) + text,
            format!("<p title='{}'>{text}", "x".repeat(1 << 20)),
            format!("<script type=application/ld+json>{}</script>{text}", "{\"@graph\":[".repeat(50_000)),
        ] {
            let found = extracted(&html, None, ContentFrom::Page).article.content_text;
            assert!(found.contains("water of the new reservoir"), "{:?} gave {found:?}", &html[..60]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_bytes_are_extracted(bytes in proptest::collection::vec(any::<u8>(), 0..300), markup in "(<(/)?(p|div|h1|a|li|table|td|meta|time|script)( [a-z]+=['\"]?[a-z0-9-]*)?>?|[a-z .]{0,9}){0,40}") {
            let mut page = page(&markup);
            page.bytes.extend(bytes);
            let hints = Hints { announced: None, zone: &TimeZone::UTC, rule: None, content: ContentFrom::Page, template: None };
            let found = extract(&page, &hints);
            prop_assert!((0.0..=1.0).contains(&found.article.extract.confidence));
        }
    }
}
