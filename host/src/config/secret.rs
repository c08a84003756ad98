//! A value that must not be seen: keys of callers and credentials of vendors. Nothing here may print it, and
//! it is compared in constant time only.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Shortest secret of which [`Secret::masked`] shows the end.
const MASKED_FROM: usize = 12;
/// Shortest secret that [`Secret::strike_out`] looks for, in bytes.
const STRUCK_OUT_FROM: usize = 8;
/// Characters at the end that [`Secret::masked`] shows.
const SHOWN: usize = 4;

/// A secret text, wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret {
    text: SecretString,
    digest: [u8; 32],
}

impl Secret {
    pub fn new(text: String) -> Self {
        let digest = Sha256::digest(text.as_bytes()).into();
        Self {
            text: SecretString::from(text),
            digest,
        }
    }

    /// The text itself, only for writing it onto the wire.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Whether `presented` is this secret. Compares SHA-256 digests, so the time taken tells neither how much
    /// of it is right nor how long the secret is.
    pub fn matches(&self, presented: &[u8]) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        presented.ct_eq(&self.digest).into()
    }

    /// Puts [`Self::masked`] wherever the secret stands in a text of somebody else's. Short ones are no secrets and may
    /// stand there by chance.
    pub fn strike_out(&self, text: &mut String) {
        let secret = self.expose();
        if secret.len() >= STRUCK_OUT_FROM && text.contains(secret) {
            *text = text.replace(secret, &self.masked());
        }
    }

    /// For telling secrets apart on a screen: `***` and the last four characters, or `***` alone when there
    /// are fewer than twelve.
    pub fn masked(&self) -> String {
        let text = self.expose();
        let count = text.chars().count();
        if count < MASKED_FROM {
            return "***".to_owned();
        }
        let end: String = text.chars().skip(count - SHOWN).collect();
        format!("***{end}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        let secret = Secret::new("sk-very-secret-1234".to_owned());
        assert_eq!(format!("{secret:?} {secret:#?}"), "*** ***");
    }

    #[test]
    fn matches_only_the_very_same_bytes() {
        let secret = Secret::new("demo".to_owned());
        assert!(secret.matches(b"demo"));
        for other in [&b"Demo"[..], b"demo ", b"dem", b"", b"demodemo", b"\xff"] {
            assert!(!secret.matches(other), "{other:?}");
        }
    }

    #[test]
    fn masked_shows_the_end_of_long_ones_only() {
        let cases = [
            ("", "***"),
            ("demo", "***"),
            ("12345678901", "***"),
            ("123456789012", "***9012"),
            ("ääääääääääüüüü", "***üüüü"),
        ];
        for (text, masked) in cases {
            assert_eq!(Secret::new(text.to_owned()).masked(), masked);
        }
    }

    #[test]
    fn is_struck_out_of_other_peoples_texts() {
        let secret = Secret::new("sk-very-secret-1234".to_owned());
        let mut text = "Incorrect API key provided: sk-very-secret-1234 (sk-very-secret-1234).".to_owned();
        secret.strike_out(&mut text);
        assert_eq!(text, "Incorrect API key provided: ***1234 (***1234).");
        let mut text = "a demo".to_owned();
        Secret::new("demo".to_owned()).strike_out(&mut text);
        assert_eq!(text, "a demo");
    }

    #[test]
    fn exposes_what_it_was_made_of() {
        assert_eq!(Secret::new("demo".to_owned()).expose(), "demo");
    }
}
