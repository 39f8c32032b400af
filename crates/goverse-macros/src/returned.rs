//! What a method returns: an output, or an output or error.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, Ident, PathArguments, ReturnType, Type};

use crate::problems::Problems;
use crate::runtime::{Runtime, at};
use crate::types::{self, Place, SelfType};

/// The type that a method returns, with `Self` named.
pub(crate) enum Returned {
    Value(TokenStream),
    /// `Result<output, error>`, both of which are seen.
    Result {
        output: TokenStream,
        error: TokenStream,
    },
    /// Another type that is called something with `Result`, such as an alias.
    Alias(TokenStream),
}

impl Returned {
    pub(crate) fn read(
        returned: &ReturnType,
        self_type: SelfType,
        problems: &mut Problems,
    ) -> Self {
        let ReturnType::Type(_, ty) = returned else {
            return Self::Value(quote!(()));
        };
        types::check_owned(ty, Place::Return, self_type, problems);
        let named = |ty: &Type| types::with_self_named(ty, self_type);
        match two_parts(ty) {
            Some((output, error)) => Self::Result { output: named(output), error: named(error) },
            None if types::is_result(ty) => Self::Alias(named(ty)),
            None => Self::Value(named(ty)),
        }
    }

    pub(crate) fn is_result(&self) -> bool {
        !matches!(self, Self::Value(_))
    }

    /// What a call comes to when it goes well.
    pub(crate) fn output(&self, runtime: &Runtime) -> TokenStream {
        match self {
            Self::Value(output) | Self::Result { output, .. } => output.clone(),
            Self::Alias(alias) => part(alias, "Output", runtime),
        }
    }

    /// What it comes to else.
    pub(crate) fn error(&self, runtime: &Runtime) -> TokenStream {
        match self {
            Self::Value(_) => quote!(#runtime::Never),
            Self::Result { error, .. } => error.clone(),
            Self::Alias(alias) => part(alias, "Error", runtime),
        }
    }
}

/// A part of what an alias stands for. That there is none is told at the alias.
fn part(alias: &TokenStream, name: &str, runtime: &Runtime) -> TokenStream {
    let place = at(alias.span());
    let name = Ident::new(name, place);
    quote_spanned!(place=> <#alias as #runtime::ReturnsResult>::#name)
}

/// The parts of what is spelled `Result<output, error>`.
fn two_parts(ty: &Type) -> Option<(&Type, &Type)> {
    let Type::Path(path) = types::bare(ty) else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let mut parts = arguments.args.iter();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(GenericArgument::Type(output)), Some(GenericArgument::Type(error)), None) => {
            Some((output, error))
        }
        _ => None,
    }
}
