//! What the Markdown pages link to in the repository must be there.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};

use crate::paths::{root, source_files};

pub(crate) fn check() -> Result<()> {
    let root = root();
    let mut broken = Vec::new();
    for page in source_files(&["*.md"])?.iter().filter(|page| !page.contains("fixtures/")) {
        let file = root.join(page);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {page}"))?;
        let folder = file.parent().unwrap_or(&root);
        broken.extend(missing(&text, folder).into_iter().map(|link| format!("{page}: {link}")));
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("links to what is not there: {}", broken.join(", "))
}

fn missing<'a>(markdown: &'a str, folder: &Path) -> Vec<&'a str> {
    relative(markdown).filter(|link| !folder.join(link).exists()).collect()
}

/// The targets of `[…](target)` and `![…](target "title")` that are paths, without what follows a `#`. Code blocks show
/// other people's files, and do not count.
fn relative(markdown: &str) -> impl Iterator<Item = &str> {
    let prose = markdown.split("```").step_by(2);
    let targets = prose.flat_map(|text| text.split("](").skip(1)).filter_map(|rest| {
        let target = rest.split_once(')')?.0.split_whitespace().next()?;
        target.split('#').next()
    });
    targets.filter(|target| {
        let scheme = target.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('/'));
        !target.is_empty() && !scheme
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_looked_for_and_addresses_are_not() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("docs")).unwrap();
        fs::write(dir.path().join("docs/a.png"), "").unwrap();
        let text = r##"
            ![A picture](docs/a.png "with a title") and [one](docs/a.png#part), [here](#part),
            [elsewhere](https://example.com/a:b), [a letter](mailto:a@example.com), [gone](docs/b.png),
            [a folder](docs/), brackets [without] (a link).
            ```
            [shown](nowhere.md)
            ```
            [gone too](c.md)
        "##;
        assert_eq!(missing(text, dir.path()), ["docs/b.png", "c.md"]);
    }
}
