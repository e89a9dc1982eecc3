//! Reads the body of a request, bounded in size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;

/// Size of the largest message that is accepted (docs/contract.md §1).
pub(crate) const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of a too large body that are still read and dropped: a client that is cut off while it writes never reads the
/// refusal.
const MAX_DRAINED_BYTES: usize = 16 * 1024 * 1024;
/// Time until a body has arrived whole.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("The message is larger than {}; send less at once.", size(*.0))]
    TooLarge(usize),
    #[error("The message did not arrive within 30 s; send it again.")]
    TooSlow,
    #[error("The message ended early; send it again.")]
    Broken,
}

impl BodyError {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// In the unit it is thought of.
fn size(bytes: usize) -> String {
    match bytes / 1024 {
        kib if kib >= 1024 => format!("{} MiB", kib / 1024),
        kib => format!("{kib} KiB"),
    }
}

/// Reads the whole body. One whose announced length is beyond draining is refused unread.
pub(crate) async fn read(headers: &HeaderMap, body: axum::body::Body) -> Result<Bytes, BodyError> {
    read_at_most(MAX_MESSAGE_BYTES, headers, body).await
}

/// The same within another limit. No more than that is kept in memory.
pub(crate) async fn read_at_most(
    limit: usize,
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<Bytes, BodyError> {
    let said = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|length| length > MAX_DRAINED_BYTES as u64) {
        return Err(BodyError::TooLarge(limit));
    }
    tokio::time::timeout(BODY_TIMEOUT, collect(limit, body))
        .await
        .unwrap_or(Err(BodyError::TooSlow))
}

async fn collect(limit: usize, mut body: axum::body::Body) -> Result<Bytes, BodyError> {
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        length += data.len();
        if length > MAX_DRAINED_BYTES {
            return Err(BodyError::TooLarge(limit));
        }
        if length > limit {
            continue;
        }
        match &first {
            // Most messages arrive in one piece, which is then taken as it is.
            None => first = Some(data),
            Some(start) => {
                if more.is_empty() {
                    more.extend_from_slice(start);
                }
                more.extend_from_slice(&data);
            }
        }
    }
    if length > limit {
        return Err(BodyError::TooLarge(limit));
    }
    Ok(if more.is_empty() { first.unwrap_or_default() } else { more.freeze() })
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn bodies_up_to_the_limit_are_read() {
        let of = |pieces: Vec<usize>| {
            let pieces =
                pieces.into_iter().map(|n| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; n])));
            axum::body::Body::from_stream(stream::iter(pieces))
        };
        let length =
            async |pieces| collect(MAX_MESSAGE_BYTES, of(pieces)).await.map(|bytes| bytes.len());
        assert_eq!(length(vec![]).await, Ok(0));
        assert_eq!(length(vec![3]).await, Ok(3));
        assert_eq!(length(vec![3, 4, 5]).await, Ok(12));
        assert_eq!(length(vec![MAX_MESSAGE_BYTES]).await, Ok(MAX_MESSAGE_BYTES));
        assert_eq!(
            length(vec![MAX_MESSAGE_BYTES, 1]).await,
            Err(BodyError::TooLarge(MAX_MESSAGE_BYTES))
        );
        assert_eq!(
            length(vec![MAX_DRAINED_BYTES, 1]).await,
            Err(BodyError::TooLarge(MAX_MESSAGE_BYTES))
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, "99999999999".parse().unwrap());
        assert_eq!(
            read(&headers, axum::body::Body::empty()).await,
            Err(BodyError::TooLarge(MAX_MESSAGE_BYTES))
        );
    }
}
