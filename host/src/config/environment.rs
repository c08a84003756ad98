//! `${NAME}` in the text of a field. Expands after the file has been parsed, so that a value can never add
//! structure. Faults name variables and never hold what one is set to.

use thiserror::Error;

/// What is wrong with a `$` in a text.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum Fault {
    #[error("environment variable {0} is not set")]
    Unset(String),
    #[error("\"${{\" without \"}}\"")]
    Unclosed,
    #[error("\"${{\" is not followed by the name of an environment variable")]
    BadName,
    #[error("\"$\" stands alone")]
    LoneDollar,
}

impl Fault {
    pub(super) fn suggestion(&self) -> String {
        match self {
            Self::Unset(name) => format!("export it or give a default: ${{{name}:-default}}"),
            Self::Unclosed => "write ${NAME}, or $$ for a dollar sign".to_owned(),
            Self::BadName => "names are letters, digits and \"_\"; write $$ for a dollar sign".to_owned(),
            Self::LoneDollar => "write ${NAME} for a variable, or $$ for a dollar sign".to_owned(),
        }
    }
}

/// `written` with `${NAME}` and `${NAME:-default}` replaced and `$$` as `$`. The default is taken when the
/// variable is not set or empty; it is plain text up to the next `}`.
///
/// # Errors
///
/// Every fault in the text.
pub(super) fn expand(written: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Vec<Fault>> {
    let mut expanded = String::with_capacity(written.len());
    let mut faults = Vec::new();
    let mut rest = written;
    while let Some((plain, after)) = rest.split_once('$') {
        expanded.push_str(plain);
        rest = if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            after
        } else if let Some(inside) = after.strip_prefix('{') {
            let Some((reference, after)) = inside.split_once('}') else {
                faults.push(Fault::Unclosed);
                return Err(faults);
            };
            match look_up(reference, env) {
                Ok(value) => expanded.push_str(&value),
                Err(fault) => faults.push(fault),
            }
            after
        } else {
            faults.push(Fault::LoneDollar);
            after
        };
    }
    expanded.push_str(rest);
    if faults.is_empty() {
        Ok(expanded)
    } else {
        Err(faults)
    }
}

/// Whether something in `text` would be replaced if it stood in the file.
pub(super) fn names_variable(text: &str) -> bool {
    text.split("${").skip(1).any(|inside| {
        let name = inside.split_once('}').map(|(reference, _)| reference);
        name.is_some_and(|reference| is_name(reference.split(":-").next().unwrap_or_default()))
    })
}

/// The value for what stands between the braces.
fn look_up(reference: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Fault> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if !is_name(name) {
        return Err(Fault::BadName);
    }
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Fault::Unset(name.to_owned())),
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "A" => Some("alpha".to_owned()),
            "_b2" => Some("${A}".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn expands() {
        let cases = [
            ("", ""),
            ("plain", "plain"),
            ("${A}", "alpha"),
            ("<${A}|${A}>", "<alpha|alpha>"),
            ("${_b2}", "${A}"),
            ("${EMPTY}", ""),
            ("${EMPTY:-x}", "x"),
            ("${UNSET:-}", ""),
            ("${UNSET:-a:-b $ {}", "a:-b $ {"),
            ("${A:-x}", "alpha"),
            ("$$", "$"),
            ("$${A}", "${A}"),
            ("$$$$${A}", "$$alpha"),
            ("ä${A}ö", "äalphaö"),
        ];
        for (written, expanded) in cases {
            assert_eq!(expand(written, &env).as_deref(), Ok(expanded), "{written}");
        }
    }

    #[test]
    fn reports_every_fault() {
        let unset = |name: &str| Fault::Unset(name.to_owned());
        let cases = [
            ("${X}${A}${Y}", vec![unset("X"), unset("Y")]),
            ("$A", vec![Fault::LoneDollar]),
            ("5$", vec![Fault::LoneDollar]),
            ("${A", vec![Fault::Unclosed]),
            ("$ ${X} ${", vec![Fault::LoneDollar, unset("X"), Fault::Unclosed]),
            ("${}", vec![Fault::BadName]),
            ("${1A}", vec![Fault::BadName]),
            ("${A-x}", vec![Fault::BadName]),
            ("${ A }", vec![Fault::BadName]),
        ];
        for (written, faults) in cases {
            assert_eq!(expand(written, &env), Err(faults), "{written}");
        }
    }
}
