//! Which names types and methods may have. They are labels in metrics, and parts of addresses.

/// The longest name of a type or method, in bytes. As in the runtime's own check.
const NAME_BYTES_MAX: usize = 128;

/// What is wrong with the name of a type, and what would be right.
pub(crate) fn check_type(name: &str) -> Result<(), String> {
    let allowed = |(i, c): (usize, char)| {
        c.is_ascii_alphabetic() || (i > 0 && (c.is_ascii_digit() || "_.:-".contains(c)))
    };
    if name.is_empty() || !name.chars().enumerate().all(allowed) {
        return Err(format!(
            "{name:?} is no name of a type: it is a letter, then letters, digits and _ . : - \
             (`#[object(name = \"…\")]` gives another than the Rust one)"
        ));
    }
    check_any("type", name)
}

/// What is wrong with the name of a method, and what would be right.
pub(crate) fn check_method(name: &str) -> Result<(), String> {
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!(
            "method name {name:?} has a character that is not ASCII: use letters, digits and _"
        ));
    }
    check_any("method", name)
}

fn check_any(what: &str, name: &str) -> Result<(), String> {
    if name == "other" {
        return Err(format!("`other` stands for unknown {what}s in metrics: choose another name"));
    }
    if name.len() > NAME_BYTES_MAX {
        let length = name.len();
        return Err(format!(
            "this {what} name has {length} bytes; at most {NAME_BYTES_MAX} are allowed"
        ));
    }
    Ok(())
}
