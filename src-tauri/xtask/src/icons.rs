//! `cargo xtask icons`: makes the pictures of the app and of the tray from their drawings in `icons/`.
//!
//! The pictures are committed: a build needs nothing but Rust. Only a changed drawing needs `rsvg-convert`
//! (Debian: `librsvg2-bin`).

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail};

use crate::{paths::root, process};

/// Twice what panels draw, for screens with small pixels.
const TRAY_SIZE: u32 = 48;

/// How the tray's family is drawn: white for dark panels, dark for light ones, in a tone between for panels that may be
/// either, and as a stencil, which macOS colours by itself.
const PANELS: [(&str, &str); 4] = [
    ("dark", ""),
    ("any", ".mark { stroke: #17958a } .halo { display: none }"),
    ("light", ".mark { stroke: #1c2524 } .halo { stroke: #fff; stroke-opacity: .5 }"),
    (
        "template",
        ".mark { stroke: #000 } .halo, .ink { display: none } .badge { fill: #000; mask: url(#around) }",
    ),
];

/// Drawing and, where it counts, the class of the count.
const STATES: [(&str, Option<&str>); 13] = [
    ("normal", None),
    ("paused", None),
    ("trouble", None),
    ("waiting", Some("1")),
    ("waiting", Some("2")),
    ("waiting", Some("3")),
    ("waiting", Some("4")),
    ("waiting", Some("5")),
    ("waiting", Some("6")),
    ("waiting", Some("7")),
    ("waiting", Some("8")),
    ("waiting", Some("9")),
    ("waiting", Some("more")),
];

/// The app's own picture: file and size in pixels.
const APP: [(&str, u32); 4] =
    [("32x32.png", 32), ("128x128.png", 128), ("128x128@2x.png", 256), ("icon.png", 512)];

/// What Windows wants in its one file.
const ICO: [u32; 6] = [16, 24, 32, 48, 64, 256];

/// What macOS wants in its one file: kind and size.
const ICNS: [(&[u8; 4], u32); 5] =
    [(b"ic11", 32), (b"ic12", 64), (b"ic07", 128), (b"ic08", 256), (b"ic09", 512)];

pub(crate) fn run() -> Result<ExitCode> {
    if !process::works(Command::new("rsvg-convert").arg("--version")) {
        bail!("rsvg-convert is not here; on Debian it comes with `apt install librsvg2-bin`");
    }
    let icons = root().join("icons");
    tray(&icons)?;
    let drawing = icons.join("agentport.svg");
    for (name, size) in APP {
        fs::write(icons.join(name), picture(&drawing, size, "")?)
            .with_context(|| format!("cannot write {name}"))?;
    }
    let sizes = ICO.map(|size| Ok((size, picture(&drawing, size, "")?)));
    let pictures = sizes.into_iter().collect::<Result<Vec<_>>>()?;
    fs::write(icons.join("icon.ico"), ico(&pictures)?).context("cannot write icon.ico")?;
    let kinds = ICNS.map(|(kind, size)| Ok((kind, picture(&drawing, size, "")?)));
    let pictures = kinds.into_iter().collect::<Result<Vec<_>>>()?;
    fs::write(icons.join("icon.icns"), icns(&pictures)?).context("cannot write icon.icns")?;
    process::say("The pictures are made.");
    Ok(ExitCode::SUCCESS)
}

fn tray(icons: &Path) -> Result<()> {
    for (panel, style) in PANELS {
        let folder = icons.join("tray").join(panel);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for (state, count) in STATES {
            let (name, style) = match count {
                Some(count) => (
                    format!("{state}-{count}.png"),
                    format!(
                        "{style} #count path {{ display: none }} #count .is-{count} {{ display: inline }}"
                    ),
                ),
                None => (format!("{state}.png"), style.to_owned()),
            };
            let drawing = icons.join(format!("tray-{state}.svg"));
            fs::write(folder.join(&name), picture(&drawing, TRAY_SIZE, &style)?)
                .with_context(|| format!("cannot write {name}"))?;
        }
    }
    Ok(())
}

/// A drawing as PNG, with further style.
fn picture(drawing: &Path, size: u32, style: &str) -> Result<Vec<u8>> {
    let sheet: PathBuf = crate::paths::target().join("icons.css");
    fs::write(&sheet, style).context("cannot write the style")?;
    let size = size.to_string();
    let output = Command::new("rsvg-convert")
        .args(["--width", &size, "--height", &size, "--stylesheet"])
        .arg(&sheet)
        .arg(drawing)
        .output()
        .context("cannot start rsvg-convert")?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!("{} could not be drawn: {why}", drawing.display());
    }
    Ok(output.stdout)
}

/// An icon file of Windows that holds PNGs: a header, a table, the pictures.
fn ico(pictures: &[(u32, Vec<u8>)]) -> Result<Vec<u8>> {
    let count = u16::try_from(pictures.len())?;
    let mut file = [0, 1, count].map(u16::to_le_bytes).concat();
    let mut offset = u32::from(count) * 16 + 6;
    for (size, picture) in pictures {
        // 0 stands for 256.
        let side = u8::try_from(size % 256)?;
        let length = u32::try_from(picture.len())?;
        file.extend([side, side, 0, 0]);
        file.extend([1u16, 32].map(u16::to_le_bytes).concat());
        file.extend([length, offset].map(u32::to_le_bytes).concat());
        offset += length;
    }
    file.extend(pictures.iter().flat_map(|(_, picture)| picture));
    Ok(file)
}

/// An icon file of macOS that holds PNGs: its whole length, then each picture with kind and length.
fn icns(pictures: &[(&[u8; 4], Vec<u8>)]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    for (kind, picture) in pictures {
        body.extend(*kind);
        body.extend(u32::try_from(picture.len() + 8)?.to_be_bytes());
        body.extend(picture);
    }
    let mut file = b"icns".to_vec();
    file.extend(u32::try_from(body.len() + 8)?.to_be_bytes());
    file.extend(body);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_finds_each_picture() {
        let file = ico(&[(16, vec![1, 2, 3]), (256, vec![4])]).unwrap();
        assert_eq!(file[..6], [0, 0, 1, 0, 2, 0]);
        assert_eq!(file[6..10], [16, 16, 0, 0]);
        assert_eq!(file[14..22], [3, 0, 0, 0, 38, 0, 0, 0]);
        assert_eq!(file[22], 0, "256 is written as 0");
        assert_eq!(file[30..38], [1, 0, 0, 0, 41, 0, 0, 0]);
        assert_eq!(file[38..], [1, 2, 3, 4]);
    }

    #[test]
    fn macos_finds_each_picture() {
        let file = icns(&[(b"ic07", vec![1, 2]), (b"ic08", vec![3])]).unwrap();
        assert_eq!(file[..8], *b"icns\0\0\0\x1b");
        assert_eq!(file[8..18], *b"ic07\0\0\0\x0a\x01\x02");
        assert_eq!(file[18..], *b"ic08\0\0\0\x09\x03");
    }
}
