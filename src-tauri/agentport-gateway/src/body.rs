//! Reading the body of a request: bounded in size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;

/// Largest message (`contract` §1).
pub(crate) const LARGEST: usize = 4 * 1024 * 1024;
/// What is read of a body that is too large before the connection is given up, so that its sender hears why.
const DRAINED: usize = 16 * 1024 * 1024;
/// How long a body may take to arrive.
const TIME: Duration = Duration::from_secs(30);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    #[error("The message is larger than 4 MiB; send less at once.")]
    TooLarge,
    #[error("The message did not arrive within 30 s; send it again.")]
    TooSlow,
    #[error("The message ended early; send it again.")]
    Broken,
}

impl Unread {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// The whole body. One that is announced as hopelessly large is refused unread.
pub(crate) async fn read(headers: &HeaderMap, body: axum::body::Body) -> Result<Bytes, Unread> {
    let said = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|length| length > DRAINED as u64) {
        return Err(Unread::TooLarge);
    }
    tokio::time::timeout(TIME, collect(body)).await.unwrap_or(Err(Unread::TooSlow))
}

async fn collect(mut body: axum::body::Body) -> Result<Bytes, Unread> {
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        length += data.len();
        if length > DRAINED {
            return Err(Unread::TooLarge);
        }
        if length > LARGEST {
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
    if length > LARGEST {
        return Err(Unread::TooLarge);
    }
    Ok(if more.is_empty() { first.unwrap_or_default() } else { more.freeze() })
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn reads_what_is_not_too_large() {
        let of = |pieces: Vec<usize>| {
            let pieces =
                pieces.into_iter().map(|n| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; n])));
            axum::body::Body::from_stream(stream::iter(pieces))
        };
        let length = async |pieces| collect(of(pieces)).await.map(|bytes| bytes.len());
        assert_eq!(length(vec![]).await, Ok(0));
        assert_eq!(length(vec![3]).await, Ok(3));
        assert_eq!(length(vec![3, 4, 5]).await, Ok(12));
        assert_eq!(length(vec![LARGEST]).await, Ok(LARGEST));
        assert_eq!(length(vec![LARGEST, 1]).await, Err(Unread::TooLarge));
        assert_eq!(length(vec![DRAINED, 1]).await, Err(Unread::TooLarge));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, "99999999999".parse().unwrap());
        assert_eq!(read(&headers, axum::body::Body::empty()).await, Err(Unread::TooLarge));
    }
}
