//! What a trait and its implementation must agree on, and the compiler does not compare.
//!
//! A call by name gives several arguments as a map, so their names count; and a method that returns a `Result` answers
//! differently. The trait's reference keeps both as a constant, which the implementation is compared with.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;
use syn::ext::IdentExt;

use crate::method::{Argument, Method};
use crate::runtime::at;

/// The constant that the reference keeps: the shape, and what to tell those who have another.
pub(crate) fn declare(method: &Method, interface: &Ident) -> TokenStream {
    let Method { cfgs, visibility, .. } = method;
    let (constant, interface) = (method.generated("shape"), interface.unraw());
    let shape = shape(method);
    let result =
        if method.returned.is_result() { "" } else { ", which returns nothing called `Result`" };
    let told = format!(
        "`{interface}` declares `{}{}`{result}: write it so here",
        method.name(),
        told(method)
    );
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #visibility const #constant: (&'static [u8], &'static str) = (#shape, #told);
    }
}

/// The comparison, at compile time, of an implemented method with what the reference keeps.
pub(crate) fn compare(method: &Method, reference: &Path) -> TokenStream {
    let cfgs = &method.cfgs;
    let constant = method.generated("shape");
    let shape = shape(method);
    quote_spanned! {at(method.ident.span())=>
        #(#cfgs)*
        const _: () = match #reference::#constant {
            (#shape, _) => (),
            (_, told) => ::core::panic!("{}", told),
        };
    }
}

fn shape(method: &Method) -> Literal {
    Literal::byte_string(told(method).as_bytes())
}

/// The shape, for people as well.
fn told(method: &Method) -> String {
    let names: Vec<String> = method.arguments().map(Argument::name).collect();
    let result = if method.returned.is_result() { " -> Result" } else { "" };
    // One argument is given as it is, so its name does not count.
    let names = if names.len() > 1 { names.join(", ") } else { "_".repeat(names.len()) };
    format!("({names}){result}")
}
