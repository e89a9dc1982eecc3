//! Configuration of the test provider: every deviation from RFC 9728, RFC 8414, RFC 7591, RFC 8707, RFC 9207 and OAuth 2.1
//! that real providers show, as plain data. Defaults follow the specifications.

use super::TokenReply;

/// What the provider does. Every part can be changed while it runs, by [`OAuthProvider::change`].
///
/// [`OAuthProvider::change`]: super::OAuthProvider::change
#[derive(Debug, Clone, Default)]
pub struct ProviderBehaviour {
    pub public: PublicAddresses,
    pub discovery: DiscoveryBehaviour,
    pub registration: RegistrationBehaviour,
    pub authorization: AuthorizationBehaviour,
    /// Answers to `grant_type=authorization_code`.
    pub exchange: TokenReply,
    /// Answers to `grant_type=refresh_token`.
    pub refresh: TokenReply,
    pub rotation: RotationRule,
    /// `resource` (RFC 8707) at the authorization and the token endpoint.
    pub resource_rule: ResourceRule,
    /// A revocation endpoint (RFC 7009) is there.
    pub revocation: RevocationRule,
    pub mcp: McpBehaviour,
    /// Answers that stand before everything else, by path.
    pub canned: Vec<CannedAnswer>,
}

/// Addresses under which the provider is known, where it stands behind a proxy. Absent: its own ports.
#[derive(Debug, Clone, Default)]
pub struct PublicAddresses {
    /// The MCP endpoint, with its path.
    pub mcp_url: Option<String>,
    /// The authorization server's origin.
    pub authorization: Option<String>,
}

/// The three origins of the provider. Each listens on a port of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderSite {
    /// The MCP server, at `/mcp` or the path of [`PublicAddresses::mcp_url`].
    Resource,
    /// The authorization server.
    Authorization,
    /// An origin that has nothing to do with the other two.
    Elsewhere,
}

/// Protected-resource metadata and authorization-server metadata.
#[derive(Debug, Clone)]
pub struct DiscoveryBehaviour {
    pub challenge: ChallengeForm,
    /// `scope` of the 401 challenge.
    pub challenge_scope: Option<String>,
    pub resource_document: ResourceDocument,
    pub resource_name: ResourceName,
    /// `scopes_supported` of the protected-resource metadata; left out when empty.
    pub resource_scopes: Vec<String>,
    /// `scopes_supported` of the authorization server; left out when empty.
    pub server_scopes: Vec<String>,
    /// Path of the issuer, such as `/tenant`; empty for none.
    pub issuer_path: String,
    /// The `issuer` of the authorization server's document, where it is not the one the resource names.
    pub claimed_issuer: Option<String>,
    pub metadata_form: MetadataForm,
    /// Other addresses than the provider's own in the metadata.
    pub authorization_endpoint: Option<String>,
    pub token_endpoint: Option<String>,
    pub registration_endpoint: Option<String>,
    /// `token_endpoint_auth_methods_supported`; left out when empty.
    pub auth_methods: Vec<ClientAuth>,
    /// `code_challenge_methods_supported` is there.
    pub advertises_pkce: bool,
    /// `client_id_metadata_document_supported` is true, and https URLs are clients.
    pub client_metadata_documents: bool,
}

impl Default for DiscoveryBehaviour {
    fn default() -> Self {
        Self {
            challenge: ChallengeForm::Full,
            challenge_scope: None,
            resource_document: ResourceDocument::PathForm,
            resource_name: ResourceName::Endpoint,
            resource_scopes: strings(["read", "write"]),
            server_scopes: strings(["read", "write"]),
            issuer_path: String::new(),
            claimed_issuer: None,
            metadata_form: MetadataForm::OauthInserted,
            authorization_endpoint: None,
            token_endpoint: None,
            registration_endpoint: None,
            auth_methods: vec![ClientAuth::None, ClientAuth::Post, ClientAuth::Basic],
            advertises_pkce: true,
            client_metadata_documents: false,
        }
    }
}

/// The `WWW-Authenticate` header of a 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeForm {
    /// `Bearer resource_metadata="…"`, with `scope` where one is set.
    Full,
    /// `Bearer` and `error` only.
    WithoutMetadata,
    /// The metadata URL alone, without a scheme.
    BareUrl,
    /// No such header.
    Absent,
}

/// Where the protected-resource metadata lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceDocument {
    /// `/.well-known/oauth-protected-resource/mcp` of the resource.
    PathForm,
    /// `/.well-known/oauth-protected-resource` of the resource.
    Root,
    /// On the authorization server's origin, where only the challenge says so.
    Foreign,
    /// Nowhere. The authorization server's metadata lie at the resource's own origin, as before 2025-06-18.
    Absent,
}

/// `resource` of the protected-resource metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceName {
    /// The endpoint, `http://127.0.0.1:PORT/mcp`.
    Endpoint,
    /// Its origin, without a slash at the end.
    Origin,
    /// Its origin, with a slash at the end.
    OriginWithSlash,
    Other(String),
}

/// Which well-known address serves the authorization server's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataForm {
    /// RFC 8414: the well-known part before the issuer's path.
    OauthInserted,
    /// OpenID Connect's document, the well-known part before the issuer's path.
    OidcInserted,
    /// OpenID Connect Discovery: the well-known part after the issuer's path.
    OidcAppended,
}

/// How a client proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    None,
    Post,
    Basic,
}

impl ClientAuth {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Post => "client_secret_post",
            Self::Basic => "client_secret_basic",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::None, Self::Post, Self::Basic].into_iter().find(|method| method.as_str() == name)
    }
}

/// Dynamic client registration (RFC 7591).
#[derive(Debug, Clone, Default)]
pub struct RegistrationBehaviour {
    pub rule: RegistrationRule,
    /// A secret is issued for this method, whatever was asked for.
    pub secret: Option<ClientAuth>,
    /// The answer leaves out `token_endpoint_auth_method`.
    pub omits_method: bool,
    /// `redirect_uris` of the answer, where they are not those of the request.
    pub answered_redirects: Option<Vec<String>>,
}

/// Whom the provider registers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RegistrationRule {
    #[default]
    Open,
    /// There is no registration endpoint.
    Absent,
    /// 403 with the text `Forbidden` under a JSON content type.
    ForbiddenText,
    /// 400 `invalid_client_metadata` for a body that has `scope`.
    RefusesScope,
    /// 400 `invalid_redirect_uri` unless the host of every redirect is this one.
    OnlyHost(String),
}

/// The authorization endpoint.
#[derive(Debug, Clone, Default)]
pub struct AuthorizationBehaviour {
    pub port_matching: PortMatching,
    pub scopes: ScopeRule,
    pub iss: IssParameter,
    /// Scopes that are granted, whatever was asked for.
    pub granted_scopes: Option<Vec<String>>,
}

/// How a redirect URI is compared with the registered ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PortMatching {
    /// Byte for byte.
    #[default]
    Exact,
    /// Any port of a loopback address (RFC 8252, section 7.3).
    AnyLoopbackPort,
}

/// Which scopes may be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ScopeRule {
    #[default]
    Any,
    /// `invalid_scope` for any other.
    Only(Vec<String>),
    /// `invalid_scope` as soon as `scope` is there.
    Absent,
}

/// `iss` of the authorization response (RFC 9207).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IssParameter {
    /// Advertised and sent.
    #[default]
    Sent,
    /// Advertised, but not sent.
    Missing,
    /// Advertised, and this one is sent.
    Wrong(String),
    /// Neither advertised nor sent.
    Unsupported,
}

/// What becomes of a refresh token that was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RotationRule {
    /// A new one takes its place. The old one, sent again, ends every token of its family (OAuth 2.1, section 4.3.1).
    #[default]
    DetectReuse,
    /// As above, and the refresh ends older access tokens at once.
    EndOldAccessTokens,
    /// It stays valid, and is what an answer repeats.
    Keep,
}

/// `resource` (RFC 8707).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResourceRule {
    #[default]
    Ignored,
    /// `invalid_target` unless it is what the protected-resource metadata say, byte for byte.
    Required,
    /// `invalid_request` where it is sent.
    Refused,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RevocationRule {
    #[default]
    Offered,
    Absent,
}

/// The MCP server.
#[derive(Debug, Clone)]
pub struct McpBehaviour {
    pub transport: McpTransport,
    /// Headers that let in without a token, all of them together; as the account `keyholder`.
    pub keys: Vec<(String, String)>,
    pub protection: McpProtection,
    pub dead_token: DeadTokenAnswer,
    /// The scope that the tool `write` needs.
    pub write_scope: Option<String>,
    /// Answers to a dead token are held back until this many requests wait for one.
    pub gathered_refusals: usize,
    /// Tool calls with a valid token are never answered.
    pub holds_calls: bool,
}

impl Default for McpBehaviour {
    fn default() -> Self {
        Self {
            transport: McpTransport::StreamableHttp,
            keys: Vec::new(),
            protection: McpProtection::Everything,
            dead_token: DeadTokenAnswer::Unauthorized,
            write_scope: Some("write".to_owned()),
            gathered_refusals: 0,
            holds_calls: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum McpTransport {
    /// MCP 2025-03-26 and later.
    StreamableHttp,
    /// HTTP+SSE of MCP 2024-11-05, and nothing else.
    Sse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum McpProtection {
    Everything,
    /// Only `tools/call` needs a token.
    Calls,
}

/// The answer to a request with an expired, revoked or unknown token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadTokenAnswer {
    /// 401 with `error="invalid_token"`.
    Unauthorized,
    /// 500, without a challenge.
    ServerError,
    /// 200 and a tool error that quotes 401; other methods work.
    ToolError,
}

/// An answer that does not depend on the request.
#[derive(Debug, Clone)]
pub struct CannedAnswer {
    pub site: ProviderSite,
    /// The whole path, without a query.
    pub path: String,
    pub reply: CannedReply,
}

#[derive(Debug, Clone)]
pub enum CannedReply {
    /// A status with an empty body.
    Status(u16),
    /// 429 with `Retry-After` in seconds.
    TooMany(u64),
    /// 200 and a web page.
    Html,
    /// 302 to this address.
    Redirect(String),
    /// 200 and this document.
    Json(serde_json::Value),
    /// No answer.
    Hang,
}

impl CannedAnswer {
    pub fn new(site: ProviderSite, path: &str, reply: CannedReply) -> Self {
        Self { site, path: path.to_owned(), reply }
    }
}

pub(super) fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(ToOwned::to_owned).to_vec()
}
