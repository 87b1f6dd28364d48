//! Sign-ins: bearer tokens, refresh tokens and the pages' cookies, by their hashes. A row is kept until it ends by
//! itself or is revoked; a spent refresh token is kept as long, so that its second use is noticed.

mod grants;
mod known;

pub use grants::{Grant, Opening, begin, renew, sign_in, sign_out};
pub use known::SignIns;

use super::{Tx, bulk, zones::zone_of};
use crate::{
    domain::{
        accounts::AccountKind,
        sign_in::{self as rules, Presented, Successor},
    },
    error::Error,
    security::{access::Roles, tokens::Hash},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entities::{Micros, account, clinic, cookie, member, token};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement},
};
use uuid::Uuid;

/// The kinds of `token`.
const ACCESS: i16 = 0;
const REFRESH: i16 = 1;

/// Whose sign-in it is, as the account's row and the member's row tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The account: the member's or the patient's own id.
    pub account: Uuid,
    /// The clinic.
    pub clinic: Uuid,
    /// The clinic's zone.
    pub clinic_zone: Tz,
    /// What kind of account.
    pub kind: AccountKind,
    /// What it is in the clinic.
    pub roles: Roles,
    /// Whether the second factor is on.
    pub second_factor: bool,
    /// Whether the demo seeder made it.
    pub demo: bool,
}

/// A sign-in as it is found by what was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Whose.
    pub owner: Owner,
    /// All tokens of one sign-in; none for a cookie.
    pub family: Option<Uuid>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// A cookie's last request; for a token when it was made.
    pub seen_at: DateTime<Utc>,
    /// Whether its first use is still to be noted: it proves that the answer which carried it arrived.
    pub unused: bool,
}

/// What every token of a sign-in carries along.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// All tokens of one sign-in.
    pub id: Uuid,
    /// The account.
    pub account: Uuid,
    /// When the sign-in ends, whatever happens.
    pub ends_at: DateTime<Utc>,
    /// When the password was given.
    pub signed_in_at: DateTime<Utc>,
}

/// The two tokens of one answer.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The access token.
    pub access: Hash,
    /// The refresh token.
    pub refresh: Hash,
}

#[derive(FromQueryResult)]
struct Row {
    account_id: Uuid,
    family_id: Option<Uuid>,
    clinic_id: Uuid,
    time_zone: String,
    kind: i16,
    demo: bool,
    totp_confirmed_at: Option<i64>,
    roles: Option<i16>,
    expires_at: i64,
    seen_at: i64,
    parent: Option<Vec<u8>>,
    first_used_at: Option<i64>,
}

impl Row {
    fn held(self) -> Result<Held, Error> {
        let kind = AccountKind::from_code(self.kind);
        let owner = Owner {
            account: self.account_id,
            clinic: self.clinic_id,
            clinic_zone: zone_of(&self.time_zone)?,
            kind,
            roles: match kind {
                AccountKind::Patient => Roles::PATIENT,
                AccountKind::Member => Roles::from_code(self.roles.unwrap_or_default()),
            },
            second_factor: self.totp_confirmed_at.is_some(),
            demo: self.demo,
        };
        Ok(Held {
            owner,
            family: self.family_id,
            expires_at: Micros(self.expires_at).into(),
            seen_at: Micros(self.seen_at).into(),
            // Only what succeeded a refresh token can be asked for twice.
            unused: self.parent.is_some() && self.first_used_at.is_none(),
        })
    }
}

/// The sign-in of an access token; none if it was revoked, or its account may no longer sign in.
pub async fn find_access(db: &impl ConnectionTrait, hash: Hash) -> Result<Option<Held>, Error> {
    use token::Column::{AccountId, CreatedAt, ExpiresAt, FamilyId, FirstUsedAt, Hash, Kind, Parent};
    let token = |column| Expr::col((token::Entity, column));
    let mut query = owners(token(AccountId));
    query
        .from(token::Entity)
        .expr_as(token(FamilyId), "family_id")
        .expr_as(token(ExpiresAt), "expires_at")
        .expr_as(token(CreatedAt), "seen_at")
        .expr_as(token(Parent), "parent")
        .expr_as(token(FirstUsedAt), "first_used_at")
        .and_where(token(Hash).eq(hash.to_vec()))
        .and_where(token(Kind).eq(ACCESS));
    held(db, &query).await
}

/// The sign-in of a cookie; none if it was revoked, or its account may no longer sign in.
pub async fn find_cookie(db: &impl ConnectionTrait, hash: Hash) -> Result<Option<Held>, Error> {
    use cookie::Column::{AccountId, EndsAt, Hash, SeenAt};
    let cookie = |column| Expr::col((cookie::Entity, column));
    let mut query = owners(cookie(AccountId));
    query
        .from(cookie::Entity)
        .expr_as(Expr::null(), "family_id")
        .expr_as(cookie(EndsAt), "expires_at")
        .expr_as(cookie(SeenAt), "seen_at")
        .expr_as(Expr::null(), "parent")
        .expr_as(Expr::null(), "first_used_at")
        .and_where(cookie(Hash).eq(hash.to_vec()));
    held(db, &query).await
}

/// Stores the tokens of a sign-in, or of a refresh; `parent` is the refresh token that was exchanged for them.
async fn insert(tx: &Tx, family: &Family, pair: Pair, parent: Option<Hash>) -> Result<(), Error> {
    let row = |hash: Hash, kind: i16, life| token::ActiveModel {
        hash: Set(hash.to_vec()),
        family_id: Set(family.id),
        account_id: Set(family.account),
        kind: Set(kind),
        parent: Set(parent.map(Hash::to_vec)),
        created_at: Set(tx.now().into()),
        expires_at: Set(rules::expires_at(life, family.ends_at, tx.now()).into()),
        ends_at: Set(family.ends_at.into()),
        signed_in_at: Set(family.signed_in_at.into()),
        first_used_at: Set(None),
        spent_at: Set(None),
    };
    let rows = [row(pair.access, ACCESS, rules::ACCESS), row(pair.refresh, REFRESH, rules::REFRESH)];
    token::Entity::insert_many(rows).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// Whose a refresh token is, spent or not; a first look, before the unit that decides.
pub async fn refresh_account(db: &impl ConnectionTrait, hash: Hash) -> Result<Option<Uuid>, Error> {
    let row = token::Entity::find_by_id(hash.to_vec()).filter(token::Column::Kind.eq(REFRESH)).one(db).await?;
    Ok(row.map(|row| row.account_id))
}

/// A refresh token and what became of it. The account's row must be held, so that two presentations come one by one.
async fn find_refresh(tx: &Tx, hash: Hash) -> Result<Option<(Family, Presented)>, Error> {
    let Some(row) =
        token::Entity::find_by_id(hash.to_vec()).filter(token::Column::Kind.eq(REFRESH)).one(tx.db()).await?
    else {
        return Ok(None);
    };
    let children = token::Entity::find()
        .filter(token::Column::FamilyId.eq(row.family_id))
        .filter(token::Column::Parent.eq(hash.to_vec()))
        .all(tx.db())
        .await?;
    let successor = children.iter().any(|child| child.kind == REFRESH).then(|| Successor {
        used: children.iter().any(|child| child.first_used_at.is_some()),
        spent: !children.iter().any(|child| child.kind == REFRESH && child.spent_at.is_none()),
    });
    let family = Family {
        id: row.family_id,
        account: row.account_id,
        ends_at: row.ends_at.into(),
        signed_in_at: row.signed_in_at.into(),
    };
    let presented = Presented { expires_at: row.expires_at.into(), spent_at: row.spent_at.map(Into::into), successor };
    Ok(Some((family, presented)))
}

/// Notes that a refresh token was exchanged.
async fn spend(tx: &Tx, hash: Hash) -> Result<(), Error> {
    let of = Condition::all().add(token::Column::Hash.eq(hash.to_vec()));
    stamp(tx, token::Column::SpentAt, of).await
}

/// Notes that an access token arrived at its owner, and with it the refresh token beside it, which is kept for longer.
pub async fn use_first(tx: &Tx, hash: Hash) -> Result<(), Error> {
    let own = token::Column::Hash.eq(hash.to_vec());
    let parent = Query::select().column(token::Column::Parent).from(token::Entity).and_where(own.clone()).to_owned();
    let of = Condition::any().add(own).add(token::Column::Parent.in_subquery(parent));
    stamp(tx, token::Column::FirstUsedAt, of).await
}

/// Revokes what a refresh token was exchanged for: it never arrived. The refresh token among it stays known as spent,
/// so that whoever presents it after all is noticed.
async fn replace_successor(tx: &Tx, family: Uuid, parent: Hash) -> Result<(), Error> {
    let children = || {
        let of = Condition::all().add(token::Column::FamilyId.eq(family));
        of.add(token::Column::Parent.eq(parent.to_vec()))
    };
    let access = children().add(token::Column::Kind.eq(ACCESS));
    token::Entity::delete_many().filter(access).exec(tx.db()).await?;
    stamp(tx, token::Column::SpentAt, children()).await
}

/// Ends a sign-in.
async fn remove_family(tx: &Tx, family: Uuid) -> Result<(), Error> {
    token::Entity::delete_many().filter(token::Column::FamilyId.eq(family)).exec(tx.db()).await?;
    Ok(())
}

/// Ends every sign-in of an account.
pub async fn remove_all(tx: &Tx, account: Uuid) -> Result<(), Error> {
    token::Entity::delete_many().filter(token::Column::AccountId.eq(account)).exec(tx.db()).await?;
    cookie::Entity::delete_many().filter(cookie::Column::AccountId.eq(account)).exec(tx.db()).await?;
    Ok(())
}

/// Ends every sign-in of an account but one: a family of tokens, or a cookie.
pub async fn remove_others(tx: &Tx, account: Uuid, family: Option<Uuid>, cookie: Option<Hash>) -> Result<(), Error> {
    let tokens = Condition::all().add(token::Column::AccountId.eq(account));
    let tokens = tokens.add_option(family.map(|family| token::Column::FamilyId.ne(family)));
    token::Entity::delete_many().filter(tokens).exec(tx.db()).await?;
    let cookies = Condition::all().add(cookie::Column::AccountId.eq(account));
    let cookies = cookies.add_option(cookie.map(|cookie| cookie::Column::Hash.ne(cookie.to_vec())));
    cookie::Entity::delete_many().filter(cookies).exec(tx.db()).await?;
    Ok(())
}

/// Stores a sign-in of the pages.
async fn insert_cookie(tx: &Tx, hash: Hash, account: Uuid) -> Result<(), Error> {
    let row = cookie::ActiveModel {
        hash: Set(hash.to_vec()),
        account_id: Set(account),
        created_at: Set(tx.now().into()),
        seen_at: Set(tx.now().into()),
        ends_at: Set((tx.now() + rules::COOKIE).into()),
    };
    cookie::Entity::insert(row).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// Notes that the pages are still in use.
pub async fn touch_cookie(tx: &Tx, hash: Hash) -> Result<(), Error> {
    cookie::Entity::update_many()
        .col_expr(cookie::Column::SeenAt, Expr::value(tx.now().timestamp_micros()))
        .filter(cookie::Column::Hash.eq(hash.to_vec()))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Ends a sign-in of the pages.
async fn remove_cookie(tx: &Tx, hash: Hash) -> Result<(), Error> {
    cookie::Entity::delete_by_id(hash.to_vec()).exec(tx.db()).await?;
    Ok(())
}

/// Forgets some of the tokens that ended by themselves; whether there may be more.
pub async fn sweep_tokens(tx: &Tx) -> Result<bool, Error> {
    let over = token::Column::ExpiresAt.lte(tx.now().timestamp_micros());
    Ok(bulk::forget::<token::Entity>(tx.db(), token::Column::ExpiresAt, over).await?)
}

/// The same for cookies. One that has ended is not used any more either: it goes when it has been idle for long enough.
/// When one was last used may be known better in memory than here.
pub async fn sweep_cookies(tx: &Tx) -> Result<bool, Error> {
    let idle = tx.now() - rules::COOKIE_IDLE - known::STALE_IN_MEMORY;
    let over = cookie::Column::SeenAt.lte(idle.timestamp_micros());
    Ok(bulk::forget::<cookie::Entity>(tx.db(), cookie::Column::SeenAt, over).await?)
}

/// Sets an instant that is not set yet.
async fn stamp(tx: &Tx, column: token::Column, of: Condition) -> Result<(), Error> {
    token::Entity::update_many()
        .col_expr(column, Expr::value(tx.now().timestamp_micros()))
        .filter(of)
        .filter(column.is_null())
        .exec(tx.db())
        .await?;
    Ok(())
}

/// What is read of whoever holds a sign-in; nobody, once they may no longer sign in.
fn owners(id: Expr) -> SelectStatement {
    use account::Column::{ClinicId, Demo, DisabledAt, Kind, TotpConfirmedAt};
    let account = |column| Expr::col((account::Entity, column));
    let (member, clinic) = (|column| Expr::col((member::Entity, column)), clinic::Column::Id);
    Query::select()
        .expr_as(id.clone(), "account_id")
        .expr_as(account(ClinicId), "clinic_id")
        .expr_as(account(Kind), "kind")
        .expr_as(account(Demo), "demo")
        .expr_as(account(TotpConfirmedAt), "totp_confirmed_at")
        .expr_as(member(member::Column::Roles), "roles")
        .expr_as(Expr::col((clinic::Entity, clinic::Column::TimeZone)), "time_zone")
        .inner_join(account::Entity, account(account::Column::Id).eq(id.clone()))
        .inner_join(clinic::Entity, Expr::col((clinic::Entity, clinic)).eq(account(ClinicId)))
        .left_join(member::Entity, member(member::Column::Id).eq(id))
        .and_where(account(DisabledAt).is_null())
        .and_where(member(member::Column::EndedAt).is_null())
        .to_owned()
}

async fn held(db: &impl ConnectionTrait, query: &SelectStatement) -> Result<Option<Held>, Error> {
    let row = db.query_one(query).await?;
    row.map(|row| Row::from_query_result(&row, "")).transpose()?.map(Row::held).transpose()
}
