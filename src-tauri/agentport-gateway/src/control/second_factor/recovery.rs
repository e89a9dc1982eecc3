//! Recovery codes, for an owner who lost the authenticator. Each works once and is stored as a hash.

use sha2::{Digest as _, Sha256};

use crate::store::CodeHash;

pub(super) const HOW_MANY: usize = 10;
/// Five bits each, as in Crockford's Base32: without the letters that look like digits or like each other.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Sixteen characters of five bits: 80 bits, so that an unsalted hash cannot be reversed by guessing.
const LENGTH: usize = 16;

/// New codes in the form shown: `xxxx-xxxx-xxxx-xxxx`.
pub(super) fn new_codes() -> Vec<String> {
    (0..HOW_MANY).map(|_| shown(rand::random())).collect()
}

fn shown(random: [u8; LENGTH]) -> String {
    let letter = |byte: &u8| char::from(LETTERS[usize::from(byte & 31)]);
    let groups: Vec<String> =
        random.chunks(4).map(|group| group.iter().map(letter).collect()).collect();
    groups.join("-")
}

/// The stored hash of a code, independent of case and separators. `None`: it does not have the form of a code.
pub(super) fn hash(code: &str) -> Option<CodeHash> {
    let mut plain = String::with_capacity(LENGTH);
    for char in code.chars().filter(|char| !matches!(char, '-' | ' ')) {
        plain.push(match char.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other if LETTERS.contains(&u8::try_from(other).ok()?) => other,
            _ => return None,
        });
    }
    (plain.len() == LENGTH).then(|| Sha256::digest(plain.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_many_and_differ() {
        let codes = new_codes();
        assert_eq!(codes.len(), HOW_MANY);
        for code in &codes {
            assert!(code.len() == 19 && hash(code).is_some(), "{code}");
            assert_eq!(codes.iter().filter(|other| *other == code).count(), 1);
        }
    }

    #[test]
    fn typing_is_forgiven_and_nothing_else() {
        let code = shown(std::array::from_fn(|n| u8::try_from(n).unwrap()));
        assert_eq!(code, "0123-4567-89ab-cdef");
        for same in ["0123456789ABCDEF", "o123 4567 89ab cdef", " 0i23-4567-89AB-CDEF "] {
            assert_eq!(hash(same), hash(&code), "{same}");
        }
        for other in [
            "",
            "0123-4567-89ab-cde",
            "0123-4567-89ab-cdef0",
            "0123-4567-89ab-cdeu",
            "０123-4567-89ab-cdef",
        ] {
            assert_eq!(hash(other), None, "{other}");
        }
        assert_ne!(hash("1123-4567-89ab-cdef"), hash(&code));
    }
}
