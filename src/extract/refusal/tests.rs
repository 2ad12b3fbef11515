//! Pages that are no articles, in the languages of the region, and articles that look alike.

use jiff::tz::TimeZone;

use crate::extract::{Extraction, Hints, extract};
use crate::model::{Announced, ContentFrom, Page};

use super::*;

fn page(bytes: &[u8], content_type: &str, url: &str) -> Page {
    let content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
    let url: Option<Url> = url.parse().ok();
    Page { final_url: url.clone(), url, status: 200, content_type, bytes: bytes.to_vec(), fetched_at: None }
}

fn check_bytes(bytes: &[u8], content_type: &str, expected: Option<&str>) {
    let reason = not_html(&page(bytes, content_type, "")).map(|rejection| rejection.reason);
    assert_eq!(reason.as_deref(), expected, "{:?} as {content_type:?}", String::from_utf8_lossy(bytes));
}

#[test]
fn knows_other_files() {
    check_bytes(b"%PDF-1.7 ...", "text/html", Some("not-html"));
    check_bytes(b"\x89PNG\r\n\x1a\n", "", Some("not-html"));
    check_bytes(b"\xff\xd8\xff\xe0", "", Some("not-html"));
    check_bytes(b"GIF89a", "", Some("not-html"));
    check_bytes(b"PK\x03\x04", "", Some("not-html"));
    check_bytes(b"RIFF\x00\x00\x00\x00WEBPVP8", "", Some("not-html"));
    check_bytes(b"some bytes", "application/pdf; x=y", Some("not-html"));
    check_bytes(b"<p>text</p>", "application/pdf", None);
    check_bytes(b" \n\t", "text/html", Some("empty"));
    check_bytes(b"plain text", "", None);
}

const STORY: &str = "/2026/11/dam";

fn extracted(path: &str, html: &str, announced: Option<&Announced>) -> Extraction {
    let page = page(html.as_bytes(), "text/html; charset=utf-8", &format!("https://steppe.example{path}"));
    extract(&page, &Hints { announced, zone: &TimeZone::UTC, rule: None, content: ContentFrom::Page, template: None })
}

fn check(path: &str, html: &str, expected: Option<&str>) {
    let Extraction { article, rejected, .. } = extracted(path, html, None);
    let reason = rejected.as_ref().map(|rejection| rejection.reason.as_str());
    assert_eq!(reason, expected, "{html}\ngave {:?}, {rejected:?}", article.content_text);
}

fn document(head: &str, body: &str) -> String {
    format!("<html><head>{head}</head><body><nav><a href=/>Home</a></nav>{body}<footer>Steppe</footer></body></html>")
}

fn node(json: &str) -> String {
    format!("<script type=application/ld+json>{json}</script>")
}

/// An article's paragraphs, in the languages of the region.
const PARAGRAPHS: [&str; 7] = [
    "The dam above the town was opened on Monday morning, officials of the ministry said, and its water reached the fields by noon.",
    "Плотину выше города открыли в понедельник утром, сообщили в министерстве, и к полудню вода дошла до полей района.",
    "Қала үстіндегі бөгет дүйсенбі күні таңертең ашылды, деп хабарлады министрлік, түске қарай су егістікке жетті.",
    "Шаардын үстүндөгү тоскоол дүйшөмбү күнү эртең менен ачылды, деп билдирди министрлик, түшкө чейин суу талааларга жетти.",
    "Сарбанди болои шаҳр субҳи душанбе кушода шуд, гуфтанд дар вазорат, ва то нисфирӯзӣ об ба киштзорҳо расид.",
    "Şäheriň üstündäki bent duşenbe güni irden açyldy, diýip ministrlikde habar berdiler, günorta suw meýdanlara ýetdi.",
    "Shahar ustidagi toʻgʻon dushanba kuni ertalab ochildi, deb xabar berdi vazirlik, tushga yaqin suv dalalarga yetib keldi.",
];

fn story(paragraphs: usize) -> String {
    let text: String =
        PARAGRAPHS.iter().cycle().take(paragraphs).map(|paragraph| format!("<p>{paragraph}</p>")).collect();
    format!("<article><h1>Dam opened above the town</h1>{text}</article>")
}

#[test]
fn missing_pages_are_known_in_every_language() {
    for title in [
        "Page not found",
        "404 - Page Not Found | Steppe",
        "Oops! That page can’t be found.",
        "Error 404",
        "Страница не найдена — Степь",
        "Ошибка 404. Страница не найдена",
        "Бет табылмады",
        "Қате 404 | Дала",
        "Барак табылган жок",
        "Саҳифа ёфт нашуд",
        "Sahypa tapylmady",
        "Sahifa topilmadi",
        "Саҳифа топилмади",
    ] {
        let text = PARAGRAPHS[0];
        check(STORY, &document(&format!("<title>{title}</title>"), &format!("<p>{text}</p>")), Some("not-found"));
        check(STORY, &document("<title>Steppe</title>", &format!("<h1>{title}</h1><p>{text}</p>")), Some("not-found"));
    }
    for title in
        ["Flight 404 not found after storm", "Dam not found on the map", "Страница не найдена: кто закрыл архив"]
    {
        check(STORY, &document(&format!("<title>{title}</title>"), &story(2)), None);
    }
    check(STORY, &document("<title>Page not found</title>", &story(20)), None);
}

#[test]
fn stubs_of_paid_articles_are_known_in_every_language() {
    for (asks, paragraph) in [
        ("Subscribe to read the full article.", PARAGRAPHS[0]),
        ("Подпишитесь, чтобы читать дальше", PARAGRAPHS[1]),
        ("Толық мәтінді оқу үшін жазылыңыз", PARAGRAPHS[2]),
        ("Толук окуу үчүн жазылыңыз", PARAGRAPHS[3]),
        ("Барои хондан обуна шавед", PARAGRAPHS[4]),
        ("Doly okamak üçin abuna ýazylyň", PARAGRAPHS[5]),
        ("Toʻliq oʻqish uchun obuna boʻling", PARAGRAPHS[6]),
    ] {
        let body = format!("<article><h1>Dam</h1><p>{paragraph}</p><div class=wall>{asks}</div></article>");
        check(STORY, &document("<title>Dam</title>", &body), Some("paywall"));
        let long = format!("{}<div>{asks}</div>", story(14));
        check(STORY, &document("<title>Dam</title>", &long), None);
    }
}

#[test]
fn who_asks_to_follow_a_channel_does_not_ask_for_money() {
    for (asks, paragraph) in [
        ("Subscribe to read our news first on Telegram", PARAGRAPHS[0]),
        ("Подпишитесь, чтобы читать наши новости в Telegram", PARAGRAPHS[1]),
        ("Жаңалықтарды бірінші болып оқу үшін жазылыңыз", PARAGRAPHS[2]),
        ("Жаңылыктарды биринчи окуу үчүн жазылыңыз", PARAGRAPHS[3]),
        ("Yangiliklarni birinchi boʻlib oʻqish uchun obuna boʻling", PARAGRAPHS[6]),
    ] {
        let body = format!("<article><h1>Dam</h1><p>{paragraph}</p></article><div class=follow>{asks}</div>");
        check(STORY, &document("<title>Dam</title>", &body), None);
    }
}

#[test]
fn a_paid_part_that_is_there_makes_no_stub() {
    let paid = node(
        r#"{"@type":"NewsArticle","isAccessibleForFree":"False","hasPart":{"@type":"WebPageElement","isAccessibleForFree":false,"cssSelector":".paid"}}"#,
    );
    let free = format!("<article><h1>Dam opened</h1><p>{}</p>", PARAGRAPHS[0]);
    check(STORY, &document(&paid, &format!("{free}<div class=paid></div></article>")), Some("paywall"));
    check(
        STORY,
        &document(&paid, &format!("{free}<div class=paid><p>{0}</p><p>{0}</p></div></article>", PARAGRAPHS[1])),
        None,
    );
    let unnamed = node(r#"{"@type":"NewsArticle","isAccessibleForFree":false}"#);
    check(STORY, &document(&unnamed, &format!("{free}</article>")), None);
    let broken = paid.replace(".paid", ":::");
    check(STORY, &document(&broken, &format!("{free}</article>")), None);
}

#[test]
fn pages_that_ask_for_consent_are_known() {
    for text in [
        "We use cookies and similar technologies to show this site, to measure visits and to sell advertising space.",
        "Мы используем файлы cookie, чтобы сайт работал; нажмите «Принять», чтобы продолжить пользоваться сайтом.",
        "Біз cookie файлдарын қолданамыз; сайтты әрі қарай пайдалану үшін келісім беріңіз, құрметті оқырман.",
        "Saytimiz cookie fayllaridan foydalanadi; davom etish uchun rozilik bering, hurmatli oʻquvchi.",
    ] {
        check(STORY, &document("<title>Steppe</title>", &format!("<main><p>{text}</p></main>")), Some("cookie-wall"));
        let article = story(4).replace("</article>", &format!("<p>{text}</p></article>"));
        check(STORY, &document("<title>Dam</title>", &article), None);
    }
    let law =
        "Parliament passed the law on cookies: sites must ask before a cookie is stored, the speaker said on Monday.";
    let article = format!("<article><h1>Law on cookies passed</h1><p>{law}</p><p>{}</p></article>", PARAGRAPHS[0]);
    check(STORY, &document("<title>Law on cookies passed</title>", &article), None);
    let named =
        "Тренер Кукин сообщил, что команда области начнёт сборы в понедельник и сыграет три матча до конца месяца.";
    check(
        STORY,
        &document(
            "<title>Команда едет на сборы</title>",
            &format!("<article><h1>Команда едет на сборы</h1><p>{named}</p></article>"),
        ),
        None,
    );
    let asks = format!("<p>{}</p>", PARAGRAPHS[0]);
    check(STORY, &document("<title>Before you continue | Steppe</title>", &asks), Some("cookie-wall"));
}

#[test]
fn walls_have_the_reasons_that_the_client_gives() {
    let form = "<form><input name=u><input type=password></form>";
    for title in ["Log in", "Войти — Степь", "Кіру", "Кирүү", "Kirish", "Даромад", "Giriş"]
    {
        let html = document(&format!("<title>{title}</title>"), &format!("<p>{}</p>{form}", PARAGRAPHS[0]));
        check(STORY, &html, Some("login-page"));
    }
    for title in ["Just a moment...", "Вы не робот?", "DDoS-Guard", "Access Denied"] {
        let html = document(&format!("<title>{title}</title>"), &format!("<p>{}</p>", PARAGRAPHS[0]));
        check(STORY, &html, Some("bot-wall"));
    }
    check(STORY, &document("<title>Just a moment...</title>", &story(20)), None);
    check(STORY, &document("<title>Dam</title>", &format!("{form}{}", story(2))), None);
}

#[test]
fn videos_and_galleries_without_a_text_are_known() {
    let described = format!("<main><h1>Dam opened</h1><p>{}</p></main>", PARAGRAPHS[0]);
    let pictures = "<img src=a.jpg>".repeat(6);
    let video = node(r#"{"@type":"VideoObject","name":"Dam opened"}"#);
    check(STORY, &document(&video, &described), Some("video"));
    check(STORY, &document("<meta property=og:type content=video.other>", &described), Some("video"));
    check("/ru/video/dam-opened", &document("", &format!("{described}<video src=a.mp4></video>")), Some("video"));
    check(STORY, &document("", &format!("{described}<video src=a.mp4></video>")), None);
    check(STORY, &document(&video, &story(6)), None);
    let article = node(r#"[{"@type":"NewsArticle","headline":"Dam opened"},{"@type":"VideoObject"}]"#);
    check(STORY, &document(&article, &described), None);

    let gallery = node(r#"{"@type":"ImageGallery","name":"Dam opened"}"#);
    check(STORY, &document(&gallery, &format!("{described}{pictures}")), Some("gallery"));
    check("/photo/dam-opened", &document("", &format!("{described}{pictures}")), Some("gallery"));
    check("/photo/dam-opened", &document("", &described), None);
    check(STORY, &document(&gallery, &format!("{}{pictures}", story(12))), None);
}

fn teasers(count: usize) -> String {
    let teaser = |n: usize| {
        let text = PARAGRAPHS[n % PARAGRAPHS.len()];
        let (headline, rest) = text.split_at(text.find(',').unwrap_or(text.len()));
        format!("<li><h3><a href=/news/{n}>{headline} {n}</a></h3><p>{}</p></li>", rest.trim_start_matches([',', ' ']))
    };
    format!("<main><h1>News of the day</h1><ul>{}</ul></main>", (0..count).map(teaser).collect::<String>())
}

#[test]
fn lists_of_articles_are_known() {
    let collection = node(r#"{"@type":"CollectionPage","name":"News"}"#);
    check("/news/dam", &document(&collection, &teasers(20)), Some("index"));
    check("/", &document("", &teasers(20)), Some("index"));
    check("/ru/", &document("", &teasers(20)), Some("index"));
    check("/tag/dam", &document("", &teasers(20)), Some("index"));
    check("/novosti", &document("", &teasers(20)), Some("index"));
}

/// Whether the reader finds a text in a digest is its own matter.
fn check_no_list(path: &str, html: &str) {
    let rejected = extracted(path, html, None).rejected;
    assert!(rejected.as_ref().is_none_or(|rejection| rejection.reason != "index"), "{rejected:?}");
}

#[test]
fn articles_among_many_links_are_no_lists() {
    let related = teasers(30).replace("<main>", "<aside>").replace("</main>", "</aside>");
    check(STORY, &document("", &format!("{}{related}", story(14))), None);
    check("/novosti", &document("", &format!("{}{related}", story(14))), None);
    let collection = node(r#"{"@graph":[{"@type":"CollectionPage"},{"@type":"NewsArticle","headline":"Dam opened"}]}"#);
    check_no_list(STORY, &document(&collection, &teasers(20)));
    let declared = "<meta property=article:published_time content=2026-11-20T10:00:00Z>";
    check_no_list("/digest/week", &document(declared, &teasers(20)));
}

#[test]
fn a_page_with_hardly_a_word_is_too_short() {
    check(STORY, &document("<title>Dam</title>", "<p>Too short.</p>"), Some("too-short"));
    check(STORY, &document("<title>Dam</title>", &format!("<p>{}</p>", PARAGRAPHS[0])), None);
}
