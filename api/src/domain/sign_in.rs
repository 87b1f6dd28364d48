//! How long a sign-in lasts, and what a presented refresh token means.
//!
//! A refresh token is spent by its first use and succeeded by another. A phone that never received the answer presents
//! the spent one again: that must not log it out. Somebody who stole a token presents a spent one too: that must end the
//! sign-in. What tells them apart is whether the successor was ever used (RFC 9700 4.14.2, with one retry allowed).

use chrono::{DateTime, TimeDelta, Utc};
use poem_openapi::Enum;

/// How long an access token opens the API.
pub const ACCESS: TimeDelta = TimeDelta::minutes(10);
/// How long a refresh token waits to be used.
pub const REFRESH: TimeDelta = TimeDelta::days(30);
/// How long a patient stays signed in, whatever happens.
pub const PATIENT: TimeDelta = TimeDelta::days(180);
/// How long a member stays signed in, whatever happens.
pub const MEMBER: TimeDelta = TimeDelta::hours(12);
/// How long the pages stay open without a request.
pub const COOKIE_IDLE: TimeDelta = TimeDelta::minutes(15);
/// How long the pages stay open, whatever happens.
pub const COOKIE: TimeDelta = TimeDelta::hours(12);
/// How long a spent refresh token may be presented again by somebody who never received the answer.
pub const RETRY: TimeDelta = TimeDelta::hours(24);

/// How somebody stays signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "kebab-case")]
pub enum SignInKind {
    /// Two tokens, for apps.
    Token,
    /// One cookie, for the pages.
    Cookie,
}

/// When a sign-in that begins now ends, whatever happens.
pub fn ends_at(member: bool, now: DateTime<Utc>) -> DateTime<Utc> {
    now + if member { MEMBER } else { PATIENT }
}

/// When a token made now ends: after its own life, and never after the sign-in.
pub fn expires_at(life: TimeDelta, ends_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    (now + life).min(ends_at)
}

/// Whether a cookie still opens the pages.
pub fn cookie_is_alive(seen_at: DateTime<Utc>, ends_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now < seen_at + COOKIE_IDLE && now < ends_at
}

/// A refresh token as it is found when somebody presents it.
#[derive(Debug, Clone, Copy)]
pub struct Presented {
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When it was exchanged or replaced.
    pub spent_at: Option<DateTime<Utc>>,
    /// What succeeded it, if it was exchanged.
    pub successor: Option<Successor>,
}

/// What a spent refresh token was exchanged for.
#[derive(Debug, Clone, Copy)]
pub struct Successor {
    /// Whether its access token or its refresh token was ever presented.
    pub used: bool,
    /// Whether it was spent or revoked itself: then the presented token is not the newest spent one.
    pub spent: bool,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Exchange it.
    Rotate,
    /// The answer was lost: revoke the successor that nobody used and exchange it again.
    ReplaceSuccessor,
    /// Two hold the same token, and one of them stole it: end the whole sign-in.
    RevokeFamily,
    /// It ended by itself; nobody is suspected.
    Refuse,
}

/// Decides on a presented refresh token.
///
/// ```
/// use afterglow::domain::sign_in::{Decision, Presented, Successor, refresh};
/// # let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
/// let fresh = Presented { expires_at: now + chrono::TimeDelta::days(3), spent_at: None, successor: None };
/// assert_eq!(refresh(&fresh, now), Decision::Rotate);
///
/// let unused = Some(Successor { used: false, spent: false });
/// let lost_answer = Presented { spent_at: Some(now - chrono::TimeDelta::minutes(1)), successor: unused, ..fresh };
/// assert_eq!(refresh(&lost_answer, now), Decision::ReplaceSuccessor);
/// ```
pub fn refresh(token: &Presented, now: DateTime<Utc>) -> Decision {
    let Some(spent_at) = token.spent_at else {
        return if now < token.expires_at { Decision::Rotate } else { Decision::Refuse };
    };
    match token.successor {
        Some(Successor { used: false, spent: false }) if now <= spent_at + RETRY => Decision::ReplaceSuccessor,
        _ => Decision::RevokeFamily,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNUSED: Option<Successor> = Some(Successor { used: false, spent: false });

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn spent(ago: TimeDelta, successor: Option<Successor>) -> Presented {
        Presented { expires_at: now() + TimeDelta::days(20), spent_at: Some(now() - ago), successor }
    }

    #[test]
    fn a_lost_answer_may_be_asked_for_again_for_a_day() {
        assert_eq!(refresh(&spent(TimeDelta::zero(), UNUSED), now()), Decision::ReplaceSuccessor);
        assert_eq!(refresh(&spent(RETRY, UNUSED), now()), Decision::ReplaceSuccessor);
        let late = RETRY + TimeDelta::microseconds(1);
        assert_eq!(refresh(&spent(late, UNUSED), now()), Decision::RevokeFamily);
    }

    #[test]
    fn a_spent_token_whose_successor_was_used_ends_the_sign_in() {
        for successor in [(true, false), (false, true), (true, true)] {
            let successor = Some(Successor { used: successor.0, spent: successor.1 });
            assert_eq!(refresh(&spent(TimeDelta::seconds(1), successor), now()), Decision::RevokeFamily);
        }
    }

    #[test]
    fn a_successor_that_was_replaced_ends_the_sign_in() {
        assert_eq!(refresh(&spent(TimeDelta::seconds(1), None), now()), Decision::RevokeFamily);
    }

    #[test]
    fn a_token_that_ended_by_itself_is_only_refused() {
        let mut token = Presented { expires_at: now(), spent_at: None, successor: None };
        assert_eq!(refresh(&token, now()), Decision::Refuse);
        token.expires_at += TimeDelta::microseconds(1);
        assert_eq!(refresh(&token, now()), Decision::Rotate);
    }

    #[test]
    fn no_token_outlives_its_sign_in() {
        let ends = ends_at(true, now());
        assert_eq!(expires_at(REFRESH, ends, now()), now() + MEMBER);
        assert_eq!(expires_at(ACCESS, ends, now()), now() + ACCESS);
        assert_eq!(expires_at(REFRESH, ends_at(false, now()), now()), now() + REFRESH);
    }

    #[test]
    fn a_cookie_ends_after_a_quarter_of_an_hour_of_silence_and_after_twelve_hours() {
        let ends = now() + COOKIE;
        assert!(cookie_is_alive(now(), ends, now() + COOKIE_IDLE - TimeDelta::microseconds(1)));
        assert!(!cookie_is_alive(now(), ends, now() + COOKIE_IDLE));
        assert!(!cookie_is_alive(ends - TimeDelta::minutes(1), ends, ends));
    }
}
