//! The gateway behind an external URL: what is there and what is not, and a foreign client through a real reverse proxy
//! with TLS.

mod guards;
mod proxy;
mod reverse_proxy;
mod switch;

use agentport_tests::{Wire, gateway::Setup, wire::Reply};
use http::Method;
use serde_json::{Value, json};

use self::reverse_proxy::HOST;

use crate::scene::Scene;

/// A gateway with an external URL, and plain HTTP to its external port as a proxy sends it.
struct External {
    scene: Scene,
    origin: String,
    wire: Wire,
}

impl External {
    async fn start() -> Self {
        let origin = format!("https://{HOST}");
        let scene = Scene::with(setup(&origin)).await;
        scene.add_fixture("fx").await;
        scene.owner.allow_all("fx").await;
        let wire = at(external_port(&scene).await).with("host", HOST);
        Self { scene, origin, wire }
    }

    /// Signs an agent in through the external port and answers its access token.
    async fn sign_in(&self) -> String {
        sign_in(&self.scene, &self.wire).await
    }
}

/// A gateway that is started with this external URL and a free port for it.
fn setup(origin: &str) -> Setup {
    let arguments = ["--external-url", origin, "--external-port", "0"];
    Setup { arguments: arguments.map(str::to_owned).into(), ..Setup::default() }
}

fn at(port: u16) -> Wire {
    Wire::new(&format!("http://127.0.0.1:{port}"))
}

/// Where the gateway listens for its external URL, once it does.
async fn external_port(scene: &Scene) -> u16 {
    let serving = async {
        loop {
            let status = external_status(scene).await;
            if let Some(port) = status["port"].as_u64()
                && status.get("problem").is_none()
            {
                return u16::try_from(port).expect("a port");
            }
            tokio::task::yield_now().await;
        }
    };
    agentport_tests::soon("the external port", serving).await
}

async fn external_status(scene: &Scene) -> Value {
    scene.owner.wire.get("/control/status").await.json()["external"].clone()
}

async fn form(wire: &Wire, path: &str, fields: &[(&str, &str)]) -> Reply {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = wire.request(Method::POST, path);
    wire.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
}

/// Registers, has the owner consent, and exchanges the code; all over `wire`.
async fn sign_in(scene: &Scene, wire: &Wire) -> String {
    // RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let redirect = "http://localhost:3030/callback";
    let body = json!({ "client_name": "Far away", "redirect_uris": [redirect] });
    let client = wire.post("/oauth/register", &body).await.json()["client_id"].clone();
    let client = client.as_str().expect("a client id").to_owned();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &client)
        .append_pair("redirect_uri", redirect)
        .append_pair("code_challenge", challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let page = wire.get(&format!("/oauth/authorize?{query}")).await.text;
    let request = page.split("data-request=\"").nth(1).and_then(|rest| rest.split('"').next());
    scene.owner.consents_once().await;
    let request = request.expect("the page waits").to_owned();
    let decided = wire.get(&format!("/oauth/authorize/wait?request={request}")).await.json();
    let callback = url::Url::parse(decided["redirect"].as_str().expect("decided")).expect("a URL");
    let code = callback.query_pairs().find(|(name, _)| name == "code").expect("a code").1;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("client_id", &client),
        ("redirect_uri", redirect),
        ("code_verifier", verifier),
    ];
    let tokens = form(wire, "/oauth/token", &fields).await.json();
    tokens["access_token"].as_str().expect("a token").to_owned()
}
