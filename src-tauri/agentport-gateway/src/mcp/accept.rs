//! Content negotiation of `/mcp`: `Accept` (RFC 9110 §12.5.1) and `Content-Type` in all their spellings.
//!
//! The protocol library looks for two literal texts. Headers that mean the same are rewritten to those texts before it
//! sees them; for others the answer names the header and what it lacks.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::revision::{EVENT_STREAM, JSON};

const CANONICAL: &str = "application/json, text/event-stream";

/// Checks `Accept` and `Content-Type`, and writes them in the protocol library's spelling.
pub(super) fn negotiate(
    method: &Method,
    headers: &mut HeaderMap,
) -> Result<(), (StatusCode, String)> {
    let needed: &[&str] = match *method {
        Method::POST => &[JSON, EVENT_STREAM],
        Method::GET => &[EVENT_STREAM],
        _ => return Ok(()),
    };
    let lacking: Vec<&str> =
        needed.iter().copied().filter(|kind| !accepts(headers, kind)).collect();
    if !lacking.is_empty() {
        let sentence = format!(
            "The header Accept has to allow {}; it does not allow {}.",
            needed.join(" and "),
            lacking.join(" and "),
        );
        return Err((StatusCode::NOT_ACCEPTABLE, sentence));
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static(CANONICAL));
    if *method == Method::POST {
        check_content_type(headers)?;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    Ok(())
}

/// Checks `Content-Type` alone, for a request whose answer has no body.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), (StatusCode, String)> {
    let sentence = match headers.get(header::CONTENT_TYPE) {
        None => format!("The header Content-Type is missing; it has to be {JSON}."),
        Some(kind) => {
            let kind = String::from_utf8_lossy(kind.as_bytes());
            if kind.trim().to_ascii_lowercase().starts_with(JSON) {
                return Ok(());
            }
            format!("The header Content-Type is {kind:?}; it has to be {JSON}.")
        }
    };
    Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence))
}

/// Is a response of this media type acceptable? The most specific range that matches decides; without the header
/// everything is.
fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let values: Vec<String> = headers
        .get_all(header::ACCEPT)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase())
        .collect();
    if values.iter().all(|value| value.trim().is_empty()) {
        return true;
    }
    values
        .iter()
        .flat_map(|value| value.split(','))
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let specificity = specificity(parts.next()?, kind)?;
            let quality = parts.find_map(|part| part.strip_prefix("q=").map(str::trim));
            Some((specificity, quality.is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0))))
        })
        .max_by_key(|(specificity, _)| *specificity)
        .is_some_and(|(_, acceptable)| acceptable)
}

/// How closely a range such as `*/*`, `text/*` or `text/event-stream` names this media type, if it does.
fn specificity(range: &str, kind: &str) -> Option<u8> {
    let main = kind.split('/').next()?;
    match range {
        "*/*" | "*" => Some(0),
        _ if range.strip_suffix("/*") == Some(main) => Some(1),
        _ => (range == kind).then_some(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(method: Method, accept: &[&str], kind: Option<&str>) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, value.parse().unwrap());
        }
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        }
        negotiate(&method, &mut headers).map_err(|(_, sentence)| sentence)?;
        assert_eq!(headers.get_all(header::ACCEPT).iter().count(), 1);
        assert_eq!(headers[header::ACCEPT], CANONICAL);
        Ok(())
    }

    #[test]
    fn every_spelling_that_allows_both_types_is_taken() {
        for accept in [
            &["application/json, text/event-stream"][..],
            &["text/event-stream,application/json"],
            &["*/*"],
            &["*"],
            &["application/*, text/*"],
            &["APPLICATION/JSON, Text/Event-Stream"],
            &["application/json;q=0.9, text/event-stream; charset=utf-8; q=0.1"],
            &["application/json", "text/event-stream"],
            &["text/html, */*;q=0.1"],
            &["text/event-stream, */*"],
            &[],
            &[""],
        ] {
            assert_eq!(negotiated(Method::POST, accept, Some(JSON)), Ok(()), "{accept:?}");
        }
        assert_eq!(negotiated(Method::GET, &["text/*"], None), Ok(()));
    }

    #[test]
    fn missing_media_types_are_named() {
        for (accept, lacking) in [
            ("application/json", "text/event-stream."),
            ("text/event-stream", "application/json."),
            ("text/html", "application/json and text/event-stream."),
            ("*/*, text/event-stream;q=0", "text/event-stream."),
            ("application/json, text/event-stream;q=0.0", "text/event-stream."),
            ("application/jsonx, text/event-stream", "application/json."),
        ] {
            let sentence = negotiated(Method::POST, &[accept], Some(JSON)).unwrap_err();
            assert!(sentence.contains("Accept") && sentence.ends_with(lacking), "{sentence}");
        }
        assert!(negotiated(Method::GET, &["application/json"], None).is_err());
    }

    #[test]
    fn the_content_type_is_json_in_any_spelling() {
        for kind in [JSON, "application/json; charset=utf-8", "Application/JSON"] {
            assert_eq!(negotiated(Method::POST, &["*/*"], Some(kind)), Ok(()), "{kind}");
        }
        for (kind, named) in [(None, "missing"), (Some("text/plain"), "\"text/plain\"")] {
            let sentence = negotiated(Method::POST, &["*/*"], kind).unwrap_err();
            assert!(sentence.contains("Content-Type") && sentence.contains(named), "{sentence}");
        }
    }
}
