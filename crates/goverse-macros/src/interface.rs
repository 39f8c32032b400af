//! The attribute on a trait: makes a reference for those who know the trait and not who implements it.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, ItemTrait, Result, ReturnType, TraitItem, TraitItemFn, Visibility, parse_quote};

use crate::hook;
use crate::invocation;
use crate::method::{Method, cfgs};
use crate::options::Options;
use crate::problems::Problems;
use crate::reference::{self, Reference};
use crate::runtime::{Runtime, allowances};
use crate::shape;
use crate::types::SelfType;

pub(crate) fn expand(
    options: &Options,
    mut item: ItemTrait,
    problems: &mut Problems,
) -> TokenStream {
    if let Some(place) = options.persist() {
        let message =
            "a trait has no state: write `persist` at the `impl` block of the type that has";
        problems.take(syn::Error::new(place, message));
    }
    let runtime = &options.runtime;
    check(&item, problems);
    let type_name = options.type_name(&item.ident, problems);
    let methods = read_methods(&item, problems);
    rewrite(&mut item, runtime);
    let Reference { declared, implemented } =
        reference::named(&item.ident, &item.vis, &type_name, &methods, runtime);
    let reference = reference::ident_of(&item.ident);
    let shapes = methods.iter().map(|method| shape::declare(method, &item.ident));
    let arguments = methods.iter().filter_map(|method| arguments_struct(method, runtime));
    let (cfgs, allowances) = (cfgs(&item.attrs), allowances());
    quote! {
        #item

        #(#cfgs)*
        #allowances
        #declared

        #(#cfgs)*
        #allowances
        const _: () = {
            #implemented

            #[automatically_derived]
            impl #reference {
                #(#shapes)*
            }

            #(#arguments)*
        };
    }
}

/// Tells of what a reference cannot know.
fn check(item: &ItemTrait, problems: &mut Problems) {
    if !item.generics.params.is_empty() {
        problems.add(&item.generics, "a trait of an object is not generic: write the types out");
    }
    if let Some(word) = &item.unsafety {
        problems.add(word, "nothing about an object is unsafe: remove this");
    }
    for inner in &item.items {
        if let TraitItem::Type(unknown) = inner {
            problems.add(
                &unknown.ident,
                "a reference does not know who implements the trait: write the type out",
            );
        }
    }
}

fn read_methods(item: &ItemTrait, problems: &mut Problems) -> Vec<Method> {
    let functions = item.items.iter().filter_map(|inner| match inner {
        TraitItem::Fn(function) if function.sig.receiver().is_some() => Some(function),
        _ => None,
    });
    functions.filter_map(|function| problems.keep(read_method(function, &item.vis))).collect()
}

fn read_method(function: &TraitItemFn, visibility: &Visibility) -> Result<Method> {
    if hook::is_hook(&function.sig) {
        let message = "a hook is the implementation's affair: write it there";
        return Err(Error::new_spanned(&function.sig.ident, message));
    }
    if let Some(body) = &function.default {
        let message =
            "an implementation lists all methods that can be called: declare it without a body";
        return Err(Error::new_spanned(body, message));
    }
    Method::read(&function.attrs, visibility, &function.sig, SelfType::Unknown)
}

/// Makes each `async fn` say that its future is `Send`, and the trait that its objects are.
fn rewrite(item: &mut ItemTrait, runtime: &Runtime) {
    item.colon_token.get_or_insert_default();
    item.supertraits.push(parse_quote!(::core::marker::Send));
    item.supertraits.push(parse_quote!(::core::marker::Sync));
    item.supertraits.push(parse_quote!(::core::marker::Sized));
    item.supertraits.push(parse_quote!('static));
    for inner in &mut item.items {
        let TraitItem::Fn(function) = inner else { continue };
        if function.sig.asyncness.take().is_some() {
            let output = match &function.sig.output {
                ReturnType::Default => quote!(()),
                ReturnType::Type(_, ty) => ty.to_token_stream(),
            };
            function.sig.output =
                parse_quote!(-> impl #runtime::Future<Output = #output> + ::core::marker::Send);
        }
    }
}

/// The struct of a method's arguments, if it has several.
fn arguments_struct(method: &Method, runtime: &Runtime) -> Option<TokenStream> {
    let cfgs = &method.cfgs;
    let declared = invocation::arguments_struct(&method.generated("Arguments"), method, runtime);
    (method.arguments().count() > 1).then(|| quote!(#(#cfgs)* #declared))
}
