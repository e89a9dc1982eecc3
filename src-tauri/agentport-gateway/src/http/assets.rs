//! Serves the built front end, which the program that embeds its files passes in.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

/// A file of the built front end.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Without a leading slash.
    pub path: &'static str,
    pub mime: &'static str,
    /// Quoted, as in RFC 9110 §8.8.3.
    pub etag: &'static str,
    pub bytes: &'static [u8],
}

/// Every file of the built front end. `index.html` answers each path that is no file, for a browser that opens a page.
#[derive(Debug, Clone, Copy)]
pub struct Assets(pub &'static [Asset]);

/// Content-Security-Policy: nothing from other origins, no inline script, no frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

impl Assets {
    fn find(self, path: &str) -> Option<&'static Asset> {
        self.0.iter().find(|asset| asset.path == path)
    }

    /// The response to a request that no API took: a file, the index for a browser, or 404 for a program.
    pub(crate) fn answer(self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
        let path = uri.path().trim_start_matches('/');
        let opens_page = path.is_empty()
            || headers
                .get(header::ACCEPT)
                .is_some_and(|accept| accept.to_str().is_ok_and(|a| a.contains("text/html")));
        let asset = match *method {
            Method::GET | Method::HEAD => self.find(path).or_else(|| {
                self.find("index.html").filter(|_| opens_page && !path.starts_with("control/"))
            }),
            _ => None,
        };
        match asset {
            Some(asset) => serve(asset, headers),
            None => {
                let detail = serde_json::json!({ "detail": "there is nothing here" });
                (StatusCode::NOT_FOUND, axum::Json(detail)).into_response()
            }
        }
    }
}

fn serve(asset: &'static Asset, headers: &HeaderMap) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == asset.etag);
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { asset.bytes.into_response() };
    // Vite puts a hash into the names of everything but the index.
    let caching = if asset.path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    for (name, value) in [
        (header::CONTENT_TYPE, asset.mime),
        (header::ETAG, asset.etag),
        (header::CACHE_CONTROL, caching),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] as [(HeaderName, &'static str); 7]
    {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
