//! What is written in the attribute's parentheses.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, LitStr, Path, Result, Token};

use crate::names;
use crate::problems::Problems;
use crate::runtime::Runtime;

#[derive(Default)]
pub(crate) struct Options {
    /// `name = "…"`.
    pub(crate) name: Option<LitStr>,
    /// `crate = "…"`.
    pub(crate) runtime: Runtime,
}

impl Options {
    /// Reads the options. A wrong one counts as not given.
    pub(crate) fn read(tokens: TokenStream, problems: &mut Problems) -> Self {
        let mut options = Self::default();
        let read = |input: ParseStream| {
            for (key, value) in input.parse_terminated(key_and_value, Token![,])? {
                problems.keep(options.set(&key, value));
            }
            Ok(())
        };
        let outcome = read.parse2(tokens);
        problems.keep(outcome);
        options
    }

    /// The name that is given, or that of the struct or trait.
    pub(crate) fn type_name(&self, ident: &Ident, problems: &mut Problems) -> String {
        if let Some(name) = &self.name {
            return name.value();
        }
        let name = ident.unraw().to_string();
        if let Err(wrong) = names::check_type(&name) {
            problems.add(ident, wrong);
        }
        name
    }

    fn set(&mut self, key: &Ident, value: LitStr) -> Result<()> {
        if key == "name" {
            names::check_type(&value.value()).map_err(|wrong| Error::new(value.span(), wrong))?;
            self.name = Some(value);
        } else if key == "crate" {
            self.runtime = Runtime::at(value.parse_with(Path::parse_mod_style)?);
        } else {
            let message = "there are `name = \"…\"`, the type's name, and `crate = \"…\"`, the runtime's path";
            return Err(Error::new(key.span(), message));
        }
        Ok(())
    }
}

/// `name = "…"`.
fn key_and_value(input: ParseStream) -> Result<(Ident, LitStr)> {
    let key = input.call(Ident::parse_any)?;
    input.parse::<Token![=]>()?;
    Ok((key, input.parse()?))
}
