//! The address that a server names in its `endpoint` event.
//!
//! The owner's credentials go there, so it must be of the origin that the owner entered (RFC 6454).

use agentport_core::sanitize;
use url::Url;

/// Longest address in bytes.
const MAX_ENDPOINT: usize = 8 * 1024;

/// The endpoint that `data` names, resolved against the address of the stream; else what is wrong with it.
pub(super) fn resolve(stream: &Url, data: &[u8]) -> Result<Url, String> {
    let text = std::str::from_utf8(data).ok().map(str::trim).filter(|text| !text.is_empty());
    let text = text.filter(|text| text.len() <= MAX_ENDPOINT);
    let Some(mut endpoint) = text.and_then(|text| stream.join(text).ok()) else {
        return Err("its event stream names an endpoint that is not an address".to_owned());
    };
    if endpoint.origin() != stream.origin() {
        return Err(format!(
            "its event stream names an endpoint on {}, and only {} gets messages and credentials",
            sanitize::sanitize_line(&endpoint.origin().ascii_serialization(), 200),
            stream.origin().ascii_serialization(),
        ));
    }
    // A user in the address is a header already; these fail only on addresses that cannot have one.
    let _ = endpoint.set_username("");
    let _ = endpoint.set_password(None);
    endpoint.set_fragment(None);
    Ok(endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_of_the_same_origin_or_refused() {
        let stream: Url = "https://user:pass@mcp.example.com/v1/sse?key=fake".parse().unwrap();
        for (data, expected) in [
            ("/messages?sessionId=1", Ok("https://mcp.example.com/messages?sessionId=1")),
            ("messages/?session_id=a#x", Ok("https://mcp.example.com/v1/messages/?session_id=a")),
            ("?sessionId=2", Ok("https://mcp.example.com/v1/sse?sessionId=2")),
            (" /padded \n", Ok("https://mcp.example.com/padded")),
            ("https://mcp.example.com:443/m", Ok("https://mcp.example.com/m")),
            ("https://other:x@mcp.example.com/m", Ok("https://mcp.example.com/m")),
            ("https://evil.example/m", Err("https://evil.example")),
            ("//evil.example/m", Err("https://evil.example")),
            ("\\\\evil.example/m", Err("https://evil.example")),
            ("http://mcp.example.com/m", Err("http://mcp.example.com")),
            ("https://mcp.example.com:8443/m", Err("https://mcp.example.com:8443")),
            ("https://mcp.example.com.evil.example/m", Err("https://mcp.example.com.evil.example")),
            ("https://mcp.example.com@evil.example/m", Err("https://evil.example")),
            ("file:///etc/passwd", Err("null")),
            ("javascript:alert(1)", Err("null")),
            ("https://[::1", Err("not an address")),
            ("", Err("not an address")),
        ] {
            match (resolve(&stream, data.as_bytes()), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected, "{data}"),
                (Err(problem), Err(expected)) => {
                    assert!(problem.contains(expected), "{data}: {problem}");
                    assert!(!problem.contains("fake") && !problem.contains("pass"), "{problem}");
                }
                (other, _) => panic!("{data}: {other:?}"),
            }
        }
        assert!(resolve(&stream, b"\xff").is_err());
        assert!(resolve(&stream, "x".repeat(MAX_ENDPOINT + 1).as_bytes()).is_err());
    }
}
