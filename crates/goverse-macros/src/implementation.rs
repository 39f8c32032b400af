//! The attribute on an `impl` block: makes an object of a type, with inherent methods or with those of a trait.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, Ident, ImplItem, ImplItemFn, ItemImpl, Path, PathArguments, Result, Type};

use crate::hook::{self, Hook};
use crate::invocation::{self, Callee};
use crate::method::{Method, cfgs};
use crate::options::Options;
use crate::problems::Problems;
use crate::reference::{self, Reference};
use crate::runtime::allowances;
use crate::shape;
use crate::types::{self, SelfType};

/// Whom the block is for.
struct Subject {
    object: Type,
    ident: Ident,
    interface: Option<Interface>,
}

/// The trait that the block implements.
struct Interface {
    path: Path,
    reference: Path,
}

pub(crate) fn expand(options: &Options, block: ItemImpl, problems: &mut Problems) -> TokenStream {
    match Subject::read(&block, options) {
        Ok(Subject { object, ident, interface: None }) => {
            inherent(options, &block, &object, &ident, problems)
        }
        Ok(Subject { object, interface: Some(interface), .. }) => {
            of_trait(options, block, &object, &interface, problems)
        }
        Err(error) => {
            problems.take(error);
            block.into_token_stream()
        }
    }
}

/// A type with methods of its own.
fn inherent(
    options: &Options,
    block: &ItemImpl,
    object: &Type,
    ident: &Ident,
    problems: &mut Problems,
) -> TokenStream {
    let runtime = &options.runtime;
    let (hooks, functions): (Vec<_>, Vec<_>) =
        functions(block).partition(|function| hook::is_hook(&function.sig));
    let hooks = hooks.iter().filter_map(|hook| problems.keep(Hook::read(&hook.attrs, &hook.sig)));
    let hooks: Vec<TokenStream> = hooks.map(|hook| hook.forward(object, runtime)).collect();
    let methods = read_methods(&functions, object, problems);
    let type_name = options.type_name(ident, problems);
    let implementation = object_impl(&quote!(#type_name), &methods, &hooks, object, options);
    let Reference { declared, implemented } = reference::typed(ident, object, &methods, runtime);
    let callee = Callee { object, interface: None };
    let invocations = methods.iter().map(|method| invocation::expand(method, &callee, runtime));
    let cfgs = cfgs(&block.attrs);
    let allowances = allowances();
    quote! {
        #block

        #(#cfgs)*
        #allowances
        #declared

        #(#cfgs)*
        #allowances
        const _: () = {
            #implementation
            #implemented
            #(#invocations)*
        };
    }
}

/// A type with the methods of a trait, which has its own reference.
fn of_trait(
    options: &Options,
    mut block: ItemImpl,
    object: &Type,
    interface: &Interface,
    problems: &mut Problems,
) -> TokenStream {
    let runtime = &options.runtime;
    let Interface { path, reference } = interface;
    let is_hook = |item: &mut ImplItem| matches!(item, ImplItem::Fn(function) if hook::is_hook(&function.sig));
    let hooks: Vec<ImplItem> = block.items.extract_if(.., is_hook).collect();
    let hooks: Vec<TokenStream> = hooks.iter().filter_map(|hook| moved(hook, problems)).collect();
    let functions: Vec<&ImplItemFn> = functions(&block).collect();
    let methods = read_methods(&functions, object, problems);
    let type_name = quote!(<#reference as #runtime::Interface>::TYPE);
    let implementation = object_impl(&type_name, &methods, &hooks, object, options);
    let callee = Callee { object, interface: Some(path) };
    let invocations = methods.iter().map(|method| invocation::expand(method, &callee, runtime));
    let comparisons = methods.iter().map(|method| shape::compare(method, reference));
    let cfgs = cfgs(&block.attrs);
    let allowances = allowances();
    quote! {
        #block

        #(#cfgs)*
        #allowances
        const _: () = {
            #implementation

            #[automatically_derived]
            impl #runtime::Addressed for #object {
                type Ref = #reference;
                fn refer(caller: #runtime::Caller<'_>, id: &str) -> Self::Ref {
                    <#reference as #runtime::Addressed>::refer(caller, id)
                }
            }

            #(#comparisons)*
            #(#invocations)*
        };
    }
}

/// `impl Object`, which is all that the runtime needs to know of a type.
fn object_impl(
    type_name: &TokenStream,
    methods: &[Method],
    hooks: &[TokenStream],
    object: &Type,
    options: &Options,
) -> TokenStream {
    let (runtime, persistence) = (&options.runtime, options.persistence());
    // A hook that `#[cfg]` takes away counts as one: that costs time and no more.
    let without_hooks = hooks.is_empty().then(|| {
        quote!(
            const HAS_HOOKS: bool = false;
        )
    });
    let entries = methods.iter().map(|method| {
        let (cfgs, invocation) = (&method.cfgs, method.generated("Method"));
        quote!(#(#cfgs)* #runtime::MethodEntry::of::<#invocation>())
    });
    quote! {
        #[automatically_derived]
        impl #runtime::Object for #object {
            const TYPE: &'static str = #type_name;
            const METHODS: &'static [#runtime::MethodEntry<Self>] = &[#(#entries),*];
            #persistence
            #without_hooks
            #(#hooks)*
        }
    }
}

fn functions(block: &ItemImpl) -> impl Iterator<Item = &ImplItemFn> {
    block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

fn read_methods(functions: &[&ImplItemFn], object: &Type, problems: &mut Problems) -> Vec<Method> {
    let methods = functions.iter().filter(|function| function.sig.receiver().is_some());
    let read = |function: &&ImplItemFn| {
        Method::read(&function.attrs, &function.vis, &function.sig, SelfType::Is(object))
    };
    methods.filter_map(|function| problems.keep(read(function))).collect()
}

/// A hook as it goes from the block to `impl Object`.
fn moved(hook: &ImplItem, problems: &mut Problems) -> Option<TokenStream> {
    let ImplItem::Fn(function) = hook else { return None };
    problems.keep(hook::check(&function.sig)).map(|()| function.to_token_stream())
}

// === impl Subject ===

impl Subject {
    fn read(block: &ItemImpl, options: &Options) -> Result<Self> {
        let mut problems = Problems::default();
        if let Some(word) = &block.unsafety {
            problems.add(word, "nothing about an object is unsafe: remove this");
        }
        let interface = block.trait_.as_ref().map(|(path, _)| Interface::read(path, options));
        let interface = interface.and_then(|interface| problems.keep(interface));
        let ident = problems.keep(name_of(block));
        let ident = problems.finish(ident)?.expect("what has no name has a problem");
        Ok(Self { object: (*block.self_ty).clone(), ident, interface })
    }
}

/// The name of the type, which is a path without arguments.
fn name_of(block: &ItemImpl) -> Result<Ident> {
    if !block.generics.params.is_empty() {
        let message =
            "an object's type is not generic: make a type for each, with an `impl` block for each";
        return Err(Error::new_spanned(&block.generics, message));
    }
    if let Type::Path(path) = types::bare(&block.self_ty)
        && path.qself.is_none()
        && let Some(last) = path.path.segments.last()
        && last.arguments.is_none()
    {
        return Ok(last.ident.clone());
    }
    let message = "an object's type is a struct or enum of yours, without arguments";
    Err(Error::new_spanned(&block.self_ty, message))
}

// === impl Interface ===

impl Interface {
    fn read(path: &Path, options: &Options) -> Result<Self> {
        if let Some(name) = &options.name {
            let message = "the trait has the type's name: give it there";
            return Err(Error::new_spanned(name, message));
        }
        let mut reference = path.clone();
        let last = reference.segments.last_mut();
        let Some(last) = last.filter(|last| matches!(last.arguments, PathArguments::None)) else {
            return Err(Error::new_spanned(
                path,
                "a trait of an object is not generic: write the types out",
            ));
        };
        last.ident = reference::ident_of(&last.ident);
        Ok(Self { path: path.clone(), reference })
    }
}
