//! How well articles are discovered: listing pages in the manner of the region's publishing systems, and the figures.

use std::collections::BTreeSet;

use super::*;

/// A page, its address, and what it holds; the articles are what [`articles`] expects in it.
struct Case {
    name: &'static str,
    url: &'static str,
    html: String,
    /// Paths, with queries, of the article links.
    expected: Vec<String>,
}

/// Headlines in several languages.
const TITLES: [&str; 10] = [
    "Парламент принял закон о воде в третьем чтении",
    "Үкімет жаңа жоспарды бекітті",
    "Toshkentda yangi metro bekati ochildi",
    "Railway to the port is opened ahead of schedule",
    "Курс валют",
    "Бишкекте жаңы мектеп курулду",
    "Дар Душанбе пули нав кушода шуд",
    "Ministry plans a new dam in the south of the country",
    "В Алматы ограничат движение на трёх улицах",
    "Samarqandda xalqaro ko‘rgazma boshlandi",
];

/// What stands around the articles of every page.
const HEADER: &str = r#"<header class="site-header"><a class="logo" href="/">Habar</a><ul class="main-menu"><li><a href="/politics-and-power">Политика и власть</a></li>
<li><a href="/economy-and-money">Экономика и деньги</a></li><li><a href="/society-and-people">Общество и люди</a></li><li><a href="/sport-and-health">Спорт и здоровье</a></li></ul>
<div class="lang-switch"><a href="/kk/">Қазақ тілінде оқу</a><a href="/en/">Read in English language</a></div></header>"#;

const FOOTER: &str = r#"<footer><ul><li><a href="/about/editorial-staff">Редакция и контакты сайта</a></li><li><a href="/privacy-policy-of-the-site">Политика конфиденциальности сайта</a></li>
<li><a href="/advertising-prices-for-2026">Размещение рекламы на сайте</a></li></ul><a href="https://t.me/habar">Наш канал в Телеграме</a><a href="https://facebook.com/habar/posts/1234567">Мы в социальной сети</a></footer>"#;

/// `part` once for each number, `N` the number and `T` a headline.
fn each(numbers: std::ops::Range<usize>, part: &str) -> String {
    numbers.map(|n| part.replace("{N}", &n.to_string()).replace("{T}", TITLES[n % TITLES.len()])).collect()
}

fn paths(numbers: std::ops::Range<usize>, path: &str) -> Vec<String> {
    numbers.map(|n| path.replace("{N}", &n.to_string())).collect()
}

fn whole(main: &str) -> String {
    format!("<!DOCTYPE html><html><head><title>Habar</title></head><body>{HEADER}{main}{FOOTER}</body></html>")
}

fn case(name: &'static str, url: &'static str, main: &str, expected: Vec<String>) -> Case {
    Case { name, url, html: whole(main), expected }
}

fn cases() -> Vec<Case> {
    let sidebar = each(10..16, r#"<li><a href="/news/{N}00/">{T} и не только это</a></li>"#);
    let cards = each(
        20..32,
        r#"<article class="post-{N} post type-post category-news"><a class="thumb" href="/2026/11/zakon-o-vode-prinyat-{N}/"><img src="/i/{N}.jpg" alt=""></a>
        <h2 class="entry-title"><a href="/2026/11/zakon-o-vode-prinyat-{N}/" rel="bookmark">{T} № {N}</a></h2><span class="posted-on"><a href="/2026/11/20/">20 ноября 2026 года</a></span>
        <span class="byline"><a rel="author" href="/author/asel-bekova/">Асель Бекова автор</a></span><span class="cat-links"><a href="/category/vlast-i-politika/">Власть и политика</a></span>
        <p>Начало текста…</p><a class="more-link" href="/2026/11/zakon-o-vode-prinyat-{N}/">Читать далее</a></article>"#,
    );
    vec![
        case(
            "Bitrix: numbered articles, a sidebar and a pager",
            "https://habar.example/news/",
            &format!(
                r#"<div class="bx-breadcrumb"><a href="/news/">Новости и события</a></div><div class="news-list">{}</div>
                <div class="bx-pagination"><a href="/news/?PAGEN_1=2">Следующая страница новостей</a><a href="/news/?PAGEN_1=30">Последняя страница списка</a></div>
                <div class="bx-sidebar-block"><h3>Популярное за неделю</h3><ul>{sidebar}</ul></div>"#,
                each(
                    512340..512355,
                    r#"<p class="news-item" id="bx_{N}"><span class="news-date-time">20.11.2026</span><a href="/news/{N}/"><b>{T}</b></a><br></p>"#
                )
            ),
            paths(512340..512355, "/news/{N}/"),
        ),
        case(
            "WordPress: picture, title and read-more, authors, categories, dates",
            "https://habar.example/category/news/",
            &format!(
                r#"<main>{cards}<nav class="navigation pagination"><a class="page-numbers" href="/category/news/page/2/">Older posts of ours</a></nav></main>
                <aside id="secondary" class="widget-area"><section class="widget widget_recent_entries"><h2>Свежие записи</h2><ul>{}</ul></section>
                <section class="widget widget_tag_cloud"><a href="/tag/zakon-o-vode-i-reke/">закон о воде и реке</a><a href="/tag/sever-i-yug-strany/">север и юг страны</a><a href="/tag/dengi-i-banki-strany/">деньги и банки страны</a></section></aside>"#,
                each(40..45, r#"<li><a href="/2025/01/old-story-about-water-{N}/">{T} прежде</a></li>"#)
            ),
            paths(20..32, "/2026/11/zakon-o-vode-prinyat-{N}/"),
        ),
        case(
            "hashed classes of a script's framework, Cyrillic slugs",
            "https://habar.example/ru/latest",
            &format!(
                r#"<div id="__next"><div class="Layout_root__x7Gd2"><div class="List_grid__3kPq1">{}</div><div class="Aside_box__9aaZ1"><div class="Aside_title__1z">Самое читаемое</div>{}</div></div></div>"#,
                each(
                    60..74,
                    r#"<div class="Card_root__a1B2c"><a class="Card_link__Zx9" href="/ru/новости/закон-о-воде-принят-{N}"><div class="Card_image__q"><img src="/{N}.webp"></div><div class="Card_title__Yt7">{T} {N}</div><div class="Card_meta__p0">14:{N}</div></a></div>"#
                )
                .replace("14:6", "14:3")
                .replace("14:7", "14:4"),
                each(80..85, r#"<a class="Aside_link__K2" href="/ru/новости/старая-новость-о-воде-{N}">{T} год назад</a>"#)
            ),
            paths(60..74, "/ru/новости/закон-о-воде-принят-{N}"),
        ),
        case(
            "a table of rows with times",
            "https://habar.example/lenta.php",
            &format!(
                r#"<table class="rates"><tr><td><a href="/rates/?c=usd2026">Доллар США к тенге</a></td></tr><tr><td><a href="/rates/?c=eur2026">Евро к тенге сегодня</a></td></tr><tr><td><a href="/rates/?c=rub2026">Рубль России к тенге</a></td></tr></table>
                <table width="100%"><tr><th colspan="2">20 ноября 2026</th></tr>{}</table>"#,
                each(
                    7001..7021,
                    r#"<tr><td><small>10:15</small></td><td><a href="/article.php?id={N}">{T} для всех</a></td></tr>"#
                )
            ),
            paths(7001..7021, "/article.php?id={N}"),
        ),
        case(
            "cards with pictures and a lead of another make",
            "https://habar.example/",
            &format!(
                r#"<section class="hero"><a href="/news/politics/99001-glavnoe"><h1>Главное событие дня в стране и мире</h1></a></section><section class="grid">{}</section>"#,
                each(
                    98001..98013,
                    r#"<article class="card"><a class="card__pic" href="/news/economy/{N}-sobytie"><img alt="Фото"></a><a class="card__rubric" href="/news/economy">Экономика и финансы</a><h3 class="card__title"><a href="/news/economy/{N}-sobytie">{T} подробно</a></h3><time datetime="2026-11-20T10:00:00+05:00"></time></article>"#
                )
            ),
            [vec!["/news/politics/99001-glavnoe".to_owned()], paths(98001..98013, "/news/economy/{N}-sobytie")].concat(),
        ),
        case(
            "a ticker above the main list, absolute links, tracking",
            "https://www.habar.example/",
            &format!(
                r#"<div class="ticker marquee">{}</div><div id="newslist">{}</div>"#,
                each(300..305, r#"<a href="https://www.habar.example/live/{N}1">Срочно: {T} сейчас</a>"#),
                each(
                    4000..4030,
                    r#"<div class="one"><div class="time">1{N}</div><div class="title"><a href="https://www.habar.example/obschestvo/{N}_zakon/?from=list&place=main"><span>{T} и вода</span></a></div></div>"#
                )
                .replace("<div class=\"time\">14", "<div class=\"time\">14:")
            ),
            paths(4000..4030, "/obschestvo/{N}_zakon/?from=list&place=main"),
        ),
        case(
            "date paths, day headers, no classes at all",
            "https://habar.example/archive",
            &format!(
                "<h2>20 ноября 2026 года</h2><ul>{}</ul><h2>19 ноября 2026 года</h2><ul>{}</ul><h2>Читайте также</h2><ul>{}</ul>",
                each(10..18, r#"<li>12:{N} <a href="/news/2026/11/20/voda-{N}">{T} в стране</a></li>"#),
                each(20..28, r#"<li>12:{N} <a href="/news/2026/11/19/voda-{N}">{T} в стране</a></li>"#),
                each(30..34, r#"<li><a href="/special/2024/01/01/old-{N}">{T} давно уже</a></li>"#)
            ),
            [paths(10..18, "/news/2026/11/20/voda-{N}"), paths(20..28, "/news/2026/11/19/voda-{N}")].concat(),
        ),
        case(
            "several languages side by side",
            "https://habar.example/kk/news",
            &format!(
                r#"<div class="row"><div class="col feed">{}</div></div>"#,
                each(
                    2100..2115,
                    r#"<div class="feed-item"><a class="feed-item__title" href="/kk/news/{N}">{T} туралы</a><div class="feed-item__langs"><a href="/ru/news/{N}">Читать на русском языке</a><a href="/en/news/{N}">Read this in English</a></div></div>"#
                )
            ),
            paths(2100..2115, "/kk/news/{N}"),
        ),
        case(
            "several lists by rubric, each with a link to the rest",
            "https://habar.example/",
            &["politics", "economy", "society"]
                .map(|rubric| {
                    format!(
                        r#"<section class="block"><h2><a href="/{rubric}/">Все новости раздела</a></h2>{}<a class="all" href="/{rubric}/all">Все материалы раздела</a></section>"#,
                        each(
                            500..506,
                            &format!(r#"<div class="block__item"><a href="/{rubric}/2026-11-20-voda-{{N}}.html">{{T}} {rubric}</a></div>"#)
                        )
                    )
                })
                .concat(),
            ["politics", "economy", "society"]
                .iter()
                .flat_map(|rubric| paths(500..506, &format!("/{rubric}/2026-11-20-voda-{{N}}.html")))
                .collect(),
        ),
        case(
            "short Uzbek slugs below a year, most read beside, ads between",
            "https://habar.example/uz/latest",
            &format!(
                r#"<div class="container"><div class="col-lg-8">{}</div><div class="col-lg-4 right-column"><div class="popular-news"><h4>Ko‘p o‘qilgan</h4>{}</div></div></div>"#,
                each(
                    100..112,
                    r#"<div class="news-item"><a href="/uz/2026/metro-{N}"><img></a><div class="news-item__body"><a href="/uz/2026/metro-{N}">{T} bugun</a><span class="date">Bugun, 10:30</span></div></div><div class="adv"><a href="/adv/click?banner=2026{N}">Reklama: eng yaxshi narxlar</a></div>"#
                ),
                each(130..136, r#"<div class="news-item"><a href="/uz/2026/eski-{N}">{T} kecha</a></div>"#)
            ),
            paths(100..112, "/uz/2026/metro-{N}"),
        ),
        Case {
            name: "links that only a script writes, with a list for search engines",
            url: "https://habar.example/news",
            html: whole(&format!(
                r#"<div id="app"></div><script type="application/ld+json">{{"@context":"https://schema.org","@graph":[{{"@type":"BreadcrumbList","itemListElement":[{{"@type":"ListItem","item":"/news"}}]}},{{"@type":"ItemList","itemListElement":[{}]}}]}}</script>"#,
                each(800..810, r#"{"@type":"ListItem","position":{N},"url":"https://habar.example/news/5{N}7-voda","name":"{T}"},"#)
                    .trim_end_matches(',')
            )),
            expected: paths(800..810, "/news/5{N}7-voda"),
        },
        case(
            "news of a portal between services, videos and partners",
            "https://habar.example/main",
            &format!(
                r#"<div class="services"><a href="/weather/almaty-2026-today">Погода в Алматы на сегодня</a><a href="/horoscope/2026-11-20">Гороскоп на сегодня всем</a><a href="/tv/program-of-2026">Программа передач на неделю</a></div>
                <div class="main-news">{}</div><div class="partners-news"><h3>Новости партнёров</h3>{}</div>
                <div class="video-block"><h3>Видео</h3>{}</div>"#,
                each(
                    61000..61016,
                    r#"<div class="main-news__line"><a href="/story/{N}.html" class="main-news__link">{T} сегодня</a> <a class="comments" href="/story/{N}.html#comments">12</a></div>"#
                ),
                each(70..74, r#"<a href="/click/{N}00">{T} у партнёров</a>"#),
                each(90..93, r#"<a class="v" href="/video/{N}00">{T} на видео</a>"#)
            ),
            paths(61000..61016, "/story/{N}.html"),
        ),
        case(
            "bulletins of a ministry: a list of two-word titles with numbers",
            "https://gov.habar.example/press/news",
            &format!(
                r#"<div class="view-content">{}</div><ul class="pager"><li><a href="/press/news?page=1">Следующая страница списка</a></li></ul>
                <div class="region-sidebar"><ul>{}</ul></div>"#,
                each(
                    345..360,
                    r#"<div class="views-row"><div class="field-content"><a href="/press/news/details/{N}12?lang=ru">{T} министерства</a></div><span class="date-display-single">20.11.2026 10:00</span></div>"#
                ),
                each(1..7, r#"<li><a href="/documents-and-laws-of-year-{N}">Документы и законы министерства {N}</a></li>"#)
            ),
            paths(345..360, "/press/news/details/{N}12?lang=ru"),
        ),
        case(
            "magazine: few long reads, authors with pages of their own, events",
            "https://habar.example/magazine",
            &format!(
                r#"<div class="longreads">{}</div><div class="authors">{}</div><div class="events"><h2>Recommended events</h2>{}</div>"#,
                each(
                    1..6,
                    r#"<div class="lr"><h2><a href="/magazine/how-the-river-was-turned-part-{N}">How the river was turned, part {N} of a long story</a></h2><p class="lr-author"><a href="/authors/dana-nurlan-{N}">Dana Nurlan and others</a></p></div>"#
                ),
                each(1..6, r#"<a href="/authors/writer-of-many-stories-{N}">Writer of many stories {N}</a>"#),
                each(1..5, r#"<p><a href="/events/concert-in-the-old-park-{N}">Concert in the old park {N}</a></p>"#)
            ),
            paths(1..6, "/magazine/how-the-river-was-turned-part-{N}"),
        ),
    ]
}

#[test]
fn nearly_all_articles_are_discovered_and_nearly_nothing_else() {
    /// What was measured; less is a step back.
    const PRECISION_LEAST: f64 = 1.0;
    const RECALL_LEAST: f64 = 0.995;
    let (mut right, mut found_count, mut expected_count) = (0, 0, 0);
    let mut faults = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 12);
    for case in &cases {
        let url = Url::parse(case.url).expect("an address");
        let now = "2026-11-20T12:00:00Z".parse().ok();
        let listing = read(case.html.as_bytes(), None, &url, None, &TimeZone::UTC, now).unwrap_or_default();
        let found: BTreeSet<Url> = listing.entries.into_iter().filter_map(|entry| entry.url).collect();
        let expected: BTreeSet<Url> = case.expected.iter().map(|path| url.join(path).expect("a path")).collect();
        right += found.intersection(&expected).count();
        found_count += found.len();
        expected_count += expected.len();
        let show =
            |urls: std::collections::btree_set::Difference<'_, Url>| urls.map(Url::path).collect::<Vec<_>>().join(" ");
        let (missed, wrong) = (show(expected.difference(&found)), show(found.difference(&expected)));
        if !missed.is_empty() || !wrong.is_empty() {
            faults.push(format!("{}\n  missed: {missed}\n  wrong: {wrong}", case.name));
        }
    }
    let (precision, recall) = (right as f64 / found_count as f64, right as f64 / expected_count as f64);
    let figures =
        format!("precision {precision:.3}, recall {recall:.3} on {} pages\n{}", cases.len(), faults.join("\n"));
    assert!(precision >= PRECISION_LEAST && recall >= RECALL_LEAST, "{figures}");
}
