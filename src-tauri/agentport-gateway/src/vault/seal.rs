//! Encryption with the master key: seal, open, derive keys.

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::record::KeyKind;

/// The root of everything sealed.
pub(super) type MasterKey = Zeroizing<[u8; 32]>;

/// The only version of the sealed form there is.
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// A vault with its key in hand. No `Debug`, no `Clone`: there is one.
pub struct Vault {
    master: MasterKey,
    cipher: XChaCha20Poly1305,
    kind: KeyKind,
}

/// The value was not sealed by this vault for this id, or was changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open with this vault's key")]
pub struct Unsealable;

impl Vault {
    pub(super) fn new(master: MasterKey, kind: KeyKind) -> Self {
        let key = Zeroizing::new(keyed(&master, b"agentport seal v1", b""));
        Self { cipher: XChaCha20Poly1305::new((&*key).into()), master, kind }
    }

    /// Seals `plain`, bound to `id`.
    pub fn seal(&self, id: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let sealed = self
            .cipher
            .encrypt(&nonce.into(), Payload { msg: plain, aad: id.as_bytes() })
            .expect("XChaCha20-Poly1305 takes messages up to 256 GiB");
        [&[VERSION], nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`Vault::seal`] made for the same id.
    pub fn open(&self, id: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (&version, rest) = sealed.split_first().ok_or(Unsealable)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(Unsealable)?;
        if version != VERSION {
            return Err(Unsealable);
        }
        self.cipher
            .decrypt(nonce.into(), Payload { msg: sealed, aad: id.as_bytes() })
            .map(Zeroizing::new)
            .map_err(|_| Unsealable)
    }

    /// A key for another purpose. The same vault gives the same key for the same purpose.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        keyed(&self.master, b"agentport derive v1 ", purpose.as_bytes())
    }

    /// Where the master key is kept: `keychain`, `key-file` or `passphrase-file`.
    pub fn kind(&self) -> &'static str {
        self.kind.as_str()
    }
}

fn keyed(master: &MasterKey, domain: &[u8], purpose: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(master.as_slice()).expect("HMAC takes any key");
    mac.update(domain);
    mac.update(purpose);
    mac.finalize().into_bytes().into()
}
