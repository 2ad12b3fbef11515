//! POSTs of records as NDJSON to a receiver, signed by the scheme of Standard Webhooks
//! (https://github.com/standard-webhooks/standard-webhooks). At least once: `webhook-id` is the same for the same records,
//! so that a receiver can tell a repetition.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::Line;
use super::pushing::{Refusal, STOP_GRACE, Why};
use crate::hidden::Hidden;
use crate::http::{HttpError, HttpSettings, Post, Poster};
use crate::model::SourceId;
use crate::settings::{Reach, Secret, SecretFrom, WebhookSettings};

/// Most bytes in one POST, unless one record has more: many receivers take no more than 1 MiB.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Largest file with a secret.
const SECRET_BYTES_MAX: u64 = 4 << 10;

/// Bytes of the body's digest in the id: they tell the same numbers of another store apart.
const ID_DIGEST_BYTES: usize = 6;

/// Sends the POSTs.
#[derive(Debug)]
pub struct Webhook {
    settings: WebhookSettings,
    poster: Poster,
    output: SourceId,
}

impl Webhook {
    /// With these settings; those of `[http]` give the User-Agent, the proxy and the time to connect.
    ///
    /// # Errors
    /// Settings of `[http]` that no client can be made of.
    pub fn new(settings: WebhookSettings, http: &HttpSettings, output: SourceId) -> Result<Self, HttpError> {
        let poster = match settings.reach {
            Reach::Public => Poster::to_public(http)?,
            Reach::Private => Poster::to_anywhere(http)?,
        };
        Ok(Self { settings, poster, output })
    }

    /// How many of the first lines go into one POST, at least one.
    pub fn at_once(&self, lines: &[Line<'_>]) -> usize {
        let mut bytes = 0;
        let fitting = lines.iter().take(self.settings.batch).take_while(|line| {
            bytes += line.text.len() + 1;
            bytes <= BODY_BYTES_MAX
        });
        fitting.count().max(1)
    }

    /// Posts the lines. Called on a thread for blocking work, of a runtime.
    pub fn post(&self, lines: &[Line<'_>], stop: &CancellationToken) -> Result<(), Refusal> {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(()) };
        let mut body = Vec::with_capacity(lines.iter().map(|line| line.text.len() + 1).sum());
        for line in lines {
            body.extend_from_slice(line.text.as_bytes());
            body.push(b'\n');
        }
        let digest = HEXLOWER.encode(&Sha256::digest(&body)[..ID_DIGEST_BYTES]);
        let id = format!("{}_{}-{}_{digest}", self.output, first.seq, last.seq);
        let timestamp = crate::activity::now().as_second().to_string();
        let mut headers: Vec<(&str, String)> =
            self.settings.headers.iter().map(|(name, value)| (name.as_str(), value.reveal().to_owned())).collect();
        // Of `Bearer …` the second word is the secret.
        let mut secrets: Vec<String> =
            headers.iter().flat_map(|(_, value)| value.split(' ').map(str::to_owned)).collect();
        secrets.extend(headers.iter().map(|(_, value)| value.clone()));
        if let Some(from) = &self.settings.secret {
            let secret = read_secret(from).map_err(|problem| Refusal::Receiver(Why::new("secret", problem)))?;
            let key = secret.key().map_err(|problem| Refusal::Receiver(Why::new("secret", problem)))?;
            headers.push(("webhook-signature", signature(&key, &id, &timestamp, &body)));
            secrets.extend(secret.reveal().split("whsec_").map(|part| part.trim().to_owned()));
        }
        headers.push(("webhook-id", id));
        headers.push(("webhook-timestamp", timestamp));
        let post = Post {
            url: Hidden(&self.settings.url.0),
            headers: headers.into_iter().map(|(name, value)| (name, Hidden(value))).collect(),
            content_type: "application/x-ndjson",
            body,
            secrets: Hidden(secrets),
            timeout: self.settings.timeout,
        };
        tokio::runtime::Handle::current().block_on(async {
            let stopping = async {
                stop.cancelled().await;
                tokio::time::sleep(STOP_GRACE).await;
            };
            tokio::select! {
                posted = self.poster.post(post) => posted.map_err(refusal),
                () = stopping => Err(Refusal::Stopping),
            }
        })
    }
}

/// What a failure concerns. A status that speaks of the content will be the same next time, and for these records only.
/// All others speak of the receiver: a wrong address or secret concerns every record alike, and giving each up at once
/// would only fill the dead letters.
fn refusal(error: HttpError) -> Refusal {
    let (reason, detail, retry_after) = (error.reason(), error.to_string(), error.retry_after());
    match error {
        HttpError::Status { status: 400 | 413 | 415 | 422, .. } => Refusal::Content(Why::new("refused", detail)),
        HttpError::PrivateAddress { url, address } => {
            let remedy = "if it is meant, set allow_private = true on this output";
            Refusal::Receiver(Why::new(reason, format!("{url}: {address} is not a public address; {remedy}")))
        }
        _ => Refusal::Receiver(Why { reason, detail, retry_after }),
    }
}

fn read_secret(from: &SecretFrom) -> Result<Secret, String> {
    let path: &Path = match from {
        SecretFrom::Settings(secret) => return Ok(secret.clone()),
        SecretFrom::File(path) => path,
    };
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(format!("{}: larger than {SECRET_BYTES_MAX} bytes", path.display()));
    }
    Ok(Secret::new(text.trim()))
}

/// What is wrong with a webhook's file for its secret, for `chapar check`.
pub fn secret_fault(settings: &WebhookSettings) -> Option<String> {
    let from = settings.secret.as_ref()?;
    read_secret(from).and_then(|secret| secret.key().map(drop).map_err(str::to_owned)).err()
}

/// The value of `webhook-signature`: over the id, the time and the body.
fn signature(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let code = hmac_sha256(key, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
    format!("v1,{}", BASE64.encode(&code))
}

/// RFC 2104 with SHA-256, over the parts one after the other.
fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    const BLOCK_BYTES: usize = 64;
    let mut block = [0; BLOCK_BYTES];
    if key.len() > BLOCK_BYTES {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut inner = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x36));
    parts.iter().for_each(|part| inner.update(part));
    let outer = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x5c)).chain_update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_4231_and_of_standard_webhooks() {
        let long_key = [0xaa; 131];
        let cases: [(&[u8], &[u8], &str); 3] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &long_key,
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            let (one, other) = message.split_at(3);
            assert_eq!(HEXLOWER.encode(&hmac_sha256(key, &[one, other])), expected);
        }
        // The example of the specification's libraries.
        let key = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").key().expect("base64");
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_concerns_the_content_is_told_from_what_concerns_the_receiver() {
        let status = |status| HttpError::Status {
            url: "https://example.org/".to_owned(),
            status,
            retry_after: None,
            wall: None,
            evidence: String::new(),
        };
        for code in [400, 413, 415, 422] {
            assert!(matches!(refusal(status(code)), Refusal::Content(_)), "{code}");
        }
        for code in [401, 403, 404, 408, 410, 425, 429, 500, 503] {
            assert!(matches!(refusal(status(code)), Refusal::Receiver(_)), "{code}");
        }
    }
}
