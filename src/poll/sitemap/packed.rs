//! Sitemaps that lie on the server as gzip files, which HTTP does not unpack.

use std::io::{ErrorKind, Read};

use flate2::read::MultiGzDecoder;

use super::SitemapError;

/// Whether bytes begin like a gzip file (RFC 1952, 2.3.1).
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 0x08])
}

/// What a gzip file holds.
pub(super) struct Unpacked {
    pub bytes: Vec<u8>,
    /// It did not break off.
    pub is_whole: bool,
}

/// Unpacks up to `bytes_max`; of a file that breaks off, what came before.
pub(super) fn unpack(bytes: &[u8], bytes_max: usize) -> Result<Unpacked, SitemapError> {
    let mut unpacked = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut unpacked);
    if unpacked.len() > bytes_max {
        let problem = format!("it is larger than {bytes_max} bytes unpacked, the most that the protocol allows");
        return Err(SitemapError::BadGzip { problem });
    }
    match read {
        Ok(_) => Ok(Unpacked { bytes: unpacked, is_whole: true }),
        Err(_) if !unpacked.is_empty() => Ok(Unpacked { bytes: unpacked, is_whole: false }),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(SitemapError::BadGzip { problem: "it breaks off at its beginning".to_owned() })
        }
        Err(error) => Err(SitemapError::BadGzip { problem: error.to_string() }),
    }
}
