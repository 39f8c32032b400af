//! The reference to an object, which has its methods.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Type, Visibility};

use crate::invocation;
use crate::method::{Argument, Method};
use crate::runtime::Runtime;

pub(crate) struct Reference {
    /// The struct, which stands beside what it refers to.
    pub(crate) declared: TokenStream,
    /// What it does.
    pub(crate) implemented: TokenStream,
}

/// The name of the reference to what has this name.
pub(crate) fn ident_of(ident: &Ident) -> Ident {
    format_ident!("{}Ref", ident.unraw(), span = ident.span())
}

/// The reference to objects of a Rust type.
///
/// The type's visibility cannot be seen from its `impl` block, and a public reference must not show a private object in
/// what it derefs to. The parameter is there for this alone: with it, the reference is as visible as its object.
pub(crate) fn typed(
    ident: &Ident,
    object: &Type,
    methods: &[Method],
    runtime: &Runtime,
) -> Reference {
    let reference = ident_of(ident);
    let docs = format!("Calls the methods of a `{}`, wherever it is.", ident.unraw());
    let inner = quote!(#runtime::ObjectRef<__Object>);
    let generics = quote!(<__Object: #runtime::Object>);
    let common = common(&reference, &generics, &quote!(<__Object>), &inner);
    let methods = methods.iter().map(|method| typed_method(method, runtime));
    Reference {
        declared: quote! {
            #[doc = #docs]
            pub struct #reference<__Object: #runtime::Object = #object>(#inner);
        },
        implemented: quote! {
            #common

            #[automatically_derived]
            impl #runtime::Addressed for #object {
                type Ref = #reference;
                fn refer(caller: #runtime::Caller<'_>, id: &str) -> Self::Ref {
                    #reference(#runtime::ObjectRef::new(caller, id))
                }
            }

            #[automatically_derived]
            impl #reference {
                #(#methods)*
            }
        },
    }
}

/// The reference to objects that implement a trait, whoever they are.
pub(crate) fn named(
    ident: &Ident,
    visibility: &Visibility,
    type_name: &str,
    methods: &[Method],
    runtime: &Runtime,
) -> Reference {
    let reference = ident_of(ident);
    let docs = format!(
        "Calls the methods of a `{}`, wherever it is and whoever implements it.",
        ident.unraw()
    );
    let inner = quote!(#runtime::NamedRef);
    let common = common(&reference, &TokenStream::new(), &TokenStream::new(), &inner);
    let methods = methods.iter().map(|method| named_method(method, runtime));
    Reference {
        declared: quote! {
            #[doc = #docs]
            #visibility struct #reference(#inner);
        },
        implemented: quote! {
            #common

            #[automatically_derived]
            impl #runtime::Interface for #reference {
                const TYPE: &'static str = #type_name;
            }

            #[automatically_derived]
            impl #runtime::Addressed for #reference {
                type Ref = Self;
                fn refer(caller: #runtime::Caller<'_>, id: &str) -> Self::Ref {
                    Self(#runtime::NamedRef::new(<Self as #runtime::Interface>::TYPE, caller, id))
                }
            }

            #[automatically_derived]
            impl #reference {
                #(#methods)*
            }
        },
    }
}

/// What a reference does whatever its methods: it derefs to what is in it, is cloned and shown.
fn common(
    ident: &Ident,
    generics: &TokenStream,
    arguments: &TokenStream,
    inner: &TokenStream,
) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl #generics ::core::ops::Deref for #ident #arguments {
            type Target = #inner;
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        #[automatically_derived]
        impl #generics ::core::clone::Clone for #ident #arguments {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }

        #[automatically_derived]
        impl #generics ::core::fmt::Debug for #ident #arguments {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.0, f)
            }
        }
    }
}

/// The method of a reference that knows the object's Rust type: it moves the arguments.
fn typed_method(method: &Method, runtime: &Runtime) -> TokenStream {
    let Method { cfgs, docs, visibility, ident, .. } = method;
    let arguments: Vec<&Argument> = method.arguments().collect();
    let idents = method.argument_idents();
    let invocation = method.generated("Method");
    let (output, error) = (method.returned.output(runtime), method.returned.error(runtime));
    quote! {
        #(#cfgs)*
        #(#docs)*
        #[inline]
        #visibility fn #ident(
            &self,
            #(#arguments),*
        ) -> #runtime::Call<impl #runtime::Method<Output = #output, Error = #error> + use<>> {
            #runtime::ObjectRef::call(&self.0, #invocation { #(#idents),* })
        }
    }
}

/// The method of a reference that knows a name: it moves the arguments, or encodes them.
fn named_method(method: &Method, runtime: &Runtime) -> TokenStream {
    let Method { cfgs, docs, visibility, ident, .. } = method;
    let arguments: Vec<&Argument> = method.arguments().collect();
    let declared = method.generated("Arguments");
    let idents = method.argument_idents();
    let value = match idents[..] {
        [] => quote!(#runtime::NoArguments),
        [only] => quote!(#only),
        _ => quote!(#declared { #(#idents),* }),
    };
    let carried =
        invocation::arguments_type(method, quote!(impl #runtime::Payload + use<>), runtime);
    let (output, error) = (method.returned.output(runtime), method.returned.error(runtime));
    let name = method.name();
    quote! {
        #(#cfgs)*
        #(#docs)*
        #[inline]
        #visibility fn #ident(&self, #(#arguments),*) -> #runtime::NamedCall<#carried, #output, #error> {
            #runtime::NamedRef::call(&self.0, #name, #value)
        }
    }
}
