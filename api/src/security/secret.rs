//! Secrets of 256 bits, and the codes that only who holds one can make.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A 256-bit secret; leaves memory when dropped, never shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// A new random one.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::fill(&mut bytes[..]);
        Self(bytes)
    }

    /// From 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// The bytes, for the file that keeps a master key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..]
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Makes the codes of this installation: what stands in links and cursors, and the blind index of addresses.
pub struct Codes(Secret);

impl Codes {
    /// Codes under a key.
    pub fn new(key: Secret) -> Self {
        Self(key)
    }

    /// The blind index of an address: equal addresses are found, none can be read from it.
    pub fn email_index(&self, email: &str) -> Vec<u8> {
        self.code("email", email.trim().to_lowercase().as_bytes()).to_vec()
    }

    /// A code that only this installation can make, for a purpose and a value.
    pub fn code(&self, purpose: &str, value: &[u8]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("any length");
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}
