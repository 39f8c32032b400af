//! What the types in a signature are, as far as their tokens tell, and what they may not be.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{Ident, Lifetime, Path, Type, TypeImplTrait, TypeReference};

use crate::problems::Problems;

/// What `Self` stands for in a signature.
#[derive(Clone, Copy)]
pub(crate) enum SelfType<'a> {
    /// The type that the `impl` block is for.
    Is(&'a Type),
    /// In a trait: whatever implements it.
    Unknown,
}

/// Where a type stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Argument,
    Return,
}

/// Finds what cannot go to another node.
struct Unowned<'a> {
    place: Place,
    self_type: SelfType<'a>,
    problems: &'a mut Problems,
}

/// The type without the parentheses, visible or not, around it.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

/// The last name of a path: `Ctx` of `&goverse::Ctx` without the `&`.
pub(crate) fn last_name(ty: &Type) -> Option<&Ident> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}

/// Whether it is the context, rightly borrowed or not.
pub(crate) fn is_context(ty: &Type) -> bool {
    let ty = match bare(ty) {
        Type::Reference(reference) => &reference.elem,
        other => other,
    };
    last_name(ty).is_some_and(|name| name == "Ctx")
}

/// Whether it is a `Result`, by its name.
pub(crate) fn is_result(ty: &Type) -> bool {
    last_name(ty).is_some_and(|name| name.to_string().ends_with("Result"))
}

/// Tells what in `ty` cannot go to another node, or is not known before the method is called.
pub(crate) fn check_owned(ty: &Type, place: Place, self_type: SelfType, problems: &mut Problems) {
    Unowned { place, self_type, problems }.visit_type(ty);
}

/// The type's tokens with `Self` named.
pub(crate) fn with_self_named(ty: &Type, self_type: SelfType) -> TokenStream {
    match self_type {
        SelfType::Is(object) => replace_self(ty.to_token_stream(), &object.to_token_stream()),
        SelfType::Unknown => ty.to_token_stream(),
    }
}

fn replace_self(tokens: TokenStream, object: &TokenStream) -> TokenStream {
    let replace = |token| match token {
        TokenTree::Ident(ident) if ident == "Self" => object.clone(),
        TokenTree::Group(group) => {
            let inner = replace_self(group.stream(), object);
            let mut replaced = Group::new(group.delimiter(), inner);
            replaced.set_span(group.span());
            TokenTree::Group(replaced).into()
        }
        other => other.into(),
    };
    tokens.into_iter().flat_map(replace).collect()
}

// === impl Unowned ===

impl Unowned<'_> {
    fn borrowed(&self, instead: &str) -> String {
        let what = match self.place {
            Place::Argument => "an argument is owned, for it may come from another node",
            Place::Return => "a result is owned, for it may go to another node",
        };
        format!("{what}: use {instead}")
    }
}

impl<'ast> Visit<'ast> for Unowned<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        let message = self.borrowed(&owned(&reference.elem));
        self.problems.add(reference, message);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            let message = self.borrowed("a type without a lifetime, or `'static`");
            self.problems.add(lifetime, message);
        }
    }

    fn visit_type_impl_trait(&mut self, unnamed: &'ast TypeImplTrait) {
        let message = "a caller has to know the type: write it out instead of `impl …`";
        self.problems.add(unnamed, message);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let is_self = path.segments.first().is_some_and(|segment| segment.ident == "Self");
        if is_self && matches!(self.self_type, SelfType::Unknown) {
            let message = "a reference does not know who implements the trait: write the type out";
            self.problems.add(path, message);
        }
        visit::visit_path(self, path);
    }
}

/// What to use in place of a reference to `ty`.
fn owned(ty: &Type) -> String {
    let ty = bare(ty);
    let owned = match ty {
        Type::Slice(slice) => {
            let element = &slice.elem;
            quote!(Vec<#element>)
        }
        Type::Path(path) if path.path.is_ident("str") => quote!(String),
        other => other.to_token_stream(),
    };
    format!("`{}`", owned.to_string().replace(" < ", "<").replace(" >", ">").replace(" :: ", "::"))
}
