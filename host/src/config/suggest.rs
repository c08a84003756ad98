//! Finding the name that was meant. Works on names as they stand in the file, never on values of variables.

/// More names than this are not worth listing in a line.
const LISTED: usize = 8;

/// The advice for an unknown `word`: the nearest of `known`, or all of them, or nothing when there is none.
/// `plural` says what they are, such as `vendors`.
pub(crate) fn among(word: &str, plural: &str, known: &[&str]) -> String {
    if let Some(nearest) = nearest(word, known) {
        return format!("did you mean {nearest:?}?");
    }
    if known.is_empty() {
        return format!("there are no {plural} here");
    }
    let listed: Vec<String> = known
        .iter()
        .take(LISTED)
        .map(|name| format!("{name:?}"))
        .collect();
    let more = match known.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("known {plural} are {}{more}", listed.join(", "))
}

/// The advice for an unknown field. All known ones are listed when none is near.
pub(super) fn field(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => format!("known fields are {}", known.join(", ")),
    }
}

/// The one that differs least, if it is near at all.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), *name))
        .filter(|(distance, name)| is_near(*distance, name.chars().count()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A third of the letters may differ, and one in short names, unless that is all there is.
fn is_near(distance: usize, length: usize) -> bool {
    distance <= (length / 3).max(1) && distance < length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_or_lists() {
        let known = ["accounts", "adapter", "models"];
        let cases = [
            ("acounts", "did you mean \"accounts\"?"),
            ("Models", "did you mean \"models\"?"),
            ("adpater", "did you mean \"adapter\"?"),
            ("model", "did you mean \"models\"?"),
            ("", "known things are \"accounts\", \"adapter\", \"models\""),
            ("region", "known things are \"accounts\", \"adapter\", \"models\""),
        ];
        for (word, advice) in cases {
            assert_eq!(among(word, "things", &known), advice);
        }
        assert_eq!(among("x", "things", &["m"]), "known things are \"m\"");
        assert_eq!(among("x", "things", &[]), "there are no things here");
    }

    #[test]
    fn long_lists_are_cut_but_fields_are_not() {
        let known = [
            "aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg", "hhhh", "iiii", "jjjj",
        ];
        assert!(among("zzzzzz", "things", &known).ends_with("\"hhhh\" and 2 more"));
        assert!(field("zzzzzz", &known).ends_with("iiii, jjjj"));
    }
}
