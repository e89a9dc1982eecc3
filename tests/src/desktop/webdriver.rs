//! The app's windows, driven as a person would: `tauri-driver` in front of `WebKitWebDriver` (W3C WebDriver, level 1).
//!
//! The driver starts the app itself, and the app has to open a window at its start.

use std::net::TcpListener;

use agentport_api::NewKey;
use agentport_gateway::data_dir::Runtime;
use http::Method;
use serde_json::{Value, json};

use super::{Session, app::AppSetup, tree, try_until, until};
use crate::{Owner, SOON, Wire, gateway::PASSWORD, process::Process, programs, soon};

/// How WebDriver writes down that a value is an element (W3C WebDriver, section 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const LOOK: &str = include_str!("look.js");

/// The app with its windows in our hand.
pub struct Browser {
    client: reqwest::Client,
    session: String,
    pub setup: AppSetup,
    pub runtime: Runtime,
    driver: Process,
}

/// Something in a page.
#[derive(Debug, Clone)]
pub struct Element(String);

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port().to_string()
}

impl Browser {
    /// Starts the app in a session, with its window.
    pub async fn start(session: &Session, setup: AppSetup) -> Self {
        let (port, native) = (free_port(), free_port());
        let mut command = session.command(&programs::tauri_driver());
        command.args(["--port", &port, "--native-port", &native, "--native-driver"]);
        command.arg(programs::webkit_driver()).envs(setup.environment());
        // By this the app lets itself be driven; the driver sets it only for drivers it starts itself.
        command.env("TAURI_WEBVIEW_AUTOMATION", "true");
        let driver = Process::start(command, &session.log("tauri-driver"));
        let client = crate::http_client();
        let base = format!("http://127.0.0.1:{port}");
        until("the driver is ready", async || {
            let answer = client.get(format!("{base}/status")).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        let options = json!({"application": programs::desktop(), "args": setup.words()});
        let asked = json!({"capabilities": {"alwaysMatch": {"tauri:options": options}}});
        let url = format!("{base}/session");
        let made = exchange(&client, Method::POST, &url, Some(asked)).await;
        let made =
            made.unwrap_or_else(|error| panic!("the driver does not start the app: {error}"));
        let id = made["sessionId"].as_str().expect("a session").to_owned();
        let below = tree::descendants(driver.pid());
        let runtime = setup.runtime_of(|pid| below.contains(&pid)).await;
        Self { client, session: format!("{base}/session/{id}"), setup, runtime, driver }
    }

    /// The app's process.
    pub fn pid(&self) -> u32 {
        self.runtime.pid
    }

    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.runtime.port)
    }

    /// The owner over TCP, which a home with an owner password allows.
    pub async fn owner(&self) -> Owner {
        Owner::sign_in(&self.base(), PASSWORD).await
    }

    pub fn wire(&self, key: &NewKey) -> Wire {
        Wire::new(&self.base()).with_key(&key.key)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, String> {
        exchange(&self.client, method, &format!("{}{path}", self.session), body).await
    }

    async fn done(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.ask(method.clone(), path, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Runs a script in the page and gives what it returns.
    pub async fn script(&self, script: &str, arguments: Value) -> Result<Value, String> {
        let body = json!({"script": script, "args": arguments});
        self.ask(Method::POST, "/execute/sync", Some(body)).await
    }

    /// Runs a script that ends when it calls the last of its arguments.
    pub async fn script_until_done(&self, script: &str, arguments: Value) -> Value {
        let body = json!({"script": script, "args": arguments});
        self.done(Method::POST, "/execute/async", Some(body)).await
    }

    /// Looks for something by its role and name, once. The whole name counts more than a part of it.
    pub async fn look(&self, role: &str, name: &str) -> Option<Element> {
        self.look_for(json!([role, name])).await
    }

    async fn look_for(&self, wanted: Value) -> Option<Element> {
        // A page may just be loading; then there is nothing to find in it.
        let found = self.script(LOOK, wanted).await.ok()?;
        Some(Element(found[ELEMENT].as_str()?.to_owned()))
    }

    /// Waits for something by its role and name.
    pub async fn find(&self, role: &str, name: &str) -> Element {
        match try_until(SOON, async || self.look(role, name).await).await {
            Some(found) => found,
            None => panic!("no {role} {name:?} in the page:\n{}", self.text().await),
        }
    }

    /// Waits until something is not there any more.
    pub async fn no(&self, role: &str, name: &str) {
        let what = format!("no {role} {name:?} any more");
        until(&what, async || self.look(role, name).await.is_none().then_some(())).await;
    }

    /// Waits for something and clicks it. What is only just becoming clickable is tried again.
    pub async fn click(&self, role: &str, name: &str) {
        self.click_on(json!([role, name])).await;
    }

    /// The same in a part of the page, which has a role and a name itself.
    pub async fn click_in(&self, within: (&str, &str), role: &str, name: &str) {
        self.click_on(json!([role, name, within.0, within.1])).await;
    }

    async fn click_on(&self, wanted: Value) {
        let clicked = try_until(SOON, async || {
            let Element(id) = self.look_for(wanted.clone()).await?;
            let enabled =
                self.ask(Method::GET, &format!("/element/{id}/enabled"), None).await.ok()?;
            enabled.as_bool().filter(|enabled| *enabled)?;
            self.ask(Method::POST, &format!("/element/{id}/click"), Some(json!({}))).await.ok()
        });
        if clicked.await.is_none() {
            panic!("no click on {wanted} in the page:\n{}", self.text().await);
        }
    }

    /// Types into a field, after what is in it is taken out.
    pub async fn fill(&self, label: &str, text: &str) {
        let Element(id) = self.find("field", label).await;
        self.done(Method::POST, &format!("/element/{id}/clear"), Some(json!({}))).await;
        self.done(Method::POST, &format!("/element/{id}/value"), Some(json!({"text": text}))).await;
    }

    /// Pastes what lies on the clipboard into an empty field, and gives what it holds then.
    pub async fn paste_into(&self, label: &str) -> String {
        let element = self.find("field", label).await;
        // WebDriver, section 17.4.2: the key Control, and a letter while it is held.
        let keys = json!({"text": "\u{e009}v\u{e000}"});
        self.done(Method::POST, &format!("/element/{}/value", element.0), Some(keys)).await;
        until("something pasted", async || {
            let held = self.property(&element, "value").await;
            held.as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned)
        })
        .await
    }

    /// What a field holds, or a property of whatever it is.
    pub async fn property(&self, element: &Element, name: &str) -> Value {
        self.done(Method::GET, &format!("/element/{}/property/{name}", element.0), None).await
    }

    /// All text in the page.
    pub async fn text(&self) -> String {
        let read = self.script("return document.body.innerText", json!([])).await;
        read.ok().and_then(|text| text.as_str().map(ToOwned::to_owned)).unwrap_or_default()
    }

    /// Waits until the page says all of these words.
    pub async fn says(&self, words: &[&str]) -> String {
        let look = async || {
            let text = self.text().await;
            words.iter().all(|word| text.contains(word)).then_some(text)
        };
        match try_until(SOON, look).await {
            Some(text) => text,
            None => panic!("no {words:?} in the page:\n{}", self.text().await),
        }
    }

    /// Follows a link of the app's own, as `#/activity`.
    pub async fn go(&self, route: &str) {
        let went = self.script("location.hash = arguments[0]", json!([route])).await;
        went.unwrap_or_else(|error| panic!("{route}: {error}"));
    }

    pub async fn handles(&self) -> Vec<String> {
        let handles = self.done(Method::GET, "/window/handles", None).await;
        serde_json::from_value(handles).expect("a list of windows")
    }

    pub async fn switch(&self, handle: &str) {
        self.done(Method::POST, "/window", Some(json!({"handle": handle}))).await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends neither its own driver nor the app, if it is killed; by their ids we do.
        for pid in tree::descendants(self.driver.pid()) {
            tree::end(pid);
        }
    }
}

async fn exchange(
    client: &reqwest::Client,
    method: Method,
    url: &str,
    body: Option<Value>,
) -> Result<Value, String> {
    let mut request = client.request(method, url);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let send = async {
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let mut answer: Value = response.json().await.map_err(|error| error.to_string())?;
        if status.is_success() {
            Ok(answer["value"].take())
        } else {
            Err(answer["value"].to_string())
        }
    };
    soon("the driver answers", send).await
}
