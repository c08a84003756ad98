//! Text as a sequence of tokens, already escaped for JSON, so that rendering a reply only copies bytes.
//! Must never be changed once made: rules share one text between all requests.

use serde_json::Value;

#[derive(Debug, Default)]
pub(crate) struct Text {
    escaped: String,
    /// Where each token ends in `escaped`.
    ends: Vec<usize>,
}

// === impl Text ===

impl Text {
    /// One token per word, the space before a word belonging to it.
    pub(crate) fn words(text: &str) -> Self {
        let mut words = Self::default();
        let mut start = 0;
        let mut after_word = false;
        for (at, character) in text.char_indices() {
            if character.is_whitespace() && after_word {
                words.push(&text[start..at]);
                start = at;
            }
            after_word = !character.is_whitespace();
        }
        if start < text.len() {
            words.push(&text[start..]);
        }
        words
    }

    /// `token-0 token-1 ...`, `count` tokens.
    pub(crate) fn numbered(count: usize) -> Self {
        let mut text = Self::default();
        for number in 0..count {
            let space = if number == 0 { "" } else { " " };
            text.push(&format!("{space}token-{number}"));
        }
        text
    }

    /// Pieces of `size` characters, the way vendors stream a tool's arguments.
    pub(crate) fn fragments(text: &str, size: usize) -> Self {
        let mut fragments = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.char_indices().nth(size).map_or(rest.len(), |(at, _)| at);
            fragments.push(&rest[..end]);
            rest = &rest[end..];
        }
        fragments
    }

    /// The same text with one token more behind the first `count`, or behind its last.
    pub(crate) fn with_token(&self, count: usize, token: &str) -> Self {
        let mut text = Self::default();
        let (before, after): (Vec<_>, Vec<_>) = self.tokens().enumerate().partition(|(at, _)| *at < count);
        before.iter().for_each(|(_, token)| text.push_escaped(token));
        text.push(token);
        after.iter().for_each(|(_, token)| text.push_escaped(token));
        text
    }

    /// The text up to the first of `stops` in it, and which one that is; nothing if it has none of them.
    pub(crate) fn before(&self, stops: &[String]) -> Option<(Self, String)> {
        if stops.is_empty() {
            return None;
        }
        let tokens: Vec<String> = self.tokens().map(unquote).collect();
        let text = tokens.concat();
        let found = stops.iter().filter(|stop| !stop.is_empty());
        let found = found.filter_map(|stop| Some((text.find(stop)?, stop)));
        let (mut left, stop) = found.min_by_key(|(at, _)| *at)?;
        let mut before = Self::default();
        for token in tokens {
            let end = left.min(token.len());
            if end > 0 {
                before.push(&token[..end]);
            }
            left -= end;
        }
        Some((before, stop.clone()))
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The first `count` tokens in one piece, escaped but without quotes.
    pub(crate) fn upto(&self, count: usize) -> &str {
        match self.ends[..count.min(self.ends.len())].last() {
            Some(&end) => &self.escaped[..end],
            None => "",
        }
    }

    /// The tokens one by one, escaped but without quotes.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let token = &self.escaped[start..end];
            start = end;
            token
        })
    }

    fn push(&mut self, token: &str) {
        let quoted = quote(token);
        self.push_escaped(&quoted[1..quoted.len() - 1]);
    }

    fn push_escaped(&mut self, token: &str) {
        self.escaped.push_str(token);
        self.ends.push(self.escaped.len());
    }
}

/// `text` as a JSON string, with quotes.
pub(crate) fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// What an escaped text says.
fn unquote(escaped: &str) -> String {
    serde_json::from_str(&format!("\"{escaped}\"")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &Text) -> Vec<&str> {
        text.tokens().collect()
    }

    #[test]
    fn words_keep_every_character() {
        assert_eq!(
            tokens(&Text::words("one  two\nthree ")),
            ["one", "  two", "\\nthree", " "]
        );
        assert_eq!(tokens(&Text::words("")), [""; 0]);
        assert_eq!(tokens(&Text::words("say \"hé\"")), ["say", " \\\"hé\\\""]);
    }

    #[test]
    fn fragments_split_between_characters() {
        assert_eq!(tokens(&Text::fragments("äbcdé", 2)), ["äb", "cd", "é"]);
    }

    #[test]
    fn one_more_token_takes_its_place_or_comes_last() {
        let text = Text::words("say \"hé\" now");
        assert_eq!(
            tokens(&text.with_token(2, "x")),
            ["say", " \\\"hé\\\"", "x", " now"]
        );
        assert_eq!(tokens(&text.with_token(9, "x")).last(), Some(&"x"));
    }

    #[test]
    fn the_first_of_several_stops_ends_the_text() {
        let text = Text::words("one two\nthree");
        let stops = |stops: &[&str]| {
            let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
            let (text, stop) = text.before(&stops)?;
            Some((tokens(&text).join("|"), stop))
        };
        assert_eq!(
            stops(&["three", "\n"]),
            Some(("one| two".to_owned(), "\n".to_owned()))
        );
        assert_eq!(stops(&["e t"]), Some(("on".to_owned(), "e t".to_owned())));
        assert_eq!(stops(&["one"]), Some((String::new(), "one".to_owned())));
        // Not the letter by which a line break is escaped.
        assert_eq!(stops(&["nt"]), None);
        assert_eq!(stops(&["", "four"]), None);
    }

    #[test]
    fn upto_stops_at_a_token_and_never_past_the_end() {
        let text = Text::numbered(3);
        assert_eq!(text.upto(0), "");
        assert_eq!(text.upto(2), "token-0 token-1");
        assert_eq!(text.upto(9), "token-0 token-1 token-2");
    }
}
