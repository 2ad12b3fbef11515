//! What the demo's web server sends: feeds, front pages and article pages, with what surrounds articles in real life.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::Bytes;
use jiff::{Timestamp, Zoned};
use serde_json::json;

use super::newsroom::{Announces, Article, Metadata, OUTLETS, Outlet};

/// All answers of the server by path.
pub(super) type Site = BTreeMap<String, Served>;

/// One answer.
#[derive(Clone)]
pub(super) struct Served {
    pub content_type: &'static str,
    pub body: Bytes,
    /// Derived from the body: the same as long as the body is the same.
    pub etag: String,
}

impl Served {
    fn new(content_type: &'static str, body: String) -> Self {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Self { content_type, etag: format!("\"{:016x}\"", hasher.finish()), body: Bytes::from(body) }
    }
}

const HTML: &str = "text/html; charset=utf-8";

/// Renders the whole site for `base` (scheme, host and port, no final slash).
pub(super) fn render(base: &str, now: Timestamp, corrected_at: Option<Timestamp>) -> Site {
    let mut site = Site::new();
    site.insert("/robots.txt".into(), Served::new("text/plain", "User-agent: *\nDisallow: /account/\n".into()));
    for outlet in &OUTLETS {
        let articles = outlet.articles(now, corrected_at);
        site.insert(front_path(outlet), Served::new(HTML, front_page(outlet, &articles)));
        let feed = match outlet.announces {
            Announces::Rss => Some(Served::new("application/rss+xml; charset=utf-8", rss(base, outlet, &articles))),
            Announces::Atom => Some(Served::new("application/atom+xml; charset=utf-8", atom(base, outlet, &articles))),
            Announces::JsonFeed => Some(Served::new("application/feed+json", json_feed(base, outlet, &articles))),
            Announces::FrontPage => None,
        };
        if let Some(feed) = feed {
            site.insert(source_path(outlet), feed);
        }
        for article in &articles {
            let page = article_page(base, outlet, article, &articles);
            site.insert(article_path(outlet, article), Served::new(HTML, page));
        }
    }
    site
}

/// Path that is polled.
pub(super) fn source_path(outlet: &Outlet) -> String {
    let file = match outlet.announces {
        Announces::Rss => "rss.xml",
        Announces::Atom => "atom.xml",
        Announces::JsonFeed => "feed.json",
        Announces::FrontPage => "",
    };
    front_path(outlet) + file
}

/// Path of the front page.
pub(super) fn front_path(outlet: &Outlet) -> String {
    format!("/{}/", outlet.folder)
}

/// Path of an article.
pub(super) fn article_path(outlet: &Outlet, article: &Article) -> String {
    format!("/{}/{}/{}.html", outlet.folder, article.published.strftime("%Y/%m/%d"), article.slug)
}

fn rss(base: &str, outlet: &Outlet, articles: &[Article]) -> String {
    let mut items = String::new();
    for article in articles {
        let _ = write!(
            items,
            "<item>\n<title>{title}</title>\n<link>{base}{path}?utm_source=rss&amp;utm_medium=feed</link>\n\
             <guid isPermaLink=\"false\">{folder}:{slug}</guid>\n<pubDate>{published}</pubDate>\n\
             <dc:creator>{author}</dc:creator>\n<description><![CDATA[<p>{summary}</p>]]></description>\n",
            title = escape(article.title),
            path = article_path(outlet, article),
            folder = outlet.folder,
            slug = article.slug,
            published = article.published.strftime("%a, %d %b %Y %H:%M:%S %z"),
            author = escape(article.author),
            summary = escape(&article.summary),
        );
        for tag in &article.tags {
            let _ = writeln!(items, "<category>{}</category>", escape(tag));
        }
        items.push_str("</item>\n");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n<channel>\n<title>{name}</title>\n\
         <link>{base}{front}</link>\n<description>News of the day</description>\n<language>{language}</language>\n\
         <ttl>15</ttl>\n{items}</channel>\n</rss>\n",
        name = escape(outlet.name),
        front = front_path(outlet),
        language = outlet.language,
    )
}

fn atom(base: &str, outlet: &Outlet, articles: &[Article]) -> String {
    let mut entries = String::new();
    for article in articles {
        let _ = write!(
            entries,
            "<entry>\n<id>tag:{folder}.example,2026:{slug}</id>\n<title>{title}</title>\n\
             <link rel=\"alternate\" type=\"text/html\" href=\"{base}{path}\"/>\n<published>{published}</published>\n\
             <updated>{updated}</updated>\n<author><name>{author}</name></author>\n<summary>{summary}</summary>\n",
            folder = outlet.folder,
            slug = article.slug,
            title = escape(article.title),
            path = article_path(outlet, article),
            published = rfc3339(&article.published),
            updated = rfc3339(article.modified.as_ref().unwrap_or(&article.published)),
            author = escape(article.author),
            summary = escape(&article.summary),
        );
        for tag in &article.tags {
            let _ = writeln!(entries, "<category term=\"{}\"/>", escape(tag));
        }
        entries.push_str("</entry>\n");
    }
    let changes = articles.iter().map(|article| article.modified.as_ref().unwrap_or(&article.published));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{language}\">\n<id>{base}{front}</id>\n\
         <title>{name}</title>\n<updated>{updated}</updated>\n<link rel=\"self\" href=\"{base}{source}\"/>\n\
         {entries}</feed>\n",
        language = outlet.language,
        front = front_path(outlet),
        name = escape(outlet.name),
        updated = changes.max().map(rfc3339).unwrap_or_default(),
        source = source_path(outlet),
    )
}

fn json_feed(base: &str, outlet: &Outlet, articles: &[Article]) -> String {
    let item = |article: &Article| {
        json!({
            "id": format!("{}:{}", outlet.folder, article.slug),
            "url": format!("{base}{}", article_path(outlet, article)),
            "title": article.title,
            "summary": article.summary,
            "date_published": rfc3339(&article.published),
            "authors": [{ "name": article.author }],
            "tags": article.tags,
        })
    };
    let feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.name,
        "home_page_url": format!("{base}{}", front_path(outlet)),
        "feed_url": format!("{base}{}", source_path(outlet)),
        "language": outlet.language,
        "items": articles.iter().map(item).collect::<Vec<_>>(),
    });
    format!("{feed:#}\n")
}

fn front_page(outlet: &Outlet, articles: &[Article]) -> String {
    let mut cards = String::new();
    for article in articles {
        let _ = write!(
            cards,
            "<div class=\"news-card\">\n<h3><a href=\"{path}\">{title}</a></h3>\n\
             <time datetime=\"{at}\">{shown}</time>\n<p>{summary}</p>\n</div>\n",
            path = article_path(outlet, article),
            title = escape(article.title),
            at = rfc3339(&article.published),
            shown = shown_time(&article.published),
            summary = escape(&article.summary),
        );
    }
    let phrases = outlet.phrases;
    let main = format!(
        "<h2>{latest}</h2>\n<div class=\"news-list\">\n{cards}</div>\n\
         <div class=\"pager\"><a href=\"?page=1\">1</a> <a href=\"?page=2\">2</a> <a href=\"?page=2\">{older}</a></div>\n",
        latest = phrases.latest,
        older = phrases.older,
    );
    frame(outlet, outlet.name, "", &main)
}

fn article_page(base: &str, outlet: &Outlet, article: &Article, all: &[Article]) -> String {
    let phrases = outlet.phrases;
    let others: Vec<&Article> = all.iter().filter(|other| other.slug != article.slug).collect();
    let link = |other: &Article| format!("<a href=\"{}\">{}</a>", article_path(outlet, other), escape(other.title));

    let mut body = String::new();
    for (position, paragraph) in article.paragraphs.iter().enumerate() {
        let _ = writeln!(body, "<p>{}</p>", escape(paragraph));
        if let (1, Some(other)) = (position, others.first()) {
            let _ = writeln!(body, "<aside class=\"read-also\"><b>{}:</b> {}</aside>", phrases.read_also, link(other));
        }
    }
    let tags: String = article.tags.iter().map(|tag| format!("<li>{}</li>", escape(tag))).collect();
    let latest: String = others.iter().map(|other| format!("<li>{}</li>\n", link(other))).collect();
    let main = format!(
        "<article>\n<h1>{title}</h1>\n\
         <div class=\"meta\"><span class=\"author\">{author}</span> <time datetime=\"{at}\">{shown}</time></div>\n\
         <div class=\"share\">{share}: <a href=\"#\">Telegram</a> <a href=\"#\">Facebook</a> <a href=\"#\">X</a></div>\n\
         <div class=\"article-body\">\n{body}</div>\n<ul class=\"tags\">{tags}</ul>\n</article>\n\
         <section class=\"related\">\n<h3>{latest_heading}</h3>\n<ul>\n{latest}</ul>\n</section>\n",
        title = escape(article.title),
        author = escape(article.author),
        at = rfc3339(&article.published),
        shown = shown_time(&article.published),
        share = phrases.share,
        latest_heading = phrases.latest,
    );
    frame(outlet, &format!("{} | {}", article.title, outlet.name), &metadata(base, outlet, article), &main)
}

fn metadata(base: &str, outlet: &Outlet, article: &Article) -> String {
    let published = rfc3339(&article.published);
    let modified = rfc3339(article.modified.as_ref().unwrap_or(&article.published));
    match outlet.metadata {
        Metadata::JsonLd => {
            let news_article = json!({
                "@context": "https://schema.org",
                "@type": "NewsArticle",
                "headline": article.title,
                "description": article.summary,
                "datePublished": published,
                "dateModified": modified,
                "author": [{ "@type": "Person", "name": article.author }],
                "publisher": { "@type": "Organization", "name": outlet.name },
                "mainEntityOfPage": format!("{base}{}", article_path(outlet, article)),
            });
            // Inside a script nothing is unescaped, so a "</" must not occur.
            let script = news_article.to_string().replace("</", "<\\/");
            format!("<script type=\"application/ld+json\">{script}</script>\n")
        }
        Metadata::OpenGraph => format!(
            "<meta property=\"og:type\" content=\"article\">\n<meta property=\"og:site_name\" content=\"{site}\">\n\
             <meta property=\"og:title\" content=\"{title}\">\n<meta property=\"og:description\" content=\"{summary}\">\n\
             <meta property=\"article:published_time\" content=\"{published}\">\n\
             <meta property=\"article:modified_time\" content=\"{modified}\">\n\
             <meta name=\"author\" content=\"{author}\">\n",
            site = escape(outlet.name),
            title = escape(article.title),
            summary = escape(&article.summary),
            author = escape(article.author),
        ),
        Metadata::TimeElement => String::new(),
    }
}

/// The frame that all pages of an outlet share.
fn frame(outlet: &Outlet, title: &str, head: &str, main: &str) -> String {
    let sections: String = (outlet.phrases.sections.iter().enumerate())
        .map(|(number, name)| format!("<li><a href=\"/{}/section/{}\">{name}</a></li>", outlet.folder, number + 1))
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n{head}\
         </head>\n<body>\n<header>\n<a class=\"logo\" href=\"{front}\">{name}</a>\n<nav><ul>{sections}</ul></nav>\n\
         <div class=\"ticker\">USD 524.10 ▲ EUR 566.85 ▼ RUB 6.41 ▲ CNY 72.30 ▲</div>\n</header>\n<main>\n{main}</main>\n\
         <footer>© 2026 {name}. {rights}</footer>\n</body>\n</html>\n",
        language = outlet.language,
        title = escape(title),
        front = front_path(outlet),
        name = escape(outlet.name),
        rights = outlet.phrases.rights,
    )
}

fn rfc3339(at: &Zoned) -> String {
    at.timestamp().display_with_offset(at.offset()).to_string()
}

fn shown_time(at: &Zoned) -> String {
    at.strftime("%d.%m.%Y, %H:%M").to_string()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
