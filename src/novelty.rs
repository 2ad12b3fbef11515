//! Knowing an article again: by its canonical URL, by a digest of its text, and by what it has in common with others.
//! Pure.

mod address;
pub mod change;
pub mod difference;
mod fold;
pub mod looks;
pub mod near;

use sha2::{Digest as _, Sha256};

use crate::model::{Announced, ArticleId, CanonicalUrl, Digest};

pub use address::{believed_canonical, canonical_url, fetchable_url};

/// What an extracted article is, compared with what is recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Never recorded.
    New,
    /// Never recorded; it holds the text of a recorded article, and much that this one does not.
    Extended {
        /// The article that was recorded first.
        of: ArticleId,
        /// How much of that one's text it holds, 0 to 1.
        similarity: f64,
    },
    /// Recorded, and its text has changed.
    Update {
        /// The version to record now.
        version: u32,
        /// The version before it.
        replaces: u32,
    },
    /// Recorded with this very text.
    Unchanged,
    /// Another article has this text.
    Duplicate {
        /// The article that was recorded first.
        of: ArticleId,
        /// How alike they are, 0 to 1; 1 for the very text.
        similarity: f64,
    },
}

/// What the store knows of an article that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its latest version.
    pub version: u32,
    /// [`text_digest`] of that version.
    pub text_digest: Digest,
}

/// Decides what an article is. `known` is what is recorded under its id; `digest_owner` the article whose recorded
/// text has this digest.
///
/// A recorded article is never called a duplicate: its address is known to readers, so a new text at it is an update,
/// also when another article says the same.
pub fn judge(id: ArticleId, digest: Digest, known: Option<Known>, digest_owner: Option<ArticleId>) -> Verdict {
    match (known, digest_owner) {
        (Some(known), _) if known.text_digest == digest => Verdict::Unchanged,
        (Some(known), _) => Verdict::Update { version: known.version.saturating_add(1), replaces: known.version },
        (None, Some(owner)) if owner != id => Verdict::Duplicate { of: owner, similarity: 1.0 },
        (None, _) => Verdict::New,
    }
}

/// The identity of the article at an address: the first 128 bits of SHA-256 of its canonical URL.
pub fn article_id(url: &CanonicalUrl) -> ArticleId {
    ArticleId(first_half(Sha256::new_with_prefix(url.as_str())))
}

/// Digest of an article's text, blind to case, white space, punctuation and Unicode form, so that one text has one
/// digest wherever it is set. Letters, digits and their grouping into words count, and what makes another number:
/// signs, decimal points, raised digits, currency and percent signs.
pub fn text_digest(text: &str) -> Digest {
    counted_digest(text).0
}

/// The digest, and of how many words.
fn counted_digest(text: &str) -> (Digest, usize) {
    let (mut hasher, mut words) = (Sha256::new(), 0);
    fold::words(text, |word| {
        absorb(&mut hasher, word);
        words += 1;
    });
    (Digest(first_half(hasher)), words)
}

/// Words of a text that is short enough to stand under many headlines ("Details in the video"): its title counts, too.
const TITLE_COUNTS_BELOW: usize = 20;

/// Digest of an article: of its text, and of its title where the text is of few words.
pub fn article_digest(title: Option<&str>, text: &str) -> Digest {
    let (digest, words) = counted_digest(text);
    match title {
        Some(title) if words < TITLE_COUNTS_BELOW => text_digest(&format!("{title}\n{text}")),
        _ => digest,
    }
}

/// Digest of what a source says of an article; another one means that the source announces a change.
///
/// Title, summary, content and date of change count. Markup, comments, addresses (with their tracking parameters),
/// case and punctuation do not.
pub fn announced_digest(announced: &Announced) -> Digest {
    let mut hasher = Sha256::new();
    for field in [&announced.title, &announced.summary, &announced.content_html] {
        let text = fold::without_markup(field.as_deref().unwrap_or_default());
        for token in text.split_whitespace().filter(|token| !is_address(token)) {
            fold::words(token, |word| absorb(&mut hasher, word));
        }
        hasher.update(FIELD_END);
    }
    if let Some(modified) = announced.date_modified {
        hasher.update(modified.at.as_second().to_be_bytes());
    }
    Digest(first_half(hasher))
}

/// Words are letters and digits, so neither mark can be part of one.
const WORD_END: &[u8] = b" ";
const FIELD_END: &[u8] = b"\x1e";

fn absorb(hasher: &mut Sha256, word: &str) {
    hasher.update(word);
    hasher.update(WORD_END);
}

fn is_address(token: &str) -> bool {
    token.contains("://")
}

fn first_half(hasher: Sha256) -> [u8; 16] {
    let whole = hasher.finalize();
    std::array::from_fn(|at| whole[at])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::OffsetTime;

    const A: ArticleId = ArticleId([1; 16]);
    const B: ArticleId = ArticleId([2; 16]);

    fn check(known: Option<(u32, &str)>, owner: Option<ArticleId>, expected: Verdict) {
        let known = known.map(|(version, text)| Known { version, text_digest: text_digest(text) });
        assert_eq!(judge(A, text_digest("now"), known, owner), expected, "{known:?} {owner:?}");
    }

    #[test]
    fn verdict_follows_from_what_is_recorded() {
        check(None, None, Verdict::New);
        check(None, Some(A), Verdict::New);
        check(None, Some(B), Verdict::Duplicate { of: B, similarity: 1.0 });
        check(Some((3, "now")), Some(A), Verdict::Unchanged);
        check(Some((3, "Now!")), Some(B), Verdict::Unchanged);
        check(Some((3, "before")), None, Verdict::Update { version: 4, replaces: 3 });
        check(Some((3, "before")), Some(B), Verdict::Update { version: 4, replaces: 3 });
        check(Some((u32::MAX, "before")), None, Verdict::Update { version: u32::MAX, replaces: u32::MAX });
    }

    #[test]
    fn identity_is_the_sha_256_of_the_canonical_url() {
        // printf %s 'https://example.kz/news/1' | sha256sum
        let id = article_id(&CanonicalUrl("https://example.kz/news/1".into()));
        assert_eq!(data_encoding::HEXLOWER.encode(&id.0), "cd97cce2c3614d07efd6bfc8c7ef847a");
    }

    #[test]
    fn text_digest_is_blind_to_setting_only() {
        let same = [
            ("Rates rose, by 5%.", "rates  rose\nby 5 %"),
            ("«Қазақстан» — ел", "\"ҚАЗАҚСТАН\" - ел"),
            ("O‘zbekiston", "Oʻzbekiston"),
            ("O'zbekiston", "O`zbekiston"),
            ("café", "cafe\u{301}"),
            ("ﬁnance ２", "finance 2"),
            ("soft\u{ad}ware", "software"),
            ("a\u{a0}b", "a b"),
            ("−15 degrees", "-15 degrees"),
            ("1,5 bn", "1.5 bn"),
            ("rose - 15 of", "rose — 15 of"),
            ("5 %", "5%,"),
            ("Nurly-Zhol", "Nurly Zhol"),
        ];
        for (left, right) in same {
            assert_eq!(text_digest(left), text_digest(right), "{left:?} {right:?}");
        }
        let different = [
            ("10 5", "105"),
            ("ab c", "a bc"),
            ("10.5", "105"),
            ("", "a"),
            ("один", "два"),
            ("-15 градусов", "+15 градусов"),
            ("(-15 градусов)", "(15 градусов)"),
            ("$5 million", "€5 million"),
            ("5 $", "5 ₸"),
            ("5%", "5"),
            ("1,5 млрд", "1-5 млрд"),
            ("1.5", "1 5"),
            ("10² m", "102 m"),
            ("CO₂", "CO"),
            ("5½", "51/2"),
        ];
        for (left, right) in different {
            assert_ne!(text_digest(left), text_digest(right), "{left:?} {right:?}");
        }
    }

    #[test]
    fn a_text_of_few_words_is_known_by_its_title_too() {
        let few = "Details are in the video.";
        let many = few.repeat(5);
        assert_ne!(
            article_digest(Some("A fire in the port"), few),
            article_digest(Some("The president has arrived"), few)
        );
        assert_eq!(article_digest(Some("A fire in the port"), few), article_digest(Some("a fire IN the port!"), few));
        assert_eq!(article_digest(Some("A fire in the port"), &many), article_digest(None, &many));
        assert_eq!(article_digest(None, few), text_digest(few));
    }

    #[test]
    fn announced_digest_sees_changes_and_no_noise() {
        let base = Announced {
            title: Some("Pipeline opened".into()),
            summary: Some("The line runs to the sea.".into()),
            content_html: Some("<p>Read <a href='https://e.kz/1?utm_source=rss'>it</a> &mdash; now</p>".into()),
            date_modified: "2026-03-01T10:00:00+05:00".parse().ok(),
            ..Announced::default()
        };
        let digest = announced_digest(&base);
        let quiet = [
            Announced { title: Some(" PIPELINE opened ".into()), ..base.clone() },
            Announced {
                summary: Some("<p>The line runs&nbsp;to the <b>sea</b>.</p><img src=x>".into()),
                ..base.clone()
            },
            Announced {
                content_html: Some("<div>Read <a href='https://e.kz/1?fbclid=9'>it</a> – now <!-- 7 --></div>".into()),
                ..base.clone()
            },
            Announced { summary: Some("The line runs to the sea. https://e.kz/?utm_id=1".into()), ..base.clone() },
            Announced { url: url::Url::parse("https://e.kz/?utm_medium=a").ok(), id: Some("9".into()), ..base.clone() },
            Announced { date_modified: "2026-03-01T05:00:00Z".parse().ok(), ..base.clone() },
        ];
        for other in quiet {
            assert_eq!(announced_digest(&other), digest, "{other:?}");
        }
        let later: Option<OffsetTime> = "2026-03-01T11:00:00+05:00".parse().ok();
        let changed = [
            Announced { title: Some("Pipeline closed".into()), ..base.clone() },
            Announced { summary: None, ..base.clone() },
            Announced { content_html: Some("<p>Read it later</p>".into()), ..base.clone() },
            Announced { date_modified: later, ..base.clone() },
            Announced { title: base.summary.clone(), summary: base.title.clone(), ..base },
        ];
        for other in changed {
            assert_ne!(announced_digest(&other), digest, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn digests_take_any_text(text in ".{0,200}") {
            let spaced = format!("  {}\n", text.replace(' ', " \u{a0} "));
            prop_assert_eq!(text_digest(&text), text_digest(&spaced));
            announced_digest(&Announced { content_html: Some(text), ..Announced::default() });
        }
    }
}
