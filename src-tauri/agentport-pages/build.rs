//! Puts the built front end (`ui/dist`) into the program, so that the gateway serves it from memory and one file is
//! all there is to install. Where it has not been built, a page that says how takes its place.

use std::{
    env,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>AgentPort</title>\
    <p>This program was built without its pages. Build it with <code>cargo xtask run</code>, \
    or run <code>npm ci &amp;&amp; npm run build</code> in <code>ui/</code> and build again. \
    The gateway itself, the app and the command line work.</html>\n";

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let dist = manifest.join("../../ui/dist");
    // Cargo runs this script anew on every build while a path it watches is missing, so there is always a folder.
    // Where the sources are read-only that is not possible, and it does no harm.
    let _ = fs::create_dir_all(&dist);
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");

    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        walk(&dist.canonicalize()?, &mut files)?;
    }
    let mut assets = Vec::new();
    if files.is_empty() {
        let page = out.join("not-built.html");
        fs::write(&page, NOT_BUILT)?;
        assets.push(("index.html".to_owned(), page));
    } else {
        let root = dist.canonicalize()?;
        for file in files {
            let relative = file.strip_prefix(&root).expect("found below it");
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            assets.push((parts.join("/"), file));
        }
        assets.sort();
    }

    let mut code = String::from("&[\n");
    for (path, file) in assets {
        let mut hasher = DefaultHasher::new();
        fs::read(&file)?.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        let (mime, file) = (mime(&path), file.display().to_string());
        writeln!(
            code,
            "    Asset {{ path: {path:?}, mime: {mime:?}, etag: {etag:?}, bytes: include_bytes!({file:?}) }},"
        )
        .expect("a string takes everything");
    }
    code.push(']');
    fs::write(out.join("assets.rs"), code)
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
