//! Sealing of everything that a person typed: AES-256-GCM under a key of its own for each value, derived from a data key
//! per owner and class, which lies wrapped by the master key in a store of its own. Destroying the wrapped keys of a
//! patient makes every copy of their words unreadable, old backups included.
//!
//! A sealed value is `version(1) | algorithm(1) | key id(16) | salt(32) | nonce(12) | ciphertext | tag(16)`; its key is
//! HKDF-SHA-256(data key, salt, "afterglow/field/v1"). The text is padded to 256 bytes, so that its length tells little.
//! It is bound to table, column, clinic, owner, row, revision and class: exchanged, cut or set back, it does not open.

use crate::{
    error::Error,
    store::{Link, Place, database},
};
use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

const VERSION: u8 = 1;
const AES_256_GCM: u8 = 1;
const SALT: usize = 32;
const NONCE: usize = 12;
const HEAD: usize = 2 + 16 + SALT;
const PAD: usize = 256;
/// Owners whose unwrapped keys stay in memory.
const CACHE: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

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
        let (revision, class) = (self.revision.to_be_bytes(), (self.class as i16).to_be_bytes());
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

struct DataKey {
    class: Class,
    id: Uuid,
    secret: Secret,
}

/// The unwrapped keys of one owner.
pub struct OwnerKeys {
    owner: Uuid,
    keys: Vec<DataKey>,
}

impl OwnerKeys {
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

/// The store of wrapped keys, and those that are unwrapped at the moment. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    store: Link,
    master: Secret,
    master_id: [u8; 8],
    index: Secret,
    unwrapped: Mutex<lru::LruCache<Uuid, Arc<OwnerKeys>>>,
}

impl Keys {
    /// Opens the key store with the master key, and proves that the key belongs to it.
    pub async fn open(place: &Place, master: Secret) -> Result<Self, Error> {
        let store = database::open_keys(place).await?;
        let master_id = master_id(&master);
        let mut inner = Inner {
            store,
            master,
            master_id,
            index: Secret::random(),
            unwrapped: Mutex::new(lru::LruCache::new(CACHE)),
        };
        let own = inner.load_or_make(Uuid::nil(), &[Class::Index]).await?;
        inner.index = own.keys.first().ok_or_else(|| Error::internal("no index key"))?.secret.clone();
        Ok(Self(Arc::new(inner)))
    }

    /// Whether a store holds any key yet: only then may a new master key be made.
    pub async fn is_empty(place: &Place) -> Result<bool, Error> {
        let store = database::open_keys(place).await?;
        Ok(entities::wrapped_key::Entity::find().one(&store).await?.is_none())
    }

    /// The keys of a patient, made and committed if there are none. Call it before the unit of work that uses them.
    pub async fn of_patient(&self, patient: Uuid) -> Result<Arc<OwnerKeys>, Error> {
        self.of(patient, &[Class::Shared, Class::Private, Class::Profile]).await
    }

    /// The keys of a clinic.
    pub async fn of_clinic(&self, clinic: Uuid) -> Result<Arc<OwnerKeys>, Error> {
        self.of(clinic, &[Class::Clinic]).await
    }

    /// The keys of many patients, in one read for those that are not at hand.
    pub async fn of_patients(&self, patients: &[Uuid]) -> Result<HashMap<Uuid, Arc<OwnerKeys>>, Error> {
        let mut found: HashMap<_, _> = patients.iter().filter_map(|id| Some((*id, self.0.cached(*id)?))).collect();
        let missing: Vec<Uuid> = patients.iter().copied().filter(|id| !found.contains_key(id)).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let rows = entities::wrapped_key::Entity::find()
            .filter(entities::wrapped_key::Column::OwnerId.is_in(missing))
            .order_by_desc(entities::wrapped_key::Column::Generation)
            .all(&self.0.store)
            .await?;
        let mut by_owner: HashMap<Uuid, Vec<entities::wrapped_key::Model>> = HashMap::new();
        for row in rows {
            by_owner.entry(row.owner_id).or_default().push(row);
        }
        for (owner, rows) in by_owner {
            found.insert(owner, self.0.keep(owner, self.0.unwrap_all(&rows)?));
        }
        Ok(found)
    }

    /// Makes the keys of many new owners in one statement, for a whole demo clinic.
    pub async fn make_for_patients(&self, patients: &[Uuid]) -> Result<(), Error> {
        let (mut rows, mut made) = (Vec::new(), Vec::new());
        for owner in patients {
            let (wrapped, keys) = self.0.make(*owner, &[Class::Shared, Class::Private, Class::Profile])?;
            rows.extend(wrapped);
            made.push((*owner, keys));
        }
        insert(rows, &self.0.store).await?;
        for (owner, keys) in made {
            self.0.keep(owner, keys);
        }
        Ok(())
    }

    /// The blind index of an address: equal addresses are found, none can be read from it.
    pub fn email_index(&self, email: &str) -> Vec<u8> {
        self.code("email", email.trim().to_lowercase().as_bytes()).to_vec()
    }

    /// A code that only this installation can make, for a purpose and a value: what stands in links.
    pub fn code(&self, purpose: &str, value: &[u8]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(self.0.index.as_bytes()).expect("any length");
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(value);
        mac.finalize().into_bytes().into()
    }

    async fn of(&self, owner: Uuid, classes: &[Class]) -> Result<Arc<OwnerKeys>, Error> {
        if let Some(keys) = self.0.cached(owner) {
            return Ok(keys);
        }
        let keys = self.0.load_or_make(owner, classes).await?;
        Ok(self.0.keep(owner, keys.keys))
    }
}

impl Inner {
    fn cached(&self, owner: Uuid) -> Option<Arc<OwnerKeys>> {
        self.unwrapped.lock().unwrap_or_else(PoisonError::into_inner).get(&owner).cloned()
    }

    fn keep(&self, owner: Uuid, keys: Vec<DataKey>) -> Arc<OwnerKeys> {
        let keys = Arc::new(OwnerKeys { owner, keys });
        self.unwrapped.lock().unwrap_or_else(PoisonError::into_inner).put(owner, keys.clone());
        keys
    }

    async fn load_or_make(&self, owner: Uuid, classes: &[Class]) -> Result<OwnerKeys, Error> {
        let mut keys = self.load(owner).await?;
        if keys.is_empty() {
            // Of two at once one key stays, and both read it back: nothing is sealed under a key that was lost.
            let (rows, _) = self.make(owner, classes)?;
            insert(rows, &self.store).await?;
            keys = self.load(owner).await?;
        }
        Ok(OwnerKeys { owner, keys })
    }

    async fn load(&self, owner: Uuid) -> Result<Vec<DataKey>, Error> {
        use entities::wrapped_key::{Column, Entity};
        let newest_first = Entity::find().filter(Column::OwnerId.eq(owner)).order_by_desc(Column::Generation);
        let rows = newest_first.all(&self.store).await?;
        self.unwrap_all(&rows)
    }

    fn make(
        &self,
        owner: Uuid,
        classes: &[Class],
    ) -> Result<(Vec<entities::wrapped_key::ActiveModel>, Vec<DataKey>), Error> {
        let (mut rows, mut keys) = (Vec::new(), Vec::new());
        for class in classes {
            let mut id = [0; 16];
            rand::fill(&mut id);
            let key = DataKey {
                class: *class,
                id: uuid::Builder::from_random_bytes(id).into_uuid(),
                secret: Secret::random(),
            };
            rows.push(entities::wrapped_key::ActiveModel {
                owner_id: Set(owner),
                class: Set(*class as i16),
                generation: Set(0),
                id: Set(key.id),
                wrapped: Set(self.wrap(owner, &key)?),
            });
            keys.push(key);
        }
        Ok((rows, keys))
    }

    fn wrap(&self, owner: Uuid, key: &DataKey) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        rand::fill(&mut nonce);
        let payload = Payload { msg: key.secret.as_bytes(), aad: &self.bound(owner, key.class as i16, key.id) };
        let master = Aes256Gcm::new_from_slice(self.master.as_bytes()).map_err(Error::internal)?;
        let wrapped = master.encrypt(&Nonce::from(nonce), payload).map_err(Error::internal)?;
        Ok([&[VERSION, AES_256_GCM], &self.master_id[..], &nonce, &wrapped].concat())
    }

    fn unwrap_all(&self, rows: &[entities::wrapped_key::Model]) -> Result<Vec<DataKey>, Error> {
        rows.iter().map(|row| self.unwrap(row)).collect()
    }

    fn unwrap(&self, row: &entities::wrapped_key::Model) -> Result<DataKey, Error> {
        let wrong = || Error::Settings("the master key is not the one that the stored keys were wrapped with".into());
        let class = [Class::Shared, Class::Private, Class::Profile, Class::Clinic, Class::Index];
        let class = class.into_iter().find(|class| *class as i16 == row.class).ok_or_else(wrong)?;
        let (head, sealed) = row.wrapped.split_at_checked(10 + NONCE).ok_or_else(wrong)?;
        let nonce: [u8; NONCE] = head[10..].try_into().map_err(|_| wrong())?;
        let payload = Payload { msg: sealed, aad: &self.bound(row.owner_id, row.class, row.id) };
        let master = Aes256Gcm::new_from_slice(self.master.as_bytes()).map_err(Error::internal)?;
        let secret = Zeroizing::new(master.decrypt(&Nonce::from(nonce), payload).map_err(|_| wrong())?);
        Ok(DataKey { class, id: row.id, secret: Secret::from_bytes(&secret).ok_or_else(wrong)? })
    }

    fn bound(&self, owner: Uuid, class: i16, id: Uuid) -> Vec<u8> {
        [b"ag1-key", &self.master_id[..], owner.as_bytes(), &class.to_be_bytes(), id.as_bytes()].concat()
    }
}

async fn insert(rows: Vec<entities::wrapped_key::ActiveModel>, store: &Link) -> Result<(), Error> {
    use entities::wrapped_key::{Column, Entity};
    let conflict = OnConflict::columns([Column::OwnerId, Column::Class, Column::Generation]).do_nothing().to_owned();
    Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(store).await?;
    Ok(())
}

/// Tells master keys apart without telling anything of them.
fn master_id(master: &Secret) -> [u8; 8] {
    let digest = Sha256::new().chain_update(b"afterglow/master/v1").chain_update(master.as_bytes()).finalize();
    let mut id = [0; 8];
    id.copy_from_slice(&digest[..8]);
    id
}
