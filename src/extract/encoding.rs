//! Bytes to text: byte order mark, HTTP, the page's own declaration, detection; evidence overrules a declaration.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::text::markup::{self, Token};

/// How far into a page its declaration is looked for, in bytes. The standard says 1024; real pages have it later.
const DECLARATION_BYTES_MAX: usize = 8 << 10;
/// How much of a page the detector looks at, in bytes.
const DETECTION_BYTES_MAX: usize = 256 << 10;
/// How much of a page shows whether it is UTF-16, in bytes.
const ZERO_PATTERN_BYTES: usize = 1024;

/// A decoded page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text; what could not be decoded is U+FFFD.
    pub text: String,
    /// Name of the encoding, as the Encoding Standard writes it.
    pub charset: &'static str,
    /// Who named it: `bom`, `http`, `meta`, `detected`.
    pub from: &'static str,
}

/// Decodes a page. `host_tld` helps detection, such as `kz` for Cyrillic.
pub fn decode(bytes: &[u8], content_type: Option<&str>, host_tld: Option<&str>) -> Decoded {
    if let Some((encoding, mark_length)) = Encoding::for_bom(bytes) {
        return with(encoding, "bom", &bytes[mark_length..]);
    }
    if let Some(encoding) = utf_16_by_zeros(bytes) {
        return with(encoding, "detected", bytes);
    }
    let http = content_type.and_then(charset_of_content_type);
    let meta = declared_in_page(bytes);
    let declared = match (http, meta) {
        // Servers add the old default of HTTP without looking; the page's author knew better.
        (Some(http), Some(meta)) if http == WINDOWS_1252 => Some((meta, "meta")),
        (Some(http), _) => Some((http, "http")),
        (None, Some(meta)) => Some((meta, "meta")),
        (None, None) => None,
    };
    match (declared, utf_8_evidence(bytes)) {
        (Some((encoding, from)), Utf8Evidence::None) if encoding != UTF_8 => with(encoding, from, bytes),
        (Some((encoding, from)), Utf8Evidence::OnlyAscii) => with(encoding, from, bytes),
        (Some((encoding, from)), Utf8Evidence::Mostly) if encoding == UTF_8 => with(encoding, from, bytes),
        (_, Utf8Evidence::Mostly | Utf8Evidence::OnlyAscii) => with(UTF_8, "detected", bytes),
        (_, Utf8Evidence::None) => with(detect(bytes, host_tld), "detected", bytes),
    }
}

fn with(encoding: &'static Encoding, from: &'static str, bytes: &[u8]) -> Decoded {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Decoded { text: text.into_owned(), charset: encoding.name(), from }
}

fn charset_of_content_type(content_type: &str) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    let value = lower.split("charset=").nth(1)?;
    let label = value.split([';', ',', ' ']).next()?.trim_matches(['"', '\'']);
    Encoding::for_label(label.as_bytes())
}

/// The charset of `<meta charset>`, `<meta http-equiv>`, or an XML declaration.
fn declared_in_page(bytes: &[u8]) -> Option<&'static Encoding> {
    let head: String = bytes.iter().take(DECLARATION_BYTES_MAX).map(|byte| char::from(*byte)).collect();
    let encoding = charset_of_xml(&head).or_else(|| charset_of_meta(&head))?;
    // A declaration that could be read as ASCII is no UTF-16 (WHATWG HTML, "prescan").
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

fn charset_of_xml(head: &str) -> Option<&'static Encoding> {
    let declaration = head.trim_start().strip_prefix("<?xml")?.split('>').next()?;
    let value = declaration.split("encoding=").nth(1)?;
    let label = value.trim_start_matches(['"', '\'']).split(['"', '\'', '?']).next()?;
    Encoding::for_label(label.as_bytes())
}

fn charset_of_meta(head: &str) -> Option<&'static Encoding> {
    markup::tokens(head).find_map(|token| {
        let Token::Start(tag) = token else { return None };
        if tag.name != "meta" {
            return None;
        }
        if let Some(label) = markup::attribute_value(head, &tag, "charset") {
            return Encoding::for_label(label.as_bytes());
        }
        charset_of_content_type(markup::attribute_value(head, &tag, "content")?)
    })
}

/// UTF-16 without a mark: markup is ASCII, so every other byte of it is zero; other encodings have no zeros.
fn utf_16_by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = &bytes[..bytes.len().min(ZERO_PATTERN_BYTES)];
    let zeros = |offset: usize| start.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), start.len() / 2);
    match half {
        0..8 => None,
        _ if odd * 8 > half && even * 20 < half => Some(UTF_16LE),
        _ if even * 8 > half && odd * 20 < half => Some(UTF_16BE),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Utf8Evidence {
    /// No byte above 0x7F: every encoding reads it alike.
    OnlyAscii,
    /// Multi-byte sequences, and at most one broken sequence to ten good ones.
    Mostly,
    /// Something else.
    None,
}

fn utf_8_evidence(bytes: &[u8]) -> Utf8Evidence {
    let (mut good, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    match (good, broken) {
        (0, 0) => Utf8Evidence::OnlyAscii,
        _ if broken * 10 <= good => Utf8Evidence::Mostly,
        _ => Utf8Evidence::None,
    }
}

fn detect(bytes: &[u8], host_tld: Option<&str>) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(DETECTION_BYTES_MAX)], true);
    // The detector panics on a label that is not lower-case ASCII.
    let tld = host_tld.filter(|tld| !tld.is_empty() && tld.bytes().all(|byte| byte.is_ascii_lowercase()));
    detector.guess(tld.map(str::as_bytes), Utf8Detection::Deny)
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{KOI8_R, WINDOWS_1251};
    use proptest::prelude::*;

    const TEXT: &str = "Правительство утвердило план развития дорог, сообщили журналистам в министерстве транспорта.";

    fn check(bytes: &[u8], content_type: Option<&str>, expected: (&str, &str), text: &str) {
        let decoded = decode(bytes, content_type, None);
        assert_eq!((decoded.charset, decoded.from), expected);
        assert!(decoded.text.contains(text), "{:?} lacks {text:?}", decoded.text);
    }

    fn in_encoding(encoding: &'static Encoding, page: &str) -> Vec<u8> {
        encoding.encode(page).0.into_owned()
    }

    #[test]
    fn believes_declarations() {
        let page = format!("<meta charset=windows-1251><p>{TEXT}");
        check(&in_encoding(WINDOWS_1251, &page), None, ("windows-1251", "meta"), TEXT);
        let old = format!("<META http-equiv=Content-Type content='text/html; charset=koi8-r'><p>{TEXT}");
        check(&in_encoding(KOI8_R, &old), None, ("KOI8-R", "meta"), TEXT);
        check(&in_encoding(WINDOWS_1251, TEXT), Some("text/html; charset=\"cp1251\""), ("windows-1251", "http"), TEXT);
        check(TEXT.as_bytes(), Some("text/html;charset=UTF-8"), ("UTF-8", "http"), TEXT);
        check(b"plain", Some("text/html; charset=utf-8"), ("UTF-8", "http"), "plain");
    }

    #[test]
    fn evidence_overrules_declarations() {
        check(TEXT.as_bytes(), Some("text/html; charset=windows-1251"), ("UTF-8", "detected"), TEXT);
        check(&in_encoding(WINDOWS_1251, TEXT), Some("text/html; charset=utf-8"), ("windows-1251", "detected"), TEXT);
        let page = format!("<meta charset=windows-1251><p>{TEXT}");
        check(&in_encoding(WINDOWS_1251, &page), Some("text/html; charset=iso-8859-1"), ("windows-1251", "meta"), TEXT);
        let one_broken = [TEXT.as_bytes(), b"\xff tail"].concat();
        check(&one_broken, Some("text/html; charset=utf-8"), ("UTF-8", "http"), TEXT);
    }

    #[test]
    fn detects_without_declaration() {
        check(&in_encoding(WINDOWS_1251, TEXT), None, ("windows-1251", "detected"), TEXT);
        check(&in_encoding(KOI8_R, &TEXT.repeat(3)), None, ("KOI8-U", "detected"), TEXT);
        let wide: Vec<u8> = format!("<html><body><p>{TEXT}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&wide, None, ("UTF-16LE", "detected"), TEXT);
        let marked = [b"\xff\xfe".as_slice(), &wide].concat();
        check(&marked, Some("text/html; charset=utf-8"), ("UTF-16LE", "bom"), TEXT);
        check(format!("\u{feff}{TEXT}").as_bytes(), None, ("UTF-8", "bom"), TEXT);
    }

    proptest! {
        #[test]
        fn any_bytes_decode(bytes in proptest::collection::vec(any::<u8>(), 0..200), tld in "\\PC{0,4}") {
            let decoded = decode(&bytes, None, Some(&tld));
            prop_assert!(decoded.text.len() <= 3 * bytes.len() + 3);
        }
    }
}
