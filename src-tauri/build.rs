//! Checks the capabilities and puts the built front end where `generate_context!` finds it.

fn main() {
    // The only command of ours; a window may send it only if its capability says so.
    let manifest = tauri_build::AppManifest::new().commands(&["owner"]);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))
        .expect("tauri.conf.json and the capabilities are sound");
}
