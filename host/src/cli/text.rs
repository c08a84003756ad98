//! Texts for a terminal: made harmless, cut to a width, and times as people say them.
//!
//! Width is what a terminal needs: two columns for many letters of East Asia, none for accents.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a terminal that everybody has.
pub(super) const WIDTH: usize = 80;

/// What somebody else wrote, for one line: without control characters (a terminal would obey them) and those that turn
/// the direction of writing, and at most so many columns wide.
pub(super) fn clean(text: &str, most: usize) -> String {
    // What colours are made of goes as a whole, where it is well-formed.
    let harmless: String = anstream::adapter::strip_str(&text.replace(['\r', '\n'], " "))
        .to_string()
        .chars()
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|letter| !letter.is_control() && !is_invisible(*letter))
        .collect();
    let words: Vec<&str> = harmless.split(' ').filter(|word| !word.is_empty()).collect();
    cut(&words.join(" "), most)
}

/// Marks of direction, and what has no width and no purpose here.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The beginning that fits, with "…" if that is not all.
pub(super) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(1);
    let fits = |letter: &char| {
        let wide = letter.width().unwrap_or(0);
        let fits = wide <= room;
        room = room.saturating_sub(wide);
        fits
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

/// Broken between words into lines of at most this width; a longer word has a line of its own. What stands between
/// backticks is one word, so that it can be copied.
pub(super) fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut inside = false;
    let words = text.split(|letter: char| {
        inside ^= letter == '`';
        letter.is_whitespace() && !inside
    });
    for word in words.filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// "4m 12s": the two largest units; less than a second is "0s".
pub(super) fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes:02}m"),
        _ => format!("{days}d {hours:02}h"),
    }
}

/// "3h 02m ago"
pub(super) fn ago(now: u64, at: u64) -> String {
    match now.saturating_sub(at) {
        0..1000 => "just now".to_owned(),
        since => format!("{} ago", span(since)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_harmless_and_bounded() {
        let cases = [
            ("\u{1b}[31mred\u{1b}[0m\u{7}", "red"),
            ("\u{9b}31mred", "31mred"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("  a\r\nb\t and \u{2028} c ", "a b and c"),
            ("abc\u{202e}fed\u{200b}", "abcfed"),
            ("", ""),
            ("0123456789", "0123456789"),
            ("01234567890", "012345678…"),
            ("密钥无效请检查", "密钥无效…"),
            ("ab 345678 more", "ab 345678…"),
        ];
        for (text, expected) in cases {
            assert_eq!(clean(text, 10), expected, "{text:?}");
            assert!(width(&clean(text, 10)) <= 10, "{text:?}");
        }
        assert_eq!(cut("abc", 0), "…");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("a muchtoolongword b", 5), ["a", "muchtoolongword", "b"]);
        assert_eq!(wrap("see `a b c`. End", 8), ["see", "`a b c`.", "End"]);
        assert!(wrap(" ", 5).is_empty());
    }

    #[test]
    fn times_as_people_say_them() {
        let cases = [
            (999, "0s"),
            (59_999, "59s"),
            (60_000, "1m 00s"),
            (252_000, "4m 12s"),
            (3_600_000, "1h 00m"),
            (86_399_999, "23h 59m"),
            (90_000_000, "1d 01h"),
            (864_000_000_000, "10000d 00h"),
        ];
        for (millis, expected) in cases {
            assert_eq!(span(millis), expected);
        }
        assert_eq!(ago(5_000, 3_000), "2s ago");
        assert_eq!(
            (ago(5_000, 4_500), ago(5_000, 9_000)),
            ("just now".into(), "just now".into())
        );
    }
}
