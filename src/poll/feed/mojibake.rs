//! Mends UTF-8 that a publisher's program took for Latin-1 or windows-1252 and encoded once more.

use std::sync::LazyLock;

/// What the bytes 0x80 to 0x9F are in windows-1252.
static HIGH_CONTROLS: LazyLock<Vec<char>> = LazyLock::new(|| {
    let bytes: Vec<u8> = (0x80..=0x9f).collect();
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes).0.chars().collect()
});

/// The text that was meant, if every letter of `text` could be a byte and all together they are UTF-8. A text that was
/// written so on purpose does not happen to be: each of its foreign letters would have to stand in such a sequence.
pub(super) fn mended(text: &str) -> Option<String> {
    let first = text.bytes().position(|byte| !byte.is_ascii())?;
    // The first foreign letter decides almost always: it must be the first byte of a sequence.
    let lead = text[first..].chars().next()?;
    if !matches!(lead, '\u{c2}'..='\u{f4}') {
        return None;
    }
    let bytes: Option<Vec<u8>> = text.chars().map(byte_of).collect();
    String::from_utf8(bytes?).ok()
}

fn byte_of(c: char) -> Option<u8> {
    match u8::try_from(c) {
        Ok(byte) => Some(byte),
        Err(_) => HIGH_CONTROLS.iter().position(|high| *high == c).map(|at| 0x80 + at as u8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_was_encoded_twice_is_mended() {
        for meant in ["Қазақстан — «көмір»", "café", "it’s", "日本"] {
            let (twice, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(meant.as_bytes());
            assert_eq!(mended(&twice).as_deref(), Some(meant));
            let as_latin: String = meant.bytes().map(char::from).collect();
            assert_eq!(mended(&as_latin).as_deref(), Some(meant));
        }
        for kept in ["plain", "café", "Ãla", "Ã©t Ш", "été à Orléans", "naïve — £5", ""] {
            assert_eq!(mended(kept), None, "{kept}");
        }
    }
}
