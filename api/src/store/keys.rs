//! The store of wrapped keys: a database of its own, which commits by itself, before the unit that first uses a key.
//! Destroying a patient's rows in it makes every copy of their words unreadable. What is unwrapped at the moment is kept
//! in memory, bounded.

use super::{
    Link,
    database::{self, Place},
};
use crate::{
    error::Error,
    security::{
        seal::{Class, DataKey, Master, OwnerKeys},
        secret::{Codes, Secret},
    },
};
use entities::{
    wrapped_key,
    wrapped_key::{Column, Entity, Model},
};
use lru::LruCache;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};
use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};
use uuid::Uuid;

/// Owners whose unwrapped keys stay in memory.
const CACHE: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
/// What a patient has keys for.
const OF_PATIENT: [Class; 3] = [Class::Shared, Class::Private, Class::Profile];

/// The store of wrapped keys, and those that are unwrapped at the moment. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    wrapped: Wrapped,
    codes: Codes,
    unwrapped: Mutex<LruCache<Uuid, Arc<OwnerKeys>>>,
}

impl Keys {
    /// Opens the key store with the master key, and proves that the key belongs to it.
    pub async fn open(place: &Place, master: Secret) -> Result<Self, Error> {
        let wrapped = Wrapped { store: database::open_keys(place).await?, master: Master::new(master) };
        let own = wrapped.load_or_make(Uuid::nil(), &[Class::Index]).await?;
        let index = own.into_iter().next().ok_or_else(|| Error::internal("no index key"))?;
        let (codes, unwrapped) = (Codes::new(index.secret), Mutex::new(LruCache::new(CACHE)));
        Ok(Self(Arc::new(Inner { wrapped, codes, unwrapped })))
    }

    /// Whether a store holds any key yet: only then may a new master key be made.
    pub async fn is_empty(place: &Place) -> Result<bool, Error> {
        Ok(Entity::find().one(&database::open_keys(place).await?).await?.is_none())
    }

    /// The codes that only this installation can make.
    pub fn codes(&self) -> &Codes {
        &self.0.codes
    }

    /// The keys of a patient, made and committed if there are none. Call it before the unit of work that uses them.
    pub async fn of_patient(&self, patient: Uuid) -> Result<Arc<OwnerKeys>, Error> {
        self.of(patient, &OF_PATIENT).await
    }

    /// The keys of a clinic.
    pub async fn of_clinic(&self, clinic: Uuid) -> Result<Arc<OwnerKeys>, Error> {
        self.of(clinic, &[Class::Clinic]).await
    }

    /// The keys of many patients, in one read for those that are not at hand.
    pub async fn of_patients(&self, patients: &[Uuid]) -> Result<HashMap<Uuid, Arc<OwnerKeys>>, Error> {
        let mut found: HashMap<_, _> = patients.iter().filter_map(|id| Some((*id, self.cached(*id)?))).collect();
        let missing: Vec<Uuid> = patients.iter().copied().filter(|id| !found.contains_key(id)).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        for (owner, keys) in self.0.wrapped.load(missing).await? {
            found.insert(owner, self.keep(owner, keys));
        }
        Ok(found)
    }

    /// Makes the keys of many new owners in one statement, for a whole demo clinic.
    pub async fn make_for_patients(&self, patients: &[Uuid]) -> Result<(), Error> {
        let made = patients.iter().map(|owner| (*owner, OF_PATIENT.map(DataKey::random).into())).collect::<Vec<_>>();
        self.0.wrapped.insert(&made).await?;
        for (owner, keys) in made {
            self.keep(owner, keys);
        }
        Ok(())
    }

    async fn of(&self, owner: Uuid, classes: &[Class]) -> Result<Arc<OwnerKeys>, Error> {
        match self.cached(owner) {
            Some(keys) => Ok(keys),
            None => Ok(self.keep(owner, self.0.wrapped.load_or_make(owner, classes).await?)),
        }
    }

    fn cached(&self, owner: Uuid) -> Option<Arc<OwnerKeys>> {
        self.0.unwrapped.lock().unwrap_or_else(PoisonError::into_inner).get(&owner).cloned()
    }

    fn keep(&self, owner: Uuid, keys: Vec<DataKey>) -> Arc<OwnerKeys> {
        let keys = Arc::new(OwnerKeys::new(owner, keys));
        self.0.unwrapped.lock().unwrap_or_else(PoisonError::into_inner).put(owner, keys.clone());
        keys
    }
}

/// The rows, and the key that opens them.
struct Wrapped {
    store: Link,
    master: Master,
}

impl Wrapped {
    async fn load_or_make(&self, owner: Uuid, classes: &[Class]) -> Result<Vec<DataKey>, Error> {
        let mut keys = self.load([owner]).await?;
        if !keys.contains_key(&owner) {
            // Of two at once one key stays, and both read it back: nothing is sealed under a key that was lost.
            let new = classes.iter().copied().map(DataKey::random).collect();
            self.insert(&[(owner, new)]).await?;
            keys = self.load([owner]).await?;
        }
        keys.remove(&owner).ok_or_else(|| Error::internal("keys that were just made"))
    }

    /// The keys of some owners, of each class the newest first.
    async fn load(&self, owners: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, Vec<DataKey>>, Error> {
        let newest_first = Entity::find().filter(Column::OwnerId.is_in(owners)).order_by_desc(Column::Generation);
        let mut keys: HashMap<_, Vec<_>> = HashMap::new();
        for Model { owner_id, class, id, wrapped, .. } in newest_first.all(&self.store).await? {
            keys.entry(owner_id).or_default().push(self.master.unwrap(owner_id, class, id, &wrapped)?);
        }
        Ok(keys)
    }

    async fn insert(&self, keys: &[(Uuid, Vec<DataKey>)]) -> Result<(), Error> {
        let each = keys.iter().flat_map(|(owner, keys)| keys.iter().map(|key| (*owner, key)));
        let rows = each.map(|(owner, key)| {
            Ok(wrapped_key::ActiveModel {
                owner_id: Set(owner),
                class: Set(key.class.code()),
                generation: Set(0),
                id: Set(key.id),
                wrapped: Set(self.master.wrap(owner, key)?),
            })
        });
        let rows = rows.collect::<Result<Vec<_>, Error>>()?;
        let there = OnConflict::columns([Column::OwnerId, Column::Class, Column::Generation]).do_nothing().to_owned();
        Entity::insert_many(rows).on_conflict(there).exec_without_returning(&self.store).await?;
        Ok(())
    }
}
