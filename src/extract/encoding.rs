//! Bytes to text: byte order mark, HTTP, the page's own declaration, detection; evidence overrules a declaration.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    Encoding, IBM866, ISO_8859_5, KOI8_R, KOI8_U, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251, WINDOWS_1252, WINDOWS_1254,
};

use crate::text::markup::{self, Token};

/// How far into a page its declaration is looked for, in bytes. The standard says 1024; real pages have it later.
const DECLARATION_BYTES_MAX: usize = 8 << 10;
/// How much of a page the detector looks at, in bytes.
const DETECTION_BYTES_MAX: usize = 256 << 10;
/// How much of a page shows whether it is UTF-16, in bytes.
const ZERO_PATTERN_BYTES: usize = 1024;

/// Encodings of Cyrillic text; of equal readings the last, the most common one, is taken.
const CYRILLIC: [&Encoding; 4] = [IBM866, ISO_8859_5, KOI8_R, WINDOWS_1251];
/// Encodings that pages declare while they are in one of `CYRILLIC`.
const CONFUSED: [&Encoding; 7] = [IBM866, ISO_8859_5, KOI8_R, KOI8_U, WINDOWS_1251, WINDOWS_1252, WINDOWS_1254];
/// With fewer bytes above 0x7F than this, a page's words prove nothing against its declaration.
const FOREIGN_BYTES_MIN: usize = 20;
/// A reading with more Cyrillic words than this (see `cyrillic_percent`) may be right: the declaration holds.
const NO_CYRILLIC_PERCENT_MAX: usize = 35;
/// A reading with more than this is right.
const CYRILLIC_PERCENT_MIN: usize = 50;

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
    if let Some(encoding) = utf_16_by_high_bytes(bytes) {
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
        (Some((encoding, from)), Utf8Evidence::None) if CONFUSED.contains(&encoding) => {
            match meant_instead(encoding, bytes) {
                Some(meant) => with(meant, "detected", bytes),
                None => with(encoding, from, bytes),
            }
        }
        (Some((encoding, from)), Utf8Evidence::None) if encoding != UTF_8 => with(encoding, from, bytes),
        (Some((encoding, from)), Utf8Evidence::OnlyAscii) => with(encoding, from, bytes),
        (Some((encoding, from)), Utf8Evidence::Mostly) if encoding == UTF_8 => with(encoding, from, bytes),
        (_, Utf8Evidence::Mostly | Utf8Evidence::OnlyAscii) => with(UTF_8, "detected", bytes),
        (_, Utf8Evidence::None) => with(detect(bytes, host_tld), "detected", bytes),
    }
}

/// The Cyrillic encoding that gives Cyrillic words where the declared one gives none.
fn meant_instead(declared: &'static Encoding, bytes: &[u8]) -> Option<&'static Encoding> {
    let start = &bytes[..bytes.len().min(DETECTION_BYTES_MAX)];
    if start.iter().filter(|byte| !byte.is_ascii()).count() < FOREIGN_BYTES_MIN
        || cyrillic_percent(declared, start) >= NO_CYRILLIC_PERCENT_MAX
    {
        return None;
    }
    let readings = CYRILLIC.iter().map(|encoding| (cyrillic_percent(encoding, start), *encoding));
    let (percent, meant) = readings.max_by_key(|(percent, _)| *percent)?;
    (percent > CYRILLIC_PERCENT_MIN).then_some(meant)
}

/// How much of all that is not ASCII are common small letters after a Cyrillic letter, in percent. About 55 in Russian;
/// a wrong Cyrillic encoding gives capitals, signs and rare letters, a Western language has no such letters in a row.
fn cyrillic_percent(encoding: &'static Encoding, bytes: &[u8]) -> usize {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let (mut foreign, mut common) = (0usize, 0usize);
    let mut follows_letter = false;
    for c in text.chars() {
        foreign += usize::from(!c.is_ascii());
        common += usize::from(follows_letter && "оаеинтсрлвкмдыу".contains(c));
        follows_letter = matches!(c, '\u{400}'..='\u{4ff}');
    }
    common * 100 / foreign.max(1)
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

/// UTF-16 without a mark: markup is ASCII, so every other byte of it is zero, and of Cyrillic text U+0004; other
/// encodings have neither.
fn utf_16_by_high_bytes(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = &bytes[..bytes.len().min(ZERO_PATTERN_BYTES)];
    let zeros = |offset: usize| start.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), start.len() / 2);
    let high = |offset: usize| start.iter().skip(offset).step_by(2).filter(|byte| matches!(byte, 0 | 4)).count();
    match half {
        0..8 => None,
        _ if high(1) * 8 > half * 7 && high(0) * 8 < half => Some(UTF_16LE),
        _ if high(0) * 8 > half * 7 && high(1) * 8 < half => Some(UTF_16BE),
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
    if let Ok(text) = std::str::from_utf8(bytes) {
        return if text.is_ascii() { Utf8Evidence::OnlyAscii } else { Utf8Evidence::Mostly };
    }
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

    #[test]
    fn every_cyrillic_encoding_is_found_under_every_declaration() {
        let text = TEXT.repeat(2);
        let mut faults = Vec::new();
        for encoding in [UTF_8, WINDOWS_1251, KOI8_R, ISO_8859_5, IBM866] {
            for declared in
                ["utf-8", "windows-1251", "koi8-r", "iso-8859-1", "iso-8859-5", "ibm866", "windows-1252", ""]
            {
                let bytes = in_encoding(encoding, &text);
                let header = format!("text/html; charset={declared}");
                let decoded = decode(&bytes, (!declared.is_empty()).then_some(&header), Some("kz"));
                if decoded.text != text {
                    faults.push(format!("{} as {declared:?}: {} {}", encoding.name(), decoded.charset, decoded.from));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn western_and_turkish_pages_keep_their_declaration() {
        let french = "Le président a annoncé à l’Élysée que l’été serait très sec, et que les forêts brûleraient déjà.";
        let turkish =
            "Köprünün açılışı ağustos ayında yapılacak, dedi şehrin belediye başkanı; çocuklar için günü güzel.";
        for (encoding, label, text) in [(WINDOWS_1252, "iso-8859-1", french), (WINDOWS_1254, "iso-8859-9", turkish)] {
            let bytes = in_encoding(encoding, &text.repeat(3));
            check(&bytes, Some(&format!("text/html; charset={label}")), (encoding.name(), "http"), text);
        }
    }

    #[test]
    fn wide_text_without_zeros_is_found() {
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let wide: Vec<u8> = TEXT.encode_utf16().flat_map(to_bytes).collect();
            let decoded = decode(&wide, Some("text/html; charset=utf-8"), None);
            assert_eq!(decoded.text, TEXT);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_decode(bytes in proptest::collection::vec(any::<u8>(), 0..200), tld in "\\PC{0,4}") {
            let decoded = decode(&bytes, None, Some(&tld));
            prop_assert!(decoded.text.len() <= 3 * bytes.len() + 3);
        }
    }
}
