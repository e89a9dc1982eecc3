//! The front end's files, for the windows. They lie in the program once: a browser gets the same ones from the gateway.

use std::borrow::Cow;

use tauri::{
    Assets, Runtime,
    utils::assets::{AssetKey, AssetsIter, CspHash},
};

/// Answers for the scheme of the app. What is not there is not there: Tauri turns to `index.html` by itself.
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

    /// None: no page has a script or a style within its text, and the policy allows none.
    fn csp_hashes(&self, _page: &AssetKey) -> Box<dyn Iterator<Item = CspHash<'_>> + '_> {
        Box::new(std::iter::empty())
    }
}
