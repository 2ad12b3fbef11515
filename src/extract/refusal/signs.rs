//! What a page says of its own kind: its metas, JSON-LD, address, and the media in it.

use scraper::Html;
use url::Url;

use super::{Judged, words};
use crate::extract::json_ld::{self, Kinds};
use crate::extract::metadata::selector;
use crate::extract::render::line_of;

/// Most h1 that are read, and longest title, in characters.
const HEADINGS_MAX: usize = 4;
const TITLE_CHARS_MAX: usize = 300;
/// Fewest pictures of a gallery; more are not counted.
const PICTURES_MIN: usize = 5;

/// Signs of a page's kind.
#[derive(Debug)]
pub(super) struct Signs {
    /// `og:type` in lower case.
    og_type: String,
    pub kinds: Kinds,
    /// Whether a node, or the address of a publication time, says that this is an article.
    pub is_article: bool,
    /// Whether a node says that this is a list of articles.
    pub is_collection: bool,
    /// Whether a node says that this is a gallery.
    pub is_gallery_node: bool,
    /// The document's title and its h1.
    pub titles: Vec<String>,
}

impl Signs {
    pub(super) fn of(page: &Judged<'_>) -> Self {
        let kinds = json_ld::kinds(page.json_ld);
        let has = |test: fn(&str) -> bool| kinds.names.iter().any(|name| test(name));
        let is_article = has(|name| {
            name.ends_with("Article") || name.ends_with("BlogPosting") || matches!(name, "Report" | "LiveBlogPosting")
        });
        let is_collection = has(|name| matches!(name, "CollectionPage" | "SearchResultsPage" | "ItemList"));
        let is_gallery_node = has(|name| matches!(name, "ImageGallery" | "MediaGallery"));
        let og_type = page.tree.select(selector!("meta[property='og:type'][content]")).next();
        let og_type = og_type.and_then(|meta| meta.attr("content")).unwrap_or_default().trim().to_lowercase();
        let elements = page.tree.select(selector!("head title")).take(1);
        let titles = elements.chain(page.tree.select(selector!("h1")).take(HEADINGS_MAX)).map(line_of);
        let titles = titles.filter(|title| !title.is_empty() && title.chars().count() <= TITLE_CHARS_MAX).collect();
        Self { og_type, kinds, is_article, is_collection, is_gallery_node, titles }
    }

    /// Whether anything calls the page an article.
    pub(super) fn is_called_article(&self, tree: &Html) -> bool {
        let published = selector!("meta[property='article:published_time'], [itemprop~=articleBody]");
        self.is_article || self.og_type == "article" || tree.select(published).next().is_some()
    }

    /// Whether the page is there for a video.
    pub(super) fn is_video(&self, page: &Judged<'_>) -> bool {
        let has_player =
            || page.tree.select(selector!("video, iframe[src*='youtu'], iframe[src*='player']")).next().is_some();
        self.og_type.starts_with("video")
            || self.kinds.names.iter().any(|name| name == "VideoObject")
            || (has_segment(page.url, &words::VIDEO_SEGMENTS) && has_player())
    }

    /// Whether the page is there for its pictures.
    pub(super) fn is_gallery(&self, page: &Judged<'_>) -> bool {
        let has_pictures = || page.tree.select(selector!("img")).take(PICTURES_MIN).count() == PICTURES_MIN;
        let is_declared = self.is_gallery_node || self.og_type == "gallery";
        (is_declared || has_segment(page.url, &words::GALLERY_SEGMENTS)) && has_pictures()
    }
}

/// Whether the address has one of the segments above its last.
pub(super) fn has_segment(url: Option<&Url>, segments: &[&str]) -> bool {
    let path = url.and_then(Url::path_segments).into_iter().flatten();
    let all: Vec<String> = path.filter(|segment| !segment.is_empty()).map(str::to_lowercase).collect();
    let folders = all.len().saturating_sub(1);
    all.iter().take(folders).any(|segment| segments.contains(&segment.as_str()))
}
