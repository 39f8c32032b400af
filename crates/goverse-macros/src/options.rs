//! What is written in the attribute's parentheses.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Ident, LitInt, LitStr, Path, Result, Token};

use crate::names;
use crate::persistence::Write;
use crate::problems::Problems;
use crate::runtime::Runtime;

#[derive(Default)]
pub(crate) struct Options {
    /// `name = "…"`.
    pub(crate) name: Option<LitStr>,
    /// `crate = "…"`.
    pub(crate) runtime: Runtime,
    /// `persist`.
    persist: Option<Span>,
    /// `write = "…"`.
    write: Option<(Ident, Write)>,
    /// `schema = 2`.
    schema: Option<(Ident, LitInt)>,
    /// `upgrade = path`.
    upgrade: Option<(Ident, Path)>,
}

/// What follows a key.
enum Value {
    Nothing,
    Is(Expr),
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
        if options.persist.is_none() {
            let keys = [
                options.write.as_ref().map(|(key, _)| key),
                options.schema.as_ref().map(|(key, _)| key),
                options.upgrade.as_ref().map(|(key, _)| key),
            ];
            for key in keys.into_iter().flatten() {
                problems.add(key, "this is for a persistent type: write `persist` before it");
            }
        }
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

    /// Where `persist` is written, if it is.
    pub(crate) fn persist(&self) -> Option<Span> {
        self.persist
    }

    /// How the type is stored, if it is.
    pub(crate) fn persistence(&self) -> Option<TokenStream> {
        let (span, runtime) = (self.persist?, &self.runtime);
        let schema =
            self.schema.as_ref().map_or_else(|| LitInt::new("1", span), |(_, n)| n.clone());
        let write = self.write.as_ref().map_or(Write::EveryCall, |(_, write)| *write);
        let write = write.expand(runtime);
        let upgraded =
            self.upgrade.as_ref().map(|(_, path)| quote_spanned!(span=> .upgraded_by(#path)));
        Some(quote_spanned! {span=>
            const PERSISTENCE: ::core::option::Option<#runtime::Persistence<Self>> =
                ::core::option::Option::Some(#runtime::Persistence::of(#schema, #write) #upgraded);
        })
    }

    fn set(&mut self, key: &Ident, value: Value) -> Result<()> {
        if key == "name" {
            let value = text(key, value)?;
            names::check_type(&value.value()).map_err(|wrong| Error::new(value.span(), wrong))?;
            self.name = Some(value);
        } else if key == "crate" {
            self.runtime = Runtime::at(text(key, value)?.parse_with(Path::parse_mod_style)?);
        } else if key == "persist" {
            if let Value::Is(value) = value {
                return Err(Error::new_spanned(value, "`persist` has no value"));
            }
            self.persist = Some(key.span());
        } else if key == "write" {
            self.write = Some((key.clone(), Write::read(&text(key, value)?)?));
        } else if key == "schema" {
            self.schema = Some((key.clone(), number(key, value)?));
        } else if key == "upgrade" {
            self.upgrade = Some((key.clone(), path(key, value)?));
        } else {
            let message = "there are `name = \"…\"`, the type's name; `crate = \"…\"`, the runtime's path; \
                           and `persist`, with `write = \"…\"`, `schema = 2` and `upgrade = function`";
            return Err(Error::new(key.span(), message));
        }
        Ok(())
    }
}

fn text(key: &Ident, value: Value) -> Result<LitStr> {
    match value {
        Value::Is(Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })) => Ok(text),
        value => Err(wrong(key, &value, "a text: `= \"…\"`")),
    }
}

fn number(key: &Ident, value: Value) -> Result<LitInt> {
    match value {
        Value::Is(Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(number), .. })) => {
            number.base10_parse::<u32>()?;
            Ok(number)
        }
        value => Err(wrong(key, &value, "a number: `= 2`")),
    }
}

fn path(key: &Ident, value: Value) -> Result<Path> {
    match value {
        Value::Is(Expr::Path(path)) => Ok(path.path),
        value => Err(wrong(key, &value, "a function: `= Self::upgrade`")),
    }
}

fn wrong(key: &Ident, value: &Value, right: &str) -> Error {
    let message = format!("`{key}` has {right}");
    match value {
        Value::Nothing => Error::new(key.span(), message),
        Value::Is(value) => Error::new_spanned(value, message),
    }
}

/// `name = "…"`, or `persist`.
fn key_and_value(input: ParseStream) -> Result<(Ident, Value)> {
    let key = input.call(Ident::parse_any)?;
    if !input.peek(Token![=]) {
        return Ok((key, Value::Nothing));
    }
    input.parse::<Token![=]>()?;
    Ok((key, Value::Is(input.parse()?)))
}
