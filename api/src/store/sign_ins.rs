//! Who is behind a token.

use crate::{error::Error, security::access::Roles};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entities::{Micros, account, clinic, member, token};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

/// A valid sign-in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The account.
    pub account: Uuid,
    /// Its clinic.
    pub clinic: Uuid,
    /// The clinic's zone.
    pub clinic_zone: Tz,
    /// What the account is.
    pub roles: Roles,
}

/// Whose access token this is, if it is good now.
pub async fn by_access_token(
    db: &impl ConnectionTrait,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<SignIn>, Error> {
    let good = token::Entity::find_by_id(hash.to_vec())
        .filter(token::Column::Kind.eq(0))
        .filter(token::Column::SpentAt.is_null())
        .filter(token::Column::ExpiresAt.gt(Micros::from(now)));
    let Some(token) = good.one(db).await? else { return Ok(None) };
    let account = account::Entity::find_by_id(token.account_id).filter(account::Column::DisabledAt.is_null());
    let Some(account) = account.one(db).await? else { return Ok(None) };
    let clinic = clinic::Entity::find_by_id(account.clinic_id).one(db).await?;
    let clinic_zone = clinic.and_then(|clinic| clinic.time_zone.parse().ok());
    let roles = match account.kind {
        0 => Some(Roles::PATIENT),
        _ => member::Entity::find_by_id(account.id)
            .filter(member::Column::EndedAt.is_null())
            .one(db)
            .await?
            .map(|member| Roles::from_code(member.roles)),
    };
    Ok(clinic_zone.zip(roles).map(|(clinic_zone, roles)| SignIn {
        account: account.id,
        clinic: account.clinic_id,
        clinic_zone,
        roles,
    }))
}
