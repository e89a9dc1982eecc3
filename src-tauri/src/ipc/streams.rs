//! Event streams to windows: text is relayed as it comes, until the stream ends, the page cancels it, or the window is
//! closed.

use std::{collections::HashMap, sync::Arc};

use axum::body::Body;
use http_body_util::BodyExt as _;
use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

use super::{StreamSink, routes::IpcState};

/// Open streams, by window and by the number the page gave them.
#[derive(Clone, Default)]
pub(super) struct WindowStreams(Arc<Mutex<HashMap<(String, u64), CancellationToken>>>);

impl WindowStreams {
    fn all(&self) -> MutexGuard<'_, HashMap<(String, u64), CancellationToken>> {
        self.0.lock()
    }

    /// A reused number ends the stream that had it.
    fn begin(&self, label: &str, number: u64) -> CancellationToken {
        let token = CancellationToken::new();
        let before = self.all().insert((label.to_owned(), number), token.clone());
        if let Some(before) = before {
            before.cancel();
        }
        token
    }

    pub(super) fn end(&self, label: &str, number: u64) -> bool {
        let stream = self.all().remove(&(label.to_owned(), number));
        stream.inspect(CancellationToken::cancel).is_some()
    }

    pub(super) fn end_all(&self, label: &str) {
        self.all().retain(|(window, _), stream| {
            if window == label {
                stream.cancel();
            }
            window != label
        });
    }

    /// Removes a stream that has ended by itself.
    fn remove(&self, label: &str, number: u64, token: &CancellationToken) {
        if !token.is_cancelled() {
            self.all().remove(&(label.to_owned(), number));
        }
    }
}

/// The number in `?stream=`; 0 where the page gave none.
pub(super) fn number(path: &str) -> u64 {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "stream")
        .and_then(|(_, number)| number.parse().ok())
        .unwrap_or(0)
}

impl IpcState {
    /// Relays a stream in a task of its own. An empty text says that it has ended.
    pub(super) fn relay(&self, label: &str, number: u64, body: Body, sink: impl StreamSink) {
        let token = self.streams.begin(label, number);
        let (streams, label) = (self.streams.clone(), label.to_owned());
        self.context.tasks.spawn(async move {
            tokio::select! {
                () = token.cancelled() => {}
                () = pump(body, &sink) => {}
            }
            streams.remove(&label, number, &token);
            let _ = sink.send(String::new());
        });
    }
}

/// Ends with the stream, or once the window no longer reads.
async fn pump(mut body: Body, sink: &impl StreamSink) {
    let mut buffer = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(bytes) = frame.into_data() else { continue };
        buffer.extend_from_slice(&bytes);
        let text = take_whole_chars(&mut buffer);
        if !text.is_empty() && sink.send(text).is_break() {
            return;
        }
    }
}

/// Takes the whole characters out; a character that is cut stays until its rest has come.
fn take_whole_chars(bytes: &mut Vec<u8>) -> String {
    let end = match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => bytes.len(),
    };
    let rest = bytes.split_off(end);
    String::from_utf8_lossy(&std::mem::replace(bytes, rest)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_the_query() {
        for (path, expected) in [
            ("/control/events?stream=3", 3),
            ("/control/events?a=b&stream=18", 18),
            ("/control/events", 0),
            ("/control/events?stream=x", 0),
        ] {
            assert_eq!(number(path), expected, "{path}");
        }
    }

    #[test]
    fn characters_are_not_cut() {
        let text = "data: ä€𝄞\n\n";
        let mut buffer = Vec::new();
        let mut read = String::new();
        for byte in text.bytes() {
            buffer.push(byte);
            read += &take_whole_chars(&mut buffer);
        }
        assert_eq!(read, text);
        assert_eq!(take_whole_chars(&mut vec![b'a', 0xff, b'b']), "a\u{fffd}b");
    }
}
