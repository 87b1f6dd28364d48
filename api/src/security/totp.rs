//! The second factor: time-based codes of RFC 6238 (SHA-1, six digits, thirty seconds: what every authenticator app
//! knows), one step of skew either way, each code good for one sign-in.

use chrono::{DateTime, Utc};
use totp_rs::{Algorithm, Builder, Secret, Totp, TotpError};

/// The secret of one account, shared with its authenticator app. Stored sealed.
pub struct Factor(Totp);

impl Factor {
    /// A new secret for an account; `name` is what the app shows.
    pub fn new(name: &str) -> Result<Self, TotpError> {
        Self::build(Secret::new_stack(rand::random()), name)
    }

    /// The factor of a stored secret.
    pub fn from_base32(secret: &str, name: &str) -> Result<Self, TotpError> {
        let secret = Secret::try_from_base32(secret).map_err(|_| TotpError::InvalidSecret)?;
        Self::build(secret, name)
    }

    /// The secret, for typing it in and for storing it.
    pub fn base32(&self) -> String {
        self.0.secret().to_base32()
    }

    /// The `otpauth://` address that a QR code carries.
    pub fn uri(&self) -> Result<String, TotpError> {
        self.0.to_url()
    }

    /// The time step of a right code, if it lies after the last one that was used: the caller stores it.
    pub fn step(&self, code: &str, now: DateTime<Utc>, last: i64) -> Option<i64> {
        let now = u64::try_from(now.timestamp()).ok()?;
        let step = i64::try_from(self.0.check(code, now)?).ok()?;
        (step > last).then_some(step)
    }

    fn build(secret: Secret, name: &str) -> Result<Self, TotpError> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(30)
            .with_secret(secret)
            .with_issuer(Some("Afterglow"))
            // A colon would end the name within the address.
            .with_account_name(name.replace(':', " "))
            .build()
            .map(Self)
    }
}

impl std::fmt::Debug for Factor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Factor(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B: "12345678901234567890".
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_codes_of_rfc_6238_are_right() {
        let factor = Factor::from_base32(RFC, "ana@clinic.example").unwrap();
        // The appendix prints eight digits; six are their end.
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert_eq!(factor.step(code, at(seconds), -1), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_counts_once_and_only_near_its_time() {
        let factor = Factor::from_base32(RFC, "ana@clinic.example").unwrap();
        let step = factor.step("081804", at(1_111_111_109), 0).unwrap();
        assert_eq!(factor.step("081804", at(1_111_111_110), step), None, "used");
        assert_eq!(factor.step("081804", at(1_111_111_109 + 30), 0), Some(step), "one step late");
        assert_eq!(factor.step("081804", at(1_111_111_109 + 61), 0), None, "two steps late");
        assert_eq!(factor.step("81804", at(1_111_111_109), 0), None);
        assert_eq!(factor.step("+81804", at(1_111_111_109), 0), None);
    }

    #[test]
    fn the_address_names_product_and_account() {
        let factor = Factor::new("ana:x@clinic.example").unwrap();
        let uri = factor.uri().unwrap();
        assert!(uri.starts_with("otpauth://totp/Afterglow:ana%20x%40clinic.example?secret="), "{uri}");
        assert!(uri.ends_with("&issuer=Afterglow"), "{uri}");
        let again = Factor::from_base32(&factor.base32(), "x").unwrap();
        assert_eq!(again.base32(), factor.base32());
        assert_eq!(factor.base32().len(), 32);
    }
}
