//! Bundles and registry files as they come, and as an attacker would write them.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::PathBuf,
};

use agentport_api::{FieldKind, FieldValues};
use agentport_core::{ErrorChain, IntegrationId};
use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

fn manifest(changes: Value) -> Value {
    let mut manifest = json!({
        "manifest_version": "0.3", "name": "weather", "display_name": "Weather", "version": "1.2.0",
        "description": "Tells the weather.", "author": {"name": "Example"},
        "server": {
            "type": "node", "entry_point": "server/index.js",
            "mcp_config": {"command": "node", "args": ["${__dirname}/server/index.js"], "env": {}},
        },
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        manifest[name] = value.clone();
    }
    manifest
}

/// A zip file with these entries: path, content, and the mode of POSIX.
fn zip_of(entries: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content, mode) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(*mode);
        writer.start_file(*path, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn bundle_of(manifest: &Value, more: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let manifest = manifest.to_string();
    let mut entries: Vec<(&str, &[u8], u32)> = vec![
        ("manifest.json", manifest.as_bytes(), 0o644),
        ("server/index.js", b"// a server", 0o644),
    ];
    entries.extend_from_slice(more);
    zip_of(&entries)
}

fn refusal(bytes: Vec<u8>) -> String {
    match ImportFile::read(bytes) {
        Ok(_) => panic!("it was taken"),
        Err(error) => ErrorChain(&error).to_string(),
    }
}

struct Home {
    _place: tempfile::TempDir,
    root: PathBuf,
    store: BundleStore,
}

fn home() -> Home {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("bundles");
    Home { store: BundleStore::new(root.clone()), root, _place: place }
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn bundle(file: ImportFile) -> (String, Bundle) {
    match file.content {
        ImportContent::Bundle(bundle) => (file.digest, *bundle),
        ImportContent::ServerJson(_) => panic!("it is a bundle"),
    }
}

#[test]
fn a_bundle_is_unpacked_into_a_directory_of_its_own() {
    let home = home();
    let bytes = bundle_of(
        &manifest(json!({})),
        &[("bin/run", b"#!/bin/sh", 0o755), ("empty/", b"", 0o755)],
    );
    let (digest, mut bundle) = bundle(ImportFile::read(bytes).unwrap());
    let id = IntegrationId::new("weather").unwrap();
    let directory = home.store.directory(&id, &digest);
    home.store.unpack(&mut bundle, &directory).unwrap();
    assert_eq!(names(&home.root), [format!("weather-{}", &digest[..16])]);
    assert_eq!(names(&directory), ["bin", "empty", "manifest.json", "server"]);
    assert_eq!(fs::read_to_string(directory.join("server/index.js")).unwrap(), "// a server");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &str| fs::metadata(directory.join(path)).unwrap().permissions().mode();
        assert_eq!(mode("bin/run") & 0o777, 0o700);
        assert_eq!(mode("server/index.js") & 0o777, 0o600);
        assert_eq!(mode("server") & 0o777, 0o700);
    }
    // A second time: the directory is replaced.
    fs::write(directory.join("left"), "x").unwrap();
    home.store.unpack(&mut bundle, &directory).unwrap();
    assert!(!directory.join("left").exists());
    let other = IntegrationId::new("weather-x").unwrap();
    let kept = home.store.directory(&other, &digest);
    fs::create_dir(&kept).unwrap();
    home.store.remove_all_of(&id);
    assert_eq!(names(&home.root), [kept.file_name().unwrap().to_str().unwrap()]);
    home.store.remove_unused([&other].into_iter());
    assert!(kept.exists());
    home.store.remove_unused([&id].into_iter());
    assert!(names(&home.root).is_empty());
}

#[test]
fn no_entry_leads_out_of_a_bundle() {
    for (path, why) in [
        ("../evil", "leads out"),
        ("server/../../evil", "leads out"),
        ("/etc/evil", "absolute"),
        ("C:/evil", "absolute"),
        ("server\\..\\evil", "absolute"),
        ("a/./b", "leads out"),
        ("a//b", "leads out"),
        ("a\nb", "control character"),
        ("SERVER/INDEX.JS", "twice"),
    ] {
        let refused = refusal(bundle_of(&manifest(json!({})), &[(path, b"x", 0o644)]));
        assert!(refused.contains(why), "{path:?}: {refused}");
    }
    let deep = vec!["d"; 40].join("/");
    let refused = refusal(bundle_of(&manifest(json!({})), &[(&deep, b"x", 0o644)]));
    assert!(refused.contains("too many folders"), "{refused}");
    let long = "n".repeat(500);
    let refused = refusal(bundle_of(&manifest(json!({})), &[(&long, b"x", 0o644)]));
    assert!(refused.contains("too long"), "{refused}");
}

#[test]
fn links_are_refused() {
    let manifest = manifest(json!({})).to_string();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default();
    writer.start_file("manifest.json", plain).unwrap();
    writer.write_all(manifest.as_bytes()).unwrap();
    writer.add_symlink("server/index.js", "/etc/passwd", plain).unwrap();
    let refused = refusal(writer.finish().unwrap().into_inner());
    assert!(refused.contains("symbolic link"), "{refused}");
}

#[test]
fn a_zip_bomb_is_refused_by_what_it_declares_and_by_what_it_holds() {
    let zeros = vec![0; 64 * 1024 * 1024];
    let bomb = bundle_of(&manifest(json!({})), &[("bomb", &zeros, 0o644)]);
    assert!(bomb.len() < 1024 * 1024);
    let refused = refusal(bomb.clone());
    assert!(refused.contains("zip bomb"), "{refused}");
    // The same, declaring one byte in the directory of the archive (offset 24 of its record, APPNOTE 4.3.12).
    let mut lying = bomb;
    let record = b"PK\x01\x02";
    let last = lying.windows(4).rposition(|bytes| bytes == record).unwrap();
    lying[last + 24..last + 28].copy_from_slice(&1_u32.to_le_bytes());
    let home = home();
    let (digest, mut bundle) = match ImportFile::read(lying) {
        Ok(file) => bundle(file),
        Err(_) => return,
    };
    let id = IntegrationId::new("bomb").unwrap();
    let refused = home.store.unpack(&mut bundle, &home.store.directory(&id, &digest));
    assert!(refused.is_err(), "its bytes are counted");
    assert!(names(&home.root).is_empty(), "nothing of it is left");
}

#[test]
fn malformed_bundles_say_what_is_wrong() {
    let with = |changes: Value| bundle_of(&manifest(changes), &[]);
    let server = |server: Value| with(json!({ "server": server }));
    let mut cut = with(json!({}));
    cut.truncate(cut.len() / 2);
    for (bytes, why) in [
        (b"not a bundle".to_vec(), "neither an MCPB bundle"),
        (Vec::new(), "neither an MCPB bundle"),
        (cut, "no sound zip file"),
        (zip_of(&[("readme", b"x", 0o644)]), "no manifest.json at its top"),
        (zip_of(&[("manifest.json", b"{", 0o644)]), "cannot be read"),
        (with(json!({"manifest_version": "9.0"})), "version \"9.0\""),
        (with(json!({"author": null})), "cannot be read"),
        (with(json!({"compatibility": {"platforms": ["plan9"]}})), "plan9 alone"),
        (server(json!({"type": "node", "entry_point": "gone.js"})), "\"gone.js\", which is not in"),
        (server(json!({"type": "shell", "entry_point": "server/index.js"})), "unknown variant"),
        (server(json!({"type": "uv", "entry_point": "server/index.js"})), "pyproject.toml"),
        (
            server(json!({
                "type": "node", "entry_point": "server/index.js",
                "mcp_config": {"command": "node", "args": ["${user_config.gone}"]},
            })),
            "user_config.gone, which it does not describe",
        ),
        (
            with(json!({
                "user_config": {"shell": {"type": "string", "title": "Shell"}},
                "server": {
                    "type": "node", "entry_point": "server/index.js",
                    "mcp_config": {"command": "${user_config.shell}"},
                },
            })),
            "lets the command itself be filled in",
        ),
        (with(json!({"user_config": {"x": {"type": "date", "title": "X"}}})), "user_config.x"),
    ] {
        let refused = refusal(bytes);
        assert!(refused.contains(why), "{why}: {refused}");
    }
}

#[test]
fn a_manifest_becomes_a_command_with_fields() {
    let changes = json!({
        "server": {
            "type": "python", "entry_point": "server/index.js",
            "mcp_config": {
                "command": "python",
                "args": [
                    "server/index.js", "--database", "${user_config.database}", "${user_config.folders}",
                    "--limit=${user_config.limit}", "at${/}end",
                ],
                "env": {"KEY": "${user_config.key}", "QUIET": "${user_config.quiet}", "LIB": "${__dirname}/lib"},
                "platform_overrides": {"plan9": {"command": "rc"}},
            },
        },
        "user_config": {
            "folders": {"type": "directory", "title": "Folders", "multiple": true, "required": true},
            "database": {"type": "file", "title": "Database"},
            "limit": {"type": "number", "title": "Limit", "default": 5, "min": 1, "max": 9},
            "quiet": {"type": "boolean", "title": "Quiet", "default": true},
            "key": {"type": "string", "title": "Key", "sensitive": true, "required": true, "default": "known"},
        },
    });
    let (_, bundle) = bundle(ImportFile::read(bundle_of(&manifest(changes), &[])).unwrap());
    let template = bundle.import_template(Path::new("/home/bundles/x")).unwrap();
    let TargetTemplate::Local(launch) = template.target else { panic!("it runs here") };
    let kinds: Vec<_> =
        launch.fields.iter().map(|field| (field.name.as_str(), field.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("folders", FieldKind::Folder),
            ("database", FieldKind::File),
            ("limit", FieldKind::Number),
            ("quiet", FieldKind::Switch),
            ("key", FieldKind::Secret),
        ],
        "in the order of the manifest"
    );
    assert!(launch.fields[4].default.is_empty(), "a secret has no default");
    let values: FieldValues = serde_json::from_value(json!({
        "fields": {"folders": ["/a", "/b c"]}, "secrets": {"key": "obviously-fake"},
    }))
    .unwrap();
    let filled = launch.fill(&values).unwrap();
    let program = filled.connection.program().unwrap();
    let python = if cfg!(windows) { "python" } else { "python3" };
    assert_eq!(program.command, python);
    let end = format!("at{}end", std::path::MAIN_SEPARATOR);
    assert_eq!(program.args, ["server/index.js", "/a", "/b c", "--limit=5", &end]);
    assert_eq!(program.env["LIB"], "/home/bundles/x/lib");
    assert_eq!(
        (program.env["QUIET"].as_str(), program.secret_env),
        ("true", &["KEY".to_owned()][..])
    );
    assert_eq!(program.cwd, Some("/home/bundles/x"));
    assert_eq!(filled.secrets["KEY"].expose(), "obviously-fake");
}

#[test]
fn bundles_of_all_kinds_run_their_own_files() {
    let line = |server: Value, more: &[(&str, &[u8], u32)]| {
        let bytes = bundle_of(&manifest(json!({ "server": server })), more);
        let (_, bundle) = bundle(ImportFile::read(bytes).unwrap());
        let template = bundle.import_template(Path::new("/b")).unwrap();
        let TargetTemplate::Local(launch) = template.target else { panic!("it runs here") };
        launch.fill(&FieldValues::default()).unwrap().connection.program().unwrap().line()
    };
    let binary = json!({
        "type": "binary", "entry_point": "bin/run", "mcp_config": {"command": "bin/run", "args": ["-v"]},
    });
    assert_eq!(line(binary, &[("bin/run", b"x", 0o755)]), "/b/bin/run -v in the folder /b");
    let uv = json!({"type": "uv", "entry_point": "src/server.py"});
    assert_eq!(
        line(uv, &[("pyproject.toml", b"x", 0o644), ("src/server.py", b"x", 0o644)]),
        "uv run --directory /b src/server.py in the folder /b"
    );
    let node = json!({"type": "node", "entry_point": "server/index.js"});
    assert_eq!(line(node, &[]), "node /b/server/index.js in the folder /b");
}

#[test]
fn a_signed_bundle_is_read_without_its_signature() {
    let mut bytes = bundle_of(&manifest(json!({})), &[]);
    bytes.extend_from_slice(b"MCPB_SIG_V1\x04\x00\x00\x00fakeMCPB_SIG_END");
    assert!(ImportFile::read(bytes).is_ok());
}

fn described(server: Value) -> ServerDescription {
    match ImportFile::read(server.to_string().into_bytes()).map_err(|e| ErrorChain(&e).to_string())
    {
        Ok(ImportFile { content: ImportContent::ServerJson(server), .. }) => *server,
        Ok(_) => panic!("it is a server.json"),
        Err(error) => panic!("{error}"),
    }
}

fn local_line(option: &ImportTemplate, values: Value) -> Result<String, String> {
    let TargetTemplate::Local(launch) = &option.target else { panic!("it runs here") };
    let values = serde_json::from_value(values).unwrap();
    let filled = launch.fill(&values).map_err(|error| error.to_string())?;
    Ok(filled.connection.program().unwrap().line())
}

#[test]
fn packages_of_a_registry_become_commands() {
    let server = described(json!({
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": "io.example/weather", "title": "Weather", "description": "Tells the weather.", "version": "1.2.0",
        "packages": [
            {
                "registryType": "npm", "identifier": "@example/weather", "version": "1.2.0",
                "transport": {"type": "stdio"},
                "packageArguments": [
                    {"type": "positional", "value": "serve"},
                    {"type": "named", "name": "--units", "choices": ["c", "f"], "default": "c"},
                    {"type": "named", "name": "--root", "value": "dir={root}",
                     "variables": {"root": {"format": "filepath", "isRequired": true}}},
                    {"type": "named", "name": "--verbose"},
                    {"type": "positional", "valueHint": "city", "isRepeated": true},
                ],
                "environmentVariables": [{"name": "WEATHER_KEY", "isRequired": true, "isSecret": true}],
            },
            {"registryType": "pypi", "identifier": "weather-mcp", "version": "1.2.0", "transport": {"type": "stdio"}},
            {
                "registryType": "oci", "identifier": "ghcr.io/example/weather", "version": "1.2.0",
                "transport": {"type": "stdio"}, "environmentVariables": [{"name": "MODE", "default": "fast"}],
            },
            {"registryType": "mcpb", "identifier": "https://example.test/w.mcpb", "transport": {"type": "stdio"}},
            {"registryType": "npm", "identifier": "x", "version": "latest", "transport": {"type": "stdio"}},
            {"registryType": "npm", "identifier": "--registry=x", "version": "1.0.0", "transport": {"type": "stdio"}},
            {"registryType": "npm", "identifier": "x", "version": "1.0.0", "runtimeHint": "bash",
             "transport": {"type": "stdio"}},
            {"registryType": "npm", "identifier": "x", "version": "1.0.0", "transport": {"type": "streamable-http"}},
            {"registryType": "cobol", "identifier": "x", "version": "1.0.0", "transport": {"type": "stdio"}},
        ],
    }));
    let options: Vec<_> = server.options.iter().map(|option| option.id.as_str()).collect();
    assert_eq!(options, ["package1", "package2", "package3"]);
    assert_eq!(server.left_out.len(), 6, "{:?}", server.left_out);
    let values = json!({
        "fields": {"root": ["/data"], "city": ["Oslo", "Rome"]}, "secrets": {"WEATHER_KEY": "obviously-fake"},
    });
    assert_eq!(
        local_line(&server.options[0], values).unwrap(),
        "npx -y @example/weather@1.2.0 serve --units=c --root=dir=/data --verbose Oslo Rome"
    );
    let missing = local_line(&server.options[0], json!({})).unwrap_err();
    assert!(missing.contains("has to be filled in"), "{missing}");
    assert_eq!(local_line(&server.options[1], json!({})).unwrap(), "uvx weather-mcp@1.2.0");
    assert_eq!(
        local_line(&server.options[2], json!({})).unwrap(),
        "MODE=fast docker run -i --rm -e MODE ghcr.io/example/weather:1.2.0"
    );
}

#[test]
fn remotes_of_a_registry_become_addresses() {
    let server = described(json!({"server": {
        "name": "io.example/remote", "description": "x", "version": "1.0.0",
        "remotes": [{
            "type": "streamable-http", "url": "https://{region}.example.test/mcp",
            "variables": {"region": {"choices": ["eu", "us"], "default": "eu"}},
            "headers": [
                {"name": "Authorization", "value": "Bearer {key}",
                 "variables": {"key": {"isSecret": true, "isRequired": true}}},
                {"name": "X-Mode", "value": "fast"},
            ],
        }, {"type": "carrier-pigeon", "url": "https://example.test"}],
    }}));
    assert_eq!((server.name.as_str(), server.left_out.len()), ("remote", 1));
    let TargetTemplate::Remote(remote) = &server.options[0].target else { panic!("it is remote") };
    let values = serde_json::from_value(json!({"secrets": {"key": "obviously-fake"}})).unwrap();
    let filled = remote.fill(&values).unwrap();
    assert_eq!(filled.connection.url(), Some("https://eu.example.test/mcp"));
    let headers = filled.connection.headers().unwrap();
    assert_eq!(
        (headers["Authorization"].as_str(), headers["X-Mode"].as_str()),
        ("Bearer {token1}", "fast")
    );
    assert_eq!(filled.secrets["token1"].expose(), "obviously-fake");
}

#[test]
fn a_server_json_of_which_nothing_fits_says_why() {
    for (bytes, why) in [
        (json!({"name": "x"}).to_string(), "nothing in the server.json can be installed"),
        (json!({"packages": []}).to_string(), "missing field `name`"),
        ("{".to_owned(), "cannot be read"),
        (
            json!({"name": "x", "packages": [
                {"registryType": "nuget", "identifier": "X", "version": "1.0.0", "transport": {"type": "stdio"}},
            ]})
            .to_string(),
            "its registry is not known here",
        ),
    ] {
        let refused = refusal(bytes.into_bytes());
        assert!(refused.contains(why), "{why}: {refused}");
    }
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
    assert!(refusal(large.into_bytes()).contains("larger than"));
}
