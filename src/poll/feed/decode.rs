//! Bytes to text: byte order mark, UTF-16 by its zeros, UTF-8 when it is, then what HTTP or the document claims,
//! then detection.

mod pages;

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use url::Url;

/// Bytes at the start in which a document names its encoding (HTML asks for 1,024).
const CLAIM_BYTES_MAX: usize = 1024;

/// Broken UTF-8 sequences that still make it UTF-8: one in this many bytes.
const BYTES_PER_FAULT_MIN: usize = 500;

/// Decodes a document. Never fails: what cannot be decoded becomes U+FFFD.
///
/// Valid UTF-8 beats every claim: text in another encoding does not happen to be valid UTF-8, while servers and
/// templates often claim what they do not send.
pub(in crate::poll) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>, url: Option<&Url>) -> Cow<'a, str> {
    if let Some(text) = utf_32(bytes) {
        return Cow::Owned(text);
    }
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0;
    }
    match bytes {
        [b'<', 0, _, 0, ..] => return UTF_16LE.decode_without_bom_handling(bytes).0,
        [0, b'<', 0, _, ..] => return UTF_16BE.decode_without_bom_handling(bytes).0,
        _ => {}
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let from_http = content_type.and_then(charset_parameter);
    let label = claim(bytes);
    if let Some(text) =
        label.as_deref().filter(|_| !is_nearly_utf8(bytes)).and_then(|label| pages::decoded(label, bytes))
    {
        return Cow::Owned(text);
    }
    let from_document = label.as_deref().and_then(for_label);
    // RFC 9110 servers send iso-8859-1 by default, without looking: the document knows better.
    let claims = match (from_http, from_document) {
        (Some(http), Some(document)) if http == encoding_rs::WINDOWS_1252 => [Some(document), Some(http)],
        (http, document) => [http, document],
    };
    let is_utf8 = |encoding: &&'static Encoding| *encoding == UTF_8 || *encoding == UTF_16LE || *encoding == UTF_16BE;
    let claimed = claims.into_iter().flatten().find(|encoding| !is_utf8(encoding));
    let encoding = match claimed {
        _ if is_nearly_utf8(bytes) => UTF_8,
        Some(encoding) => encoding,
        None => detect(bytes, url),
    };
    encoding.decode_without_bom_handling(bytes).0
}

/// The encoding named by a Content-Type header.
fn charset_parameter(content_type: &str) -> Option<&'static Encoding> {
    let (_, value) = content_type.split_once("charset").or_else(|| content_type.split_once("CHARSET"))?;
    let label = value.trim_start().strip_prefix('=')?.trim_matches([' ', '"', '\'']);
    Encoding::for_label(label.split(';').next()?.trim_matches([' ', '"', '\'']).as_bytes())
}

/// The encoding that the document names: `<?xml … encoding="…"?>` or `<meta charset=…>`.
fn claim(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(CLAIM_BYTES_MAX)]);
    let key = head.find("encoding=").map(|at| at + 9).or_else(|| head.find("charset=").map(|at| at + 8))?;
    let value = head[key..].trim_start_matches(['"', '\'', ' ']);
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !"-_:.".contains(c)).unwrap_or(value.len());
    Some(value[..end].to_owned())
}

/// By the web's labels, also with underscores, and Apple's.
fn for_label(label: &str) -> Option<&'static Encoding> {
    let label = label.to_ascii_lowercase().replace('_', "-");
    let label = match label.as_str() {
        "mac" | "macroman" | "csmacintosh" => "macintosh",
        "maccyrillic" | "mac-cyrillic" => "x-mac-cyrillic",
        label => label,
    };
    Encoding::for_label(label.as_bytes())
}

/// UTF-32, by its byte order mark or its first zeros; the web's standard has none.
fn utf_32(bytes: &[u8]) -> Option<String> {
    let read: fn([u8; 4]) -> u32 = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [b'<', 0, 0, 0, ..] => u32::from_le_bytes,
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, b'<', ..] => u32::from_be_bytes,
        _ => return None,
    };
    let (units, _) = bytes.as_chunks::<4>();
    Some(units.iter().map(|unit| char::from_u32(read(*unit)).unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut faults, mut sequences) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        faults += usize::from(!chunk.invalid().is_empty());
        sequences += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
    }
    // A cut at the end is one fault; a text with a single foreign letter and no sequence is not UTF-8.
    faults <= 1 + bytes.len() / BYTES_PER_FAULT_MIN && sequences > 2 * faults
}

fn detect(bytes: &[u8], url: Option<&Url>) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // chardetng takes no uppercase and no dots; an address without a name has no top-level domain.
    let domain = url.and_then(Url::domain).and_then(|domain| domain.rsplit('.').next());
    let top = domain.filter(|top| !top.is_empty() && top.bytes().all(|byte| byte.is_ascii_lowercase()));
    detector.guess(top.map(str::as_bytes), Utf8Detection::Deny)
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{KOI8_R, WINDOWS_1251};

    const TEXT: &str = "Правительство утвердило план строительства железной дороги на следующий год";

    fn check(bytes: &[u8], content_type: Option<&str>, expected: &str) {
        assert_eq!(decode(bytes, content_type, None).trim_start_matches('\u{feff}'), expected);
    }

    #[test]
    fn encodings_declared_and_not() {
        let declared = |label: &str| format!("<?xml version=\"1.0\" encoding=\"{label}\"?><t>{TEXT}</t>");
        for (encoding, label) in [(WINDOWS_1251, "windows-1251"), (KOI8_R, "koi8-r")] {
            let text = declared(label);
            check(&encoding.encode(&text).0, None, &text);
            check(&encoding.encode(TEXT).0, Some(&format!("text/xml; charset=\"{label}\"")), TEXT);
            check(&encoding.encode(TEXT).0, None, TEXT);
        }
        check(&WINDOWS_1251.encode(&declared("utf-8")).0, Some("text/xml; charset=utf-8"), &declared("utf-8"));
        check(
            &WINDOWS_1251.encode(&declared("windows-1251")).0,
            Some("text/xml; charset=iso-8859-1"),
            &declared("windows-1251"),
        );
        check(declared("windows-1251").as_bytes(), Some("text/xml; charset=koi8-r"), &declared("windows-1251"));
        let wide = declared("utf-16");
        check(&wide.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), None, &wide);
        check(&wide.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>(), None, &wide);
        check(&wide.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<_>>(), None, &wide);
        check(&wide.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect::<Vec<_>>(), None, &wide);
        check(format!("\u{feff}{TEXT}").as_bytes(), None, TEXT);
    }

    #[test]
    fn a_cut_letter_does_not_change_the_encoding() {
        let cut = &TEXT.as_bytes()[..21];
        assert!(std::str::from_utf8(cut).is_err());
        assert!(decode(cut, None, None).starts_with("Правительс"));
    }
}
