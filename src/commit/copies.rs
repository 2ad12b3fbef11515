//! What is kept of a copy: where it stands, and where it differs from its original.

use jiff::Timestamp;
use serde::Deserialize;

use super::Candidate;
use crate::model::{ArticleId, Digest};
use crate::novelty::difference::{self, Difference};
use crate::store::KnownCopy;

/// The part of a record that a copy is compared with.
#[derive(Deserialize)]
pub struct Original {
    #[serde(default)]
    title: Option<String>,
    content_text: String,
    dedup: Fingerprint,
}

#[derive(Deserialize)]
struct Fingerprint {
    text_digest: Digest,
}

impl Original {
    /// Where a candidate differs from it. Most copies are exact, which their digests tell at once.
    fn difference(&self, candidate: &Candidate) -> Difference {
        if self.dedup.text_digest == candidate.text_digest {
            return Difference { same: 1.0, ..Difference::default() };
        }
        difference::of_copy(&self.content_text, &candidate.article.content_text)
    }
}

/// The row of a copy. Without the original it says less.
pub fn known_copy(
    id: ArticleId,
    candidate: &Candidate,
    original: Option<&Original>,
    similarity: f64,
    now: Timestamp,
) -> KnownCopy {
    let article = &candidate.article;
    let is_same_title = |original: &Original| original.title == article.title;
    KnownCopy {
        id,
        source: candidate.source.id.clone(),
        at: now,
        similarity,
        url: Some(candidate.url.clone()),
        title: article.title.clone().filter(|_| !original.is_some_and(is_same_title)),
        difference: original.map(|original| original.difference(candidate)),
    }
}
