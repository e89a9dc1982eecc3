//! The licences of what our programs are made of. Most of them ask to be passed on with every copy.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{DESKTOP, Stage};
use crate::{paths::root, process};

/// Parts of the front end's toolbox of which nothing gets into the pages. A package that is not named here does.
const TOOLS: [&str; 8] = [
    "@sveltejs/vite-plugin-svelte",
    "@types/node",
    "prettier",
    "prettier-plugin-svelte",
    "svelte-check",
    "typescript",
    "vite",
    "vitest",
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<DependencyTarget>,
}

#[derive(Deserialize)]
struct DependencyTarget {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<ResolveNode>,
}

#[derive(Deserialize)]
struct ResolveNode {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

/// `package.json`, as much of it as matters.
#[derive(Deserialize)]
struct NodePackage {
    version: Option<String>,
    license: Option<String>,
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
    #[serde(default, rename = "devDependencies")]
    dev_dependencies: BTreeMap<String, String>,
}

/// Something by others, and where its licence lies.
struct LicensedPart {
    name: String,
    license: String,
    folder: PathBuf,
}

/// All licences in one file.
pub(super) fn file(stage: &Stage) -> Result<PathBuf> {
    let mut parts = crates()?;
    parts.extend(modules(&root().join("ui"))?);
    let file = stage.target.join("third-party.txt");
    fs::write(&file, text(&parts)?).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// Each text once, below the names of those it belongs to.
fn text(parts: &[LicensedPart]) -> Result<String> {
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for part in parts {
        let name = format!("{} ({})", part.name, part.license);
        let found = licences(&part.folder)?;
        if found.is_empty() {
            let none = "No licence text comes with it; the name of its licence stands above.\n";
            texts.entry(none.to_owned()).or_default().insert(name);
        } else {
            for text in found {
                texts.entry(text).or_default().insert(name.clone());
            }
        }
    }
    let mut all =
        "AgentPort contains software by others. These are its parts and their licences.\n\
        What is under the Mozilla Public License 2.0 is unchanged; its source is in the public\n\
        registry of Rust packages, under the name and version given here.\n"
            .to_owned();
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|(_, one), (_, other)| one.cmp(other));
    for (text, names) in texts {
        let names: Vec<_> = names.into_iter().collect();
        write!(all, "\n{}\n{}\n\n{}\n", "=".repeat(80), names.join("\n"), text.trim())?;
    }
    Ok(all)
}

/// The texts of the files that are called like a licence.
fn licences(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let is_licence = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"]
            .iter()
            .any(|start| name.starts_with(start));
        if is_licence && path.is_file() {
            let text =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let text = String::from_utf8_lossy(&text).replace('\r', "");
            let lines: Vec<_> = text.lines().map(str::trim_end).collect();
            found.insert(lines.join("\n"));
        }
    }
    Ok(found)
}

/// What is linked into the programs on this platform.
fn crates() -> Result<Vec<LicensedPart>> {
    let mut cargo = process::cargo();
    cargo.args(["metadata", "--format-version", "1", "--filter-platform"]);
    let said = process::output(cargo.arg(super::host()?))?;
    let metadata: Metadata =
        serde_json::from_str(&said).context("cargo describes the workspace in an unknown form")?;
    Ok(linked(metadata))
}

fn linked(metadata: Metadata) -> Vec<LicensedPart> {
    let nodes: BTreeMap<_, _> =
        metadata.resolve.nodes.into_iter().map(|node| (node.id, node.deps)).collect();
    let packages: BTreeMap<_, _> =
        metadata.packages.into_iter().map(|package| (package.id.clone(), package)).collect();
    let ours = |package: &&Package| package.name == DESKTOP || package.name == "agentport-cli";
    let mut open: Vec<&str> = packages.values().filter(ours).map(|p| p.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        // What expands code while ours is compiled is not in the program.
        let expands = packages[id].targets.iter().any(|t| t.kind.iter().any(|k| k == "proc-macro"));
        if expands || !seen.insert(id) {
            continue;
        }
        let linked = nodes[id].iter().filter(|d| d.dep_kinds.iter().any(|k| k.kind.is_none()));
        open.extend(linked.map(|dependency| dependency.pkg.as_str()));
    }
    let others = seen.into_iter().map(|id| &packages[id]).filter(|p| p.source.is_some());
    others
        .map(|package| LicensedPart {
            name: format!("{} {}", package.name, package.version),
            license: package.license.clone().unwrap_or_else(|| "see below".to_owned()),
            folder: package.manifest_path.parent().unwrap_or(Path::new(".")).to_owned(),
        })
        .collect()
}

/// What is built into the pages.
fn modules(ui: &Path) -> Result<Vec<LicensedPart>> {
    let own = module(ui)?;
    let mut open: Vec<String> =
        own.dependencies.into_keys().chain(own.dev_dependencies.into_keys()).collect();
    open.retain(|name| !TOOLS.contains(&name.as_str()));
    let mut seen = BTreeSet::new();
    let mut parts = Vec::new();
    while let Some(name) = open.pop() {
        let folder = ui.join("node_modules").join(&name);
        // Installed for another platform only.
        if !seen.insert(name.clone()) || !folder.is_dir() {
            continue;
        }
        let found = module(&folder)?;
        open.extend(found.dependencies.into_keys());
        parts.push(LicensedPart {
            name: format!("{name} {}", found.version.unwrap_or_default()),
            license: found.license.unwrap_or_else(|| "see below".to_owned()),
            folder,
        });
    }
    Ok(parts)
}

fn module(folder: &Path) -> Result<NodePackage> {
    let file = folder.join("package.json");
    let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_once_below_all_it_belongs_to() {
        let dir = tempfile::tempdir().unwrap();
        let part = |name: &str, files: &[(&str, &str)]| {
            let folder = dir.path().join(name);
            fs::create_dir(&folder).unwrap();
            for (file, text) in files {
                fs::write(folder.join(file), text).unwrap();
            }
            LicensedPart { name: format!("{name} 1.0"), license: "MIT".to_owned(), folder }
        };
        let parts = [
            part("b", &[("LICENSE-MIT", "Permission\r\n"), ("README.md", "no licence")]),
            part("a", &[("license.txt", "Permission  "), ("NOTICE", "By us")]),
            part("c", &[]),
        ];
        let text = text(&parts).unwrap();
        assert_eq!(text.matches("Permission").count(), 1);
        assert!(text.contains("a 1.0 (MIT)\nb 1.0 (MIT)\n\nPermission\n"), "{text}");
        assert!(text.contains("a 1.0 (MIT)\n\nBy us\n"), "{text}");
        assert!(text.contains("c 1.0 (MIT)\n\nNo licence text"), "{text}");
        assert!(!text.contains("no licence"));
    }

    #[test]
    fn only_what_is_linked_counts() {
        let package = |name: &str, kind: &str, source: Option<&str>| {
            serde_json::json!({
                "id": name, "name": name, "version": "1.0.0", "license": "MIT", "source": source,
                "manifest_path": format!("/x/{name}/Cargo.toml"), "targets": [{ "kind": [kind] }],
            })
        };
        let needs = |pkg: &str, kind: Option<&str>| serde_json::json!({ "pkg": pkg, "dep_kinds": [{ "kind": kind }] });
        let registry = Some("registry");
        let metadata = serde_json::json!({
            "packages": [
                package("agentport-desktop", "bin", None), package("core", "lib", None),
                package("linked", "lib", registry), package("macro", "proc-macro", registry),
                package("in-macro", "lib", registry), package("build", "lib", registry),
                package("test", "lib", registry), package("unused", "lib", registry),
            ],
            "resolve": { "nodes": [
                { "id": "agentport-desktop", "deps": [
                    needs("core", None), needs("macro", None), needs("build", Some("build")), needs("test", Some("dev")),
                ] },
                { "id": "core", "deps": [needs("linked", None)] },
                { "id": "macro", "deps": [needs("in-macro", None)] },
                { "id": "linked", "deps": [] }, { "id": "in-macro", "deps": [] }, { "id": "build", "deps": [] },
                { "id": "test", "deps": [] }, { "id": "unused", "deps": [] },
            ] },
        });
        let found = linked(serde_json::from_value(metadata).unwrap());
        let names: Vec<_> = found.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["linked 1.0.0"]);
        assert_eq!(found[0].folder, Path::new("/x/linked"));
    }
}
