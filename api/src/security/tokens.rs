//! Secrets that travel: 256 random bits behind a prefix that secret scanners know. Only their SHA-256 is stored, so a
//! copy of the database opens nothing. Random, never UUIDs of version 7, which show when they were made.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Length of the random part, written in base64url.
const RANDOM: usize = 43;

/// What a secret opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The API, for ten minutes.
    Access,
    /// The next pair of tokens, once.
    Refresh,
    /// The API from the pages.
    Cookie,
    /// One invitation.
    Invitation,
}

impl Purpose {
    /// What every secret of this purpose begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "kat_",
            Self::Refresh => "krt_",
            Self::Cookie => "kct_",
            Self::Invitation => "kit_",
        }
    }
}

/// A new secret: shown once, to its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Draws one.
    pub fn new(purpose: Purpose) -> Self {
        let bytes = Zeroizing::new(rand::random::<[u8; 32]>());
        Self(Zeroizing::new(purpose.prefix().to_owned() + &URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// The text, for the one answer that carries it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> Hash {
        Hash::of(&self.0)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(secret)")
    }
}

/// What is stored of a secret. Compared in constant time where it is compared in memory.
#[derive(Debug, Clone, Copy, Eq)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of what a caller presents, if it has the shape of such a secret: nothing else is worth a look-up.
    pub fn presented(purpose: Purpose, text: &str) -> Option<Self> {
        let random = text.strip_prefix(purpose.prefix())?;
        let shaped = random.len() == RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        shaped.then(|| Self::of(text))
    }

    fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// As stored.
    pub fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// From the database.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

// Equal hashes have equal bytes, so hashing the bytes agrees with the comparison.
impl std::hash::Hash for Hash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn what_is_presented_is_found_by_its_hash_alone() {
        for purpose in [Purpose::Access, Purpose::Refresh, Purpose::Cookie, Purpose::Invitation] {
            let token = Token::new(purpose);
            assert_eq!(Hash::presented(purpose, token.reveal()), Some(token.hash()));
            assert!(token.reveal().starts_with(purpose.prefix()));
            assert_eq!(format!("{token:?}"), "Token(secret)");
        }
    }

    #[test]
    fn another_purpose_or_another_shape_is_nothing() {
        let token = Token::new(Purpose::Access);
        assert_eq!(Hash::presented(Purpose::Refresh, token.reveal()), None);
        assert_eq!(Hash::presented(Purpose::Access, &token.reveal()[..20]), None);
        assert_eq!(Hash::presented(Purpose::Access, &format!("{}x", token.reveal())), None);
        assert_eq!(Hash::presented(Purpose::Access, &format!("kat_{}", "é".repeat(21) + "x")), None);
        assert_eq!(Hash::presented(Purpose::Access, ""), None);
    }

    #[test]
    fn no_two_are_alike() {
        let drawn: HashSet<_> = (0..1000).map(|_| Token::new(Purpose::Invitation).hash()).collect();
        assert_eq!(drawn.len(), 1000);
    }
}
