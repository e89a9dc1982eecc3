//! Asset provider of the windows: the UI embedded in `agentport-pages`, which the gateway also serves to a browser.

use std::borrow::Cow;

use tauri::{
    Assets, Runtime,
    utils::assets::{AssetKey, AssetsIter, CspHash},
};

/// Answers for the app's own scheme. `None` for a missing file: Tauri falls back to `index.html`.
pub(crate) struct Pages;

impl<R: Runtime> Assets<R> for Pages {
    fn get(&self, key: &AssetKey) -> Option<Cow<'_, [u8]>> {
        let path = key.as_ref().trim_start_matches('/');
        let assets = agentport_pages::assets();
        assets.0.iter().find(|asset| asset.path == path).map(|asset| Cow::Borrowed(asset.bytes))
    }

    fn iter(&self) -> Box<AssetsIter<'_>> {
        let assets = agentport_pages::assets();
        Box::new(assets.0.iter().map(|asset| (asset.path.into(), asset.bytes.into())))
    }

    /// Empty: no page has an inline script or style, and the policy allows none.
    fn csp_hashes(&self, _page: &AssetKey) -> Box<dyn Iterator<Item = CspHash<'_>> + '_> {
        Box::new(std::iter::empty())
    }
}
