//! Requests that no handler gets to see: refused in JSON as all others are, and told the bound where there is one.

use axum::body::to_bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::ApiError;
use crate::search::QUERY_BYTES_MAX;

/// Bytes of a refusal that are read: one is a sentence.
const REFUSAL_BYTES_MAX: usize = 16 << 10;

/// A refusal of the router in place of its plain text; every other answer as it is. `bytes_max` is the bound of a request.
pub(super) async fn in_json(response: Response, bytes_max: usize) -> Response {
    let status = response.status();
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json");
    if !status.is_client_error() || is_json {
        return response;
    }
    let (parts, body) = response.into_parts();
    let said = to_bytes(body, REFUSAL_BYTES_MAX).await.unwrap_or_default();
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            format!("a request has at most {bytes_max} bytes, the query in it at most {QUERY_BYTES_MAX}")
        }
        StatusCode::NOT_FOUND if said.is_empty() => "there is no such path".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = parts.headers.get(header::ALLOW).and_then(|allowed| allowed.to_str().ok());
            format!("this path takes {}", allowed.unwrap_or("another method"))
        }
        _ => String::from_utf8_lossy(&said).into_owned(),
    };
    ApiError(status, message).into_response()
}
