//! When the state of a type is saved: `write = "interval(5s)"`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, LitStr, Result};

use crate::runtime::Runtime;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    EveryCall,
    IntervalMillis(u64),
    OnDeactivate,
}

impl Write {
    pub(crate) fn read(text: &LitStr) -> Result<Self> {
        let value = text.value();
        match value.as_str() {
            "every_call" => return Ok(Self::EveryCall),
            "on_deactivate" => return Ok(Self::OnDeactivate),
            _ => {}
        }
        let interval = value.strip_prefix("interval(").and_then(|rest| rest.strip_suffix(')'));
        interval.and_then(millis).map(Self::IntervalMillis).ok_or_else(|| {
            let message =
                "use \"every_call\", \"on_deactivate\", or \"interval(5s)\" with ms, s, m or h";
            Error::new(text.span(), message)
        })
    }

    pub(crate) fn expand(self, runtime: &Runtime) -> TokenStream {
        match self {
            Self::EveryCall => quote!(#runtime::WritePolicy::EveryCall),
            Self::OnDeactivate => quote!(#runtime::WritePolicy::OnDeactivate),
            Self::IntervalMillis(millis) => {
                quote!(#runtime::WritePolicy::Interval(::core::time::Duration::from_millis(#millis)))
            }
        }
    }
}

/// A number and a unit; nothing of no length.
fn millis(text: &str) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit).filter(|millis| *millis > 0)
}

#[cfg(test)]
mod tests {
    use super::{Write, millis};

    #[test]
    fn an_interval_is_a_number_and_a_unit() {
        let check =
            |text: &str, expected: Option<u64>| assert_eq!(millis(text), expected, "{text}");
        check("5s", Some(5_000));
        check("250ms", Some(250));
        check("2m", Some(120_000));
        check("1h", Some(3_600_000));
        for wrong in
            ["", "5", "s", "0s", "5 s", "-5s", "5d", "99999999999999999999s", "9999999999999999h"]
        {
            check(wrong, None);
        }
        let text = syn::LitStr::new("interval(5s)", proc_macro2::Span::call_site());
        assert_eq!(Write::read(&text).ok(), Some(Write::IntervalMillis(5_000)));
    }
}
