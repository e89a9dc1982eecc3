//! The accessibility tree of the session that a screen reader reads (AT-SPI over D-Bus), in a [`Session::real`].

use std::pin::Pin;

use zbus::{Connection, Proxy, proxy::CacheProperties, zvariant::OwnedObjectPath};

use super::{Session, try_until};
use crate::{SOON, soon};

/// Roles of what can be operated (`AtspiRole`): check box, combo box, entry, link, menu item, page tab, password, push
/// button, radio button, spin button, toggle button.
const OPERABLE: [u32; 11] = [7, 11, 79, 88, 35, 37, 40, 43, 44, 52, 62];
pub const PUSH_BUTTON: u32 = 43;
pub const HEADING: u32 = 83;

const REGISTRY: &str = "org.a11y.atspi.Registry";
const ROOT: &str = "/org/a11y/atspi/accessible/root";
/// Deeper than any window of ours.
const DEEP: usize = 60;

/// A part of a window as it is read out.
#[derive(Debug, Clone)]
pub struct Part {
    /// `AtspiRole`.
    pub role: u32,
    pub name: String,
    /// On the screen: left, top, width, height.
    pub place: (i32, i32, i32, i32),
    pub parts: Vec<Part>,
}

impl Part {
    /// Everything in it, itself first.
    pub fn all(&self) -> Vec<&Self> {
        let mut found = vec![self];
        for part in &self.parts {
            found.extend(part.all());
        }
        found
    }

    /// What can be operated. All of it needs a name.
    pub fn operable(&self) -> Vec<&Self> {
        self.all().into_iter().filter(|part| OPERABLE.contains(&part.role)).collect()
    }

    pub fn with_role(&self, role: u32) -> Vec<&Self> {
        self.all().into_iter().filter(|part| part.role == role).collect()
    }

    /// It and everything in it, as text: for messages.
    fn drawn(&self, depth: usize) -> String {
        let Self { role, name, place, parts } = self;
        let below: String = parts.iter().map(|part| part.drawn(depth + 1)).collect();
        format!("{}{role} {name:?} {place:?}\n{below}", "  ".repeat(depth))
    }

    pub fn middle(&self) -> (i32, i32) {
        let (left, top, width, height) = self.place;
        (left + width / 2, top + height / 2)
    }
}

/// A reader of the tree.
pub struct Reader {
    connection: Connection,
}

impl Reader {
    pub async fn start(session: &Session) -> Self {
        let open = async {
            let bus = Proxy::new(
                &session.connect().await,
                "org.a11y.Bus",
                "/org/a11y/bus",
                "org.a11y.Bus",
            )
            .await?;
            let address: String = bus.call("GetAddress", &()).await?;
            zbus::connection::Builder::address(address.as_str())?.build().await
        };
        let connection = soon("the accessibility bus", open).await.expect("it lets us in");
        Self { connection }
    }

    /// The programs that can be read, by name.
    pub async fn programs(&self) -> Vec<Part> {
        let mut found = Vec::new();
        for (owner, path) in self.children(REGISTRY, ROOT).await.unwrap_or_default() {
            // A program may end while it is read.
            found.extend(self.read(&owner, &path, DEEP).await.ok());
        }
        found
    }

    /// Waits until `look` finds something in a program.
    pub async fn until<T>(
        &self,
        program: &str,
        what: &str,
        mut look: impl FnMut(&Part) -> Option<T>,
    ) -> T {
        let found = try_until(SOON, async || {
            self.programs().await.iter().filter(|part| part.name == program).find_map(&mut look)
        });
        match found.await {
            Some(found) => found,
            None => {
                let programs = self.programs().await;
                let drawn: String = programs.iter().map(|part| part.drawn(0)).collect();
                panic!("{what}: not to be read in {program}, but\n{drawn}")
            }
        }
    }

    async fn proxy(
        &self,
        owner: &str,
        path: &str,
        interface: &'static str,
    ) -> zbus::Result<Proxy<'_>> {
        zbus::proxy::Builder::new(&self.connection)
            .destination(owner.to_owned())?
            .path(path.to_owned())?
            .interface(interface)?
            .cache_properties(CacheProperties::No)
            .build()
            .await
    }

    /// One by one: asked for all at once, a web view leaves out its page, which is another process.
    async fn children(&self, owner: &str, path: &str) -> zbus::Result<Vec<(String, String)>> {
        let proxy = self.proxy(owner, path, "org.a11y.atspi.Accessible").await?;
        let count: i32 = proxy.get_property("ChildCount").await?;
        let mut children = Vec::new();
        for number in 0..count {
            let child: (String, OwnedObjectPath) = proxy.call("GetChildAtIndex", &number).await?;
            children.push((child.0, child.1.to_string()));
        }
        Ok(children)
    }

    fn read<'a>(
        &'a self,
        owner: &'a str,
        path: &'a str,
        deep: usize,
    ) -> Pin<Box<dyn Future<Output = zbus::Result<Part>> + Send + 'a>> {
        Box::pin(async move {
            let accessible = self.proxy(owner, path, "org.a11y.atspi.Accessible").await?;
            let role: u32 = accessible.call("GetRole", &()).await?;
            let name: String = accessible.get_property("Name").await?;
            let component = self.proxy(owner, path, "org.a11y.atspi.Component").await?;
            // Programs themselves are nowhere on the screen.
            let place = component.call("GetExtents", &(0u32)).await.unwrap_or_default();
            let mut parts = Vec::new();
            if deep > 0 {
                for (owner, path) in self.children(owner, path).await.unwrap_or_default() {
                    parts.extend(self.read(&owner, &path, deep - 1).await.ok());
                }
            }
            Ok(Part { role, name, place, parts })
        })
    }
}
