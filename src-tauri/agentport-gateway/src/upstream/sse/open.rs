//! Opening the event stream of a server, up to the address for messages.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use http::{Method, header::CONTENT_TYPE};
use reqwest::Response;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use url::Url;

use super::{
    channel::SseChannel,
    endpoint,
    headers::{RequestHeaders, SendError},
    stream::{EventStream, StreamEnd, is_endpoint},
    transport::SseTransport,
};
use crate::upstream::{
    error::UpstreamError,
    in_flight::InFlight,
    streamable_http::http_error::{
        cause, challenge, credential_refused, is_event_stream, needs_auth, shown,
    },
    token_source::HttpCredentials,
};

/// Time from the start of a stream to its first event.
const ENDPOINT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why no stream could be used.
#[derive(Debug)]
pub(in crate::upstream) enum OpenError {
    /// The server does not speak this transport at this address.
    OtherTransport(UpstreamError),
    Failed(UpstreamError),
}

/// Opens the stream at `url` and waits for the endpoint it names.
pub(in crate::upstream) async fn open(
    client: reqwest::Client,
    url: &Url,
    credentials: HttpCredentials<'_>,
    in_flight: Arc<InFlight>,
    tasks: TaskTracker,
) -> Result<(Arc<SseChannel>, SseTransport), OpenError> {
    let headers = RequestHeaders::new(&client, url, credentials);
    let response = begin(&client, url, &headers).await?;
    // It may have been redirected, within the origin.
    let base = response.url().clone();
    let mut stream = EventStream::new(response);
    let data = first_endpoint(&mut stream, &shown(url)).await?;
    let endpoint = endpoint::resolve(&base, &data)
        .map_err(|problem| OpenError::Failed(UpstreamError::Protocol { problem }))?;
    let channel = SseChannel::new(client, endpoint, headers, shown(url), in_flight, tasks);
    let transport = SseTransport::new(channel.clone(), stream);
    Ok((channel, transport))
}

/// The GET, to the headers of its response.
async fn begin(
    client: &reqwest::Client,
    url: &Url,
    headers: &RequestHeaders,
) -> Result<Response, OpenError> {
    let what = || shown(url);
    let mut plain = url.clone();
    // A user in the address is a header already; these fail only on addresses that cannot have one.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    let response = headers.send(client, &Method::GET, &plain, Bytes::new()).await.map_err(
        |error| match error {
            SendError::NoToken(error) => OpenError::Failed(error),
            SendError::Http(error) => {
                let problem = format!("cannot be reached ({})", cause(&error));
                OpenError::Failed(UpstreamError::Unreachable { what: what(), problem })
            }
        },
    )?;
    let status = response.status();
    if needs_auth(status, response.headers()) {
        let challenge = challenge(response.headers());
        let refused = credential_refused(&what(), status, headers.has_credential(), challenge);
        // Some servers of Streamable HTTP answer this to a GET without session; a challenge is meant as one.
        return Err(match challenge.is_empty() {
            true => OpenError::OtherTransport(refused),
            false => OpenError::Failed(refused),
        });
    }
    let problem = match status.is_success() {
        false => format!("answered HTTP {status}"),
        true if is_event_stream(response.headers().get(CONTENT_TYPE)) => return Ok(response),
        true => "does not answer like an MCP server".to_owned(),
    };
    Err(OpenError::OtherTransport(UpstreamError::Unreachable { what: what(), problem }))
}

/// The data of the `endpoint` event, which must be the first.
async fn first_endpoint(stream: &mut EventStream, what: &str) -> Result<Vec<u8>, OpenError> {
    let problem = match timeout(ENDPOINT_TIMEOUT, stream.first()).await {
        Ok(Ok(event)) if is_endpoint(&event) => return Ok(event.data),
        Ok(Ok(_)) => "its event stream does not begin with an endpoint for messages".to_owned(),
        Ok(Err(StreamEnd::TooLong)) => {
            "its event stream begins with an event that does not end".to_owned()
        }
        Ok(Err(ended @ StreamEnd::Ended(_))) => {
            return Err(OpenError::OtherTransport(ended.owner_error(what)));
        }
        Err(_) => format!(
            "its event stream named no endpoint for messages within {} s",
            ENDPOINT_TIMEOUT.as_secs()
        ),
    };
    Err(OpenError::OtherTransport(UpstreamError::Protocol { problem }))
}
