//! Sealing of everything that a person typed: AES-256-GCM under a key of its own for each value, derived from a data key
//! per owner and class, which lies wrapped by the master key in a store of its own. Destroying the wrapped keys of a
//! patient makes every copy of their words unreadable, old backups included.
//!
//! A sealed value is `version(1) | algorithm(1) | key id(16) | salt(32) | nonce(12) | ciphertext | tag(16)`; its key is
//! HKDF-SHA-256(data key, salt, "afterglow/field/v1"). The text is padded to 256 bytes, so that its length tells little.
//! It is bound to table, column, clinic, owner, row, revision and class: exchanged, cut or set back, it does not open.

use super::secret::Secret;
use crate::error::Error;
use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

const VERSION: u8 = 1;
const AES_256_GCM: u8 = 1;
const SALT: usize = 32;
const NONCE: usize = 12;
const HEAD: usize = 2 + 16 + SALT;
const PAD: usize = 256;

/// What a key opens. The numbers stand in the key store: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum Class {
    /// Records that the care team reads.
    Shared = 1,
    /// Records for the patient alone.
    Private = 2,
    /// A patient's names and contact.
    Profile = 4,
    /// What belongs to the clinic and its members.
    Clinic = 5,
    /// The installation's own: the blind index of addresses, the codes in links.
    Index = 6,
}

impl Class {
    const ALL: [Self; 5] = [Self::Shared, Self::Private, Self::Profile, Self::Clinic, Self::Index];

    /// The number that stands in the key store.
    pub const fn code(self) -> i16 {
        self as i16
    }
}

/// Where a sealed value lies: what it is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The clinic.
    pub clinic: Uuid,
    /// The row's id.
    pub row: Uuid,
    /// The row's version.
    pub revision: i64,
    /// The class of the key.
    pub class: Class,
}

impl Spot<'_> {
    fn bound(&self, owner: Uuid) -> Vec<u8> {
        let mut bound = Vec::with_capacity(128);
        let (revision, class) = (self.revision.to_be_bytes(), self.class.code().to_be_bytes());
        let parts: [&[u8]; 8] = [
            b"ag1",
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.clinic.as_bytes(),
            owner.as_bytes(),
            self.row.as_bytes(),
            &revision,
            &class,
        ];
        for part in parts {
            bound.extend((part.len() as u64).to_be_bytes());
            bound.extend(part);
        }
        bound
    }
}

/// A key of one owner and class: what their values are sealed under.
#[derive(Debug)]
pub struct DataKey {
    /// What it opens.
    pub class: Class,
    /// Its id, which stands in every value.
    pub id: Uuid,
    /// The key itself.
    pub secret: Secret,
}

impl DataKey {
    /// A new random one.
    pub fn random(class: Class) -> Self {
        let mut id = [0; 16];
        rand::fill(&mut id);
        Self { class, id: uuid::Builder::from_random_bytes(id).into_uuid(), secret: Secret::random() }
    }
}

/// The unwrapped keys of one owner.
pub struct OwnerKeys {
    owner: Uuid,
    keys: Vec<DataKey>,
}

impl OwnerKeys {
    /// The keys of an owner, of each class the newest first.
    pub fn new(owner: Uuid, keys: Vec<DataKey>) -> Self {
        Self { owner, keys }
    }

    /// Whose they are.
    pub fn owner(&self) -> Uuid {
        self.owner
    }

    /// Seals a text for its spot.
    pub fn seal(&self, spot: &Spot<'_>, text: &str) -> Result<Vec<u8>, Error> {
        let key = self.keys.iter().find(|key| key.class == spot.class);
        let key = key.ok_or_else(|| Error::internal("no key of this class"))?;
        let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
        rand::fill(&mut salt);
        rand::fill(&mut nonce);
        let mut padded = Vec::with_capacity((text.len() + 4).next_multiple_of(PAD));
        padded.extend(u32::try_from(text.len()).map_err(Error::internal)?.to_be_bytes());
        padded.extend(text.as_bytes());
        padded.resize(padded.len().next_multiple_of(PAD), 0);
        let payload = Payload { msg: &padded, aad: &spot.bound(self.owner) };
        let sealed = cipher(&key.secret, &salt)?.encrypt(&Nonce::from(nonce), payload);
        padded.zeroize();
        let mut value = Vec::with_capacity(HEAD + NONCE + PAD + 16);
        value.extend([VERSION, AES_256_GCM]);
        value.extend(key.id.as_bytes());
        value.extend(salt);
        value.extend(nonce);
        value.extend(sealed.map_err(Error::internal)?);
        Ok(value)
    }

    /// Opens what was sealed for this spot.
    pub fn open(&self, spot: &Spot<'_>, value: &[u8]) -> Result<String, Error> {
        self.try_open(spot, value).ok_or_else(|| {
            tracing::error!(table = spot.table, column = spot.column, row = %spot.row, "a sealed value does not open");
            Error::Tampered(format!("{}.{} of row {}", spot.table, spot.column, spot.row))
        })
    }

    fn try_open(&self, spot: &Spot<'_>, value: &[u8]) -> Option<String> {
        let ([VERSION, AES_256_GCM, ..], true) = (value, value.len() > HEAD + NONCE) else {
            return None;
        };
        let id = Uuid::from_slice(&value[2..18]).ok()?;
        let key = self.keys.iter().find(|key| key.id == id && key.class == spot.class)?;
        let nonce: [u8; NONCE] = value[HEAD..HEAD + NONCE].try_into().ok()?;
        let payload = Payload { msg: &value[HEAD + NONCE..], aad: &spot.bound(self.owner) };
        let mut text = cipher(&key.secret, &value[18..HEAD]).ok()?.decrypt(&Nonce::from(nonce), payload).ok()?;
        let length = u32::from_be_bytes(text.get(..4)?.try_into().ok()?) as usize;
        text.drain(..4);
        text.truncate(length);
        String::from_utf8(text).ok()
    }
}

fn cipher(secret: &Secret, salt: &[u8]) -> Result<Aes256Gcm, Error> {
    let mut key = Zeroizing::new([0; 32]);
    let derived = Hkdf::<Sha256>::new(Some(salt), secret.as_bytes());
    derived.expand(b"afterglow/field/v1", &mut key[..]).map_err(Error::internal)?;
    Aes256Gcm::new_from_slice(&key[..]).map_err(Error::internal)
}

/// The key that wraps all others.
pub struct Master {
    secret: Secret,
    id: [u8; 8],
}

impl Master {
    /// The master key of this secret.
    pub fn new(secret: Secret) -> Self {
        // Tells master keys apart without telling anything of them.
        let digest = Sha256::new().chain_update(b"afterglow/master/v1").chain_update(secret.as_bytes()).finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Self { secret, id }
    }

    /// Wraps a key for its place in the key store.
    pub fn wrap(&self, owner: Uuid, key: &DataKey) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        rand::fill(&mut nonce);
        let payload = Payload { msg: key.secret.as_bytes(), aad: &self.bound(owner, key.class.code(), key.id) };
        let master = Aes256Gcm::new_from_slice(self.secret.as_bytes()).map_err(Error::internal)?;
        let wrapped = master.encrypt(&Nonce::from(nonce), payload).map_err(Error::internal)?;
        Ok([&[VERSION, AES_256_GCM], &self.id[..], &nonce, &wrapped].concat())
    }

    /// Unwraps a key of the key store.
    pub fn unwrap(&self, owner: Uuid, class: i16, id: Uuid, wrapped: &[u8]) -> Result<DataKey, Error> {
        let wrong = || Error::Settings("the master key is not the one that the stored keys were wrapped with".into());
        let known = Class::ALL.into_iter().find(|known| known.code() == class).ok_or_else(wrong)?;
        let (head, sealed) = wrapped.split_at_checked(10 + NONCE).ok_or_else(wrong)?;
        let nonce: [u8; NONCE] = head[10..].try_into().map_err(|_| wrong())?;
        let payload = Payload { msg: sealed, aad: &self.bound(owner, class, id) };
        let master = Aes256Gcm::new_from_slice(self.secret.as_bytes()).map_err(Error::internal)?;
        let secret = Zeroizing::new(master.decrypt(&Nonce::from(nonce), payload).map_err(|_| wrong())?);
        Ok(DataKey { class: known, id, secret: Secret::from_bytes(&secret).ok_or_else(wrong)? })
    }

    fn bound(&self, owner: Uuid, class: i16, id: Uuid) -> Vec<u8> {
        [b"ag1-key", &self.id[..], owner.as_bytes(), &class.to_be_bytes(), id.as_bytes()].concat()
    }
}
