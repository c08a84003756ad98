//! How many tokens a text is, roughly and at once: for context checks, strategies and limits before a vendor has
//! counted, and for what a vendor never counts because the stream was broken off. The vendor's own count corrects it.
//!
//! By characters, for every model alike. A vocabulary's own encoder is exact for one family of models, and takes
//! longer for a prompt of a few kilobytes than everything else that the gateway does with the request.
//!
//! Four ASCII characters are a token (OpenAI's rule of thumb, help centre, "What are tokens and how to count them"). What
//! needs more bytes in UTF-8 is rarer in vocabularies: a letter of two bytes (Cyrillic, accents) counts as half a
//! token, one of three (Chinese, Japanese, Thai) as one, one of four (emoji) as two.

use std::ops::AddAssign;

/// What a message costs beyond its text, in tokens (OpenAI cookbook, "How to count tokens with tiktoken").
pub(super) const MESSAGE: u64 = 3;
/// An image, in tokens: one of 1024 by 1024 pixels in high detail (OpenAI, "Images and vision", calculating costs).
pub(super) const IMAGE: u64 = 765;

/// Text that has been weighed, piece by piece.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    quarters: u64,
}

// === impl Weight ===

impl Weight {
    pub const ZERO: Self = Self { quarters: 0 };

    pub fn of(text: &str) -> Self {
        let quarters = text.bytes().map(quarters).sum();
        Self { quarters }
    }

    /// Rounded up.
    pub fn tokens(self) -> u64 {
        self.quarters.div_ceil(4)
    }
}

/// The quarters of a token that a character costs, counted at its first byte.
fn quarters(byte: u8) -> u64 {
    match byte {
        0x00..0x80 => 1,
        0x80..0xc0 => 0,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 4,
        0xf0.. => 8,
    }
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        self.quarters = self.quarters.saturating_add(other.quarters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_weigh_what_vocabularies_make_of_them() {
        for (text, tokens) in [
            ("", 0),
            ("a", 1),
            ("four", 1),
            ("Hello there, how are you", 6),
            ("привет", 3),
            ("你好世界", 4),
            ("🦀", 2),
        ] {
            assert_eq!(Weight::of(text).tokens(), tokens, "{text}");
        }
    }

    #[test]
    fn pieces_are_rounded_together() {
        let mut weight = Weight::default();
        for piece in ["a", "b", "c", "d"] {
            weight += Weight::of(piece);
        }
        assert_eq!(weight.tokens(), 1);
    }
}
