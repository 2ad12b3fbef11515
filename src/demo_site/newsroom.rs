//! Who publishes what in the demo's news world: the outlets, and the articles read from the texts beside this file.
//!
//! A text file holds articles separated by `====`; each is `key: value` lines, a blank line, paragraphs. Events and
//! persons are invented.

use std::collections::BTreeMap;

use jiff::tz::{Offset, TimeZone, offset};
use jiff::{SignedDuration, Timestamp, Zoned};

/// The outlets that work; a fifth source of the demo is dead.
pub(super) static OUTLETS: [Outlet; 4] = [
    Outlet {
        folder: "steppe-post",
        name: "The Steppe Post",
        language: "en",
        country: "KZ",
        offset: offset(5),
        announces: Announces::Rss,
        metadata: Metadata::JsonLd,
        phrases: &ENGLISH,
        texts: include_str!("steppe-post.txt"),
    },
    Outlet {
        folder: "turan-vestnik",
        name: "Вестник Турана",
        language: "ru",
        country: "KG",
        offset: offset(6),
        announces: Announces::Atom,
        metadata: Metadata::OpenGraph,
        phrases: &RUSSIAN,
        texts: include_str!("turan-vestnik.txt"),
    },
    Outlet {
        folder: "dala-habar",
        name: "Дала Хабар",
        language: "kk",
        country: "KZ",
        offset: offset(5),
        announces: Announces::JsonFeed,
        metadata: Metadata::JsonLd,
        phrases: &KAZAKH,
        texts: include_str!("dala-habar.txt"),
    },
    Outlet {
        folder: "oasis-courier",
        name: "Oasis Courier",
        language: "en",
        country: "UZ",
        offset: offset(5),
        announces: Announces::FrontPage,
        metadata: Metadata::TimeElement,
        phrases: &ENGLISH,
        texts: include_str!("oasis-courier.txt"),
    },
];

/// A publisher of the demo.
pub(super) struct Outlet {
    /// First part of the path of all its pages.
    pub folder: &'static str,
    pub name: &'static str,
    /// BCP 47.
    pub language: &'static str,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// Its time zone.
    pub offset: Offset,
    pub announces: Announces,
    pub metadata: Metadata,
    pub phrases: &'static Phrases,
    texts: &'static str,
}

/// How an outlet makes its articles known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announces {
    Rss,
    Atom,
    JsonFeed,
    /// It has no feed.
    FrontPage,
}

/// Where an outlet's pages say who wrote what when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metadata {
    JsonLd,
    OpenGraph,
    /// Nothing but what readers see.
    TimeElement,
}

/// The words around an article, which are not of the article.
pub(super) struct Phrases {
    pub sections: [&'static str; 4],
    pub share: &'static str,
    pub read_also: &'static str,
    pub latest: &'static str,
    pub older: &'static str,
    pub rights: &'static str,
}

static ENGLISH: Phrases = Phrases {
    sections: ["Politics", "Economy", "Society", "Opinion"],
    share: "Share this",
    read_also: "Read also",
    latest: "Latest news",
    older: "Older",
    rights: "All rights reserved.",
};

static RUSSIAN: Phrases = Phrases {
    sections: ["Политика", "Экономика", "Общество", "Мнения"],
    share: "Поделиться",
    read_also: "Читайте также",
    latest: "Последние новости",
    older: "Раньше",
    rights: "Все права защищены.",
};

static KAZAKH: Phrases = Phrases {
    sections: ["Саясат", "Экономика", "Қоғам", "Пікір"],
    share: "Бөлісу",
    read_also: "Тағы оқыңыз",
    latest: "Соңғы жаңалықтар",
    older: "Бұрынғы",
    rights: "Барлық құқықтар қорғалған.",
};

/// An article as its outlet published it.
#[derive(Clone, Debug)]
pub(super) struct Article {
    /// Last part of its address.
    pub slug: &'static str,
    pub title: &'static str,
    pub summary: String,
    pub author: &'static str,
    pub tags: Vec<&'static str>,
    pub published: Zoned,
    /// When it was corrected.
    pub modified: Option<Zoned>,
    pub paragraphs: Vec<String>,
}

impl Outlet {
    /// What it has published, newest first. `now` is when the demo began: the youngest article is about an hour older.
    /// From `corrected_at` on, the article that has a correction carries it.
    pub fn articles(&self, now: Timestamp, corrected_at: Option<Timestamp>) -> Vec<Article> {
        let mut articles: Vec<Article> =
            drafts(self.texts).map(|draft| self.article(&draft, now, corrected_at)).collect();
        articles.sort_by(|a, b| b.published.cmp(&a.published));
        articles
    }

    fn article(&self, draft: &Draft, now: Timestamp, corrected_at: Option<Timestamp>) -> Article {
        let text = draft.fields.get("copy_of").map_or_else(|| draft.clone(), |slug| original(slug));
        let minutes_ago = draft.field("minutes_ago").parse().expect("minutes are a number; a test reads every draft");
        let local = |at: Timestamp| at.to_zoned(TimeZone::fixed(self.offset));
        let mut article = Article {
            slug: draft.field("slug"),
            title: draft.field("title"),
            summary: text.field("summary").to_owned(),
            author: text.field("author"),
            tags: text.field("tags").split(", ").collect(),
            published: local(now - SignedDuration::from_mins(minutes_ago)),
            modified: None,
            paragraphs: text.body.split("\n\n").map(|paragraph| paragraph.trim().replace('\n', " ")).collect(),
        };
        if let Some(dateline) = draft.fields.get("dateline") {
            // As customers of an agency print it: under a headline of their own, and cut.
            article.paragraphs[0].insert_str(0, dateline);
            article.paragraphs.pop();
        }
        if let (Some(at), Some(note)) = (corrected_at, text.fields.get("correction_note")) {
            let (from, to) = (text.field("correct_from"), text.field("correct_to"));
            article.summary = article.summary.replace(from, to);
            for paragraph in &mut article.paragraphs {
                *paragraph = paragraph.replace(from, to);
            }
            article.paragraphs.push((*note).to_owned());
            article.modified = Some(local(at));
        }
        article
    }
}

/// An article as it stands in its file.
#[derive(Clone)]
struct Draft {
    fields: BTreeMap<&'static str, &'static str>,
    body: &'static str,
}

impl Draft {
    fn field(&self, key: &str) -> &'static str {
        self.fields.get(key).copied().unwrap_or_else(|| panic!("a draft without {key}; a test reads every draft"))
    }
}

fn drafts(texts: &'static str) -> impl Iterator<Item = Draft> {
    texts.split("====\n").map(|draft| {
        let (head, body) = draft.split_once("\n\n").unwrap_or((draft, ""));
        Draft { fields: head.lines().filter_map(|line| line.split_once(": ")).collect(), body }
    })
}

fn original(slug: &str) -> Draft {
    let mut all = OUTLETS.iter().flat_map(|outlet| drafts(outlet.texts));
    all.find(|draft| draft.field("slug") == slug).expect("a copy names an original; a test reads every draft")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T06:00:00Z".parse().expect("a time")
    }

    fn all_articles(corrected_at: Option<Timestamp>) -> Vec<Article> {
        OUTLETS.iter().flat_map(|outlet| outlet.articles(now(), corrected_at)).collect()
    }

    #[test]
    fn every_article_is_whole_past_and_of_news_length() {
        let articles = all_articles(None);
        assert_eq!(articles.len(), 14);
        for article in &articles {
            let words: usize = article.paragraphs.iter().map(|paragraph| paragraph.split_whitespace().count()).sum();
            assert!((150..=300).contains(&words), "{}: {words} words", article.slug);
            assert!(article.published.timestamp() < now(), "{} is of the future", article.slug);
            let parts = [article.title, article.summary.as_str(), article.author, article.slug];
            assert!(parts.iter().all(|part| !part.trim().is_empty()), "{} lacks a part", article.slug);
        }
        let mut slugs: Vec<_> = articles.iter().map(|article| article.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), articles.len(), "a slug is used twice");
    }

    #[test]
    fn one_article_is_a_copy_under_another_headline_and_cut() {
        let articles = all_articles(None);
        let find = |slug: &str| articles.iter().find(|article| article.slug == slug).expect("it is published");
        let (copy, original) = (find("caspian-port-container-train"), find("aktau-container-hub-first-train"));
        assert_ne!(copy.title, original.title);
        assert!(copy.paragraphs[0].ends_with(&original.paragraphs[0]) && copy.paragraphs[0] != original.paragraphs[0]);
        assert_eq!(copy.paragraphs[1..], original.paragraphs[1..copy.paragraphs.len()]);
        assert_eq!(copy.paragraphs.len() + 1, original.paragraphs.len());
    }

    #[test]
    fn the_correction_changes_one_article() {
        let corrected: Vec<_> = all_articles(Some(now()))
            .into_iter()
            .zip(all_articles(None))
            .filter(|(after, before)| after.paragraphs != before.paragraphs)
            .collect();
        let [(after, before)] = corrected.as_slice() else { panic!("{} articles changed", corrected.len()) };
        assert_ne!(after.summary, before.summary);
        assert_eq!(after.modified.as_ref().map(Zoned::timestamp), Some(now()));
        assert!(!after.paragraphs.concat().contains("420 мегаватт"));
    }
}
