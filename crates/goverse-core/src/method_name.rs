//! The name of a method, checked where methods are registered and called.

use crate::InvalidName;
use crate::name::{check_length, start_of};

/// The longest method name, in bytes.
pub const METHOD_NAME_BYTES_MAX: usize = 128;

/// Checks that `name` is `[A-Za-z_][A-Za-z0-9_]*`.
///
/// It is a label value in metrics, so the name `other`, which stands for unknown methods there, is refused.
///
/// # Errors
/// When it is empty, longer than [`METHOD_NAME_BYTES_MAX`], has other characters, or is `other`.
pub fn check_method_name(name: &str) -> Result<(), InvalidName> {
    const WHAT: &str = "method name";
    check_length(WHAT, name, METHOD_NAME_BYTES_MAX)?;
    let allowed = |(i, c): &(usize, char)| {
        *c == '_' || c.is_ascii_alphabetic() || (*i > 0 && c.is_ascii_digit())
    };
    if let Some((_, found)) = name.chars().enumerate().find(|indexed| !allowed(indexed)) {
        let right = "use a letter or _, then letters, digits and _";
        return Err(InvalidName::Character { what: WHAT, name: start_of(name), found, right });
    }
    if name == "other" {
        let stands_for = "unknown methods";
        return Err(InvalidName::Reserved { what: WHAT, name: name.to_owned(), stands_for });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_method_name;

    fn check(name: &str, expected: Result<(), &str>) {
        let result = check_method_name(name).map_err(|error| error.to_string());
        assert_eq!(result, expected.map_err(str::to_owned), "{name:?}");
    }

    #[test]
    fn method_names() {
        check("send", Ok(()));
        check("SendMessage_2", Ok(()));
        check("_private", Ok(()));
        check("_", Ok(()));
        check("Other", Ok(()));
        check("others", Ok(()));
        check(&"x".repeat(128), Ok(()));
        check("", Err("method name is empty"));
        check(
            "other",
            Err("method name \"other\" is reserved: it stands for unknown methods in metrics"),
        );
        let right = "use a letter or _, then letters, digits and _";
        check("a b", Err(&format!("method name \"a b\" has the character ' '; {right}")));
        check("1a", Err(&format!("method name \"1a\" has the character '1'; {right}")));
        check("a.b", Err(&format!("method name \"a.b\" has the character '.'; {right}")));
        check("größe", Err(&format!("method name \"größe\" has the character 'ö'; {right}")));
        check("a\n", Err(&format!(r#"method name "a\n" has the character '\n'; {right}"#)));
        let start = "x".repeat(64);
        check(
            &"x".repeat(129),
            Err(&format!("method name \"{start}\"… has 129 bytes; at most 128 are allowed")),
        );
    }
}
