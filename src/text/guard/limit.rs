//! The limits of a page that may be reported.

/// A limit that a page exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageLimit {
    /// Too many bytes; for those to report who refuse such a page unread.
    #[error("it has {bytes} bytes, more than {PAGE_BYTES_MAX}")]
    Bytes {
        /// Size of the body.
        bytes: usize,
    },
    /// Too many tags.
    #[error("it has more than {TAGS_MAX} tags")]
    Tags,
    /// Nested too deeply.
    #[error("its tags are nested more than {DEPTH_MAX} deep")]
    Depth,
    /// A tag with too many attributes.
    #[error("one of its tags has more than {ATTRIBUTES_MAX} attributes")]
    Attributes,
}

/// Largest page that is read, in bytes of text; what is beyond is cut. Real news pages stay under 2.9 MB.
pub const PAGE_BYTES_MAX: usize = 5 << 20;
/// Most tags of a page; later ones are dropped, their text stays. Real news pages stay under 20,000,
/// nearly all under 5,000.
pub const TAGS_MAX: usize = 50_000;
/// Deepest nesting; deeper tags are dropped, their text stays. Real news pages stay under 138.
pub const DEPTH_MAX: usize = 160;
/// Most attributes of one element; later ones are dropped: a tree builder compares each with all before it. Real pages
/// stay under 100.
pub const ATTRIBUTES_MAX: usize = 128;
