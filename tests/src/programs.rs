//! Paths of the programs that tests start.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
        .to_owned()
}

/// The directory cargo puts this profile's programs in.
fn built() -> PathBuf {
    let own = std::env::current_exe().expect("the running program's path");
    let directory = own.parent().expect("a program lies in a directory");
    let directory = if directory.ends_with("deps") { directory.parent() } else { Some(directory) };
    directory.expect("deps lies in a profile's directory").to_owned()
}

/// `target`, for tools and screenshots.
pub fn target() -> PathBuf {
    built().parent().expect("a profile's directory lies in target").to_owned()
}

fn executable(name: &str) -> PathBuf {
    built().join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// The `agentport` program. `AGENTPORT_BIN` names one that is built already; otherwise cargo builds it, once.
pub fn agentport() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(given) = std::env::var_os("AGENTPORT_BIN") {
            return given.into();
        }
        let release = built().ends_with("release");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The packages and features of the `cargo test` that this is, and without what cargo told it about its package:
        // else most of the tree would be compiled once more.
        cargo.args(["build", "--quiet", "--bin", "agentport", "--examples"]).current_dir(root());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
            }) {
                cargo.env_remove(name);
            }
        }
        if release {
            cargo.arg("--release");
        }
        let status = cargo.status().expect("cargo starts");
        assert!(status.success(), "agentport does not build: {status}");
        executable("agentport")
    })
}

/// The fixture, built with the tests.
pub fn fixture() -> PathBuf {
    own("fixture")
}

/// The program `applier`, which changes a client's file and is killed meanwhile; built with the tests.
pub fn applier() -> PathBuf {
    own("applier")
}

/// The client that the conformance suite runs; built with the tests.
pub fn conformance_client() -> PathBuf {
    own("conformance_client")
}

fn own(name: &str) -> PathBuf {
    let path = executable(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build -p agentport-tests --bins`",
        path.display()
    );
    path
}

/// The tray app. It is not built by itself: it needs WebKit.
pub fn desktop() -> PathBuf {
    let given = std::env::var_os("AGENTPORT_DESKTOP_BIN").map(PathBuf::from);
    let path = given.unwrap_or_else(|| executable("agentport-desktop"));
    assert!(path.exists(), "{} is missing: run `cargo xtask test`", path.display());
    path
}

/// `tauri-driver`, the WebDriver of the tray app's windows.
pub fn tauri_driver() -> PathBuf {
    let given = std::env::var_os("TAURI_DRIVER").map(PathBuf::from);
    let path = given.unwrap_or_else(|| target().join("tools/tauri-driver/bin/tauri-driver"));
    assert!(path.exists(), "{} is missing: run `cargo xtask test`", path.display());
    path
}

/// WebKit's own driver, which `tauri-driver` stands in front of.
pub fn webkit_driver() -> PathBuf {
    let path = PathBuf::from("/usr/bin/WebKitWebDriver");
    assert!(path.exists(), "{} is missing: run `cargo xtask test`", path.display());
    path
}

/// `tests/browser`, where the npm packages are.
pub fn npm() -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    assert!(
        directory.join("node_modules/.package-lock.json").exists(),
        "the npm packages are missing: run `cargo xtask test`, or `npm ci` in tests/browser"
    );
    directory
}

/// A file of an npm package.
pub fn npm_file(path: &str) -> PathBuf {
    let file = npm().join("node_modules").join(path);
    assert!(file.exists(), "{} is missing: run `cargo xtask test`", file.display());
    file
}

/// Node 24, which the conformance suite and the inspector need, whatever the system has.
pub fn node() -> PathBuf {
    npm_file("node/bin/node")
}

/// Python with the `mcp` package.
pub fn python() -> PathBuf {
    let python = target().join("tools/python/bin/python");
    assert!(python.exists(), "{} is missing: run `cargo xtask test`", python.display());
    python
}

/// The system's nginx, or the one that was fetched for the tests.
pub fn nginx() -> PathBuf {
    let fetched = target().join("tools/nginx/usr/sbin/nginx");
    let nginx = if fetched.exists() { fetched } else { "/usr/sbin/nginx".into() };
    assert!(nginx.exists(), "{} is missing: run `cargo xtask test`", nginx.display());
    nginx
}

/// Debian's Chromium, or what `CHROMIUM` names.
pub fn chromium() -> PathBuf {
    let path =
        std::env::var_os("CHROMIUM").map_or_else(|| "/usr/bin/chromium".into(), PathBuf::from);
    assert!(path.exists(), "{} is missing: run `cargo xtask test`", path.display());
    path
}
