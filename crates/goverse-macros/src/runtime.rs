//! Where the runtime is: what is generated names all of it by its full path, so that nothing can shadow it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;

/// The path of `macro_support`.
pub(crate) struct Runtime(Path);

impl Runtime {
    /// The runtime that is found at this path.
    pub(crate) fn at(path: Path) -> Self {
        Self(path)
    }

    /// The path of serde, as its derives want it.
    pub(crate) fn serde(&self) -> String {
        let spaced = quote!(#self::serde).to_string();
        spaced.replace(' ', "")
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self(syn::parse_quote!(::goverse::node))
    }
}

impl ToTokens for Runtime {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let root = &self.0;
        tokens.extend(quote!(#root::macro_support));
    }
}

/// A place in the user's code at which names are those of the generated code.
pub(crate) fn at(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

/// What lints would say of names and lists that are the user's, or of code that nobody wrote.
pub(crate) fn allowances() -> TokenStream {
    quote! {
        #[allow(
            clippy::too_many_arguments,
            deprecated,
            non_camel_case_types,
            non_snake_case,
            non_upper_case_globals
        )]
    }
}
