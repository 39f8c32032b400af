//! A method with its arguments: the struct that the runtime carries to the object.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Path, Type};

use crate::method::{Argument, Input, Method, Turn};
use crate::runtime::{Runtime, at};

/// What the methods are called on.
pub(crate) struct Callee<'a> {
    pub(crate) object: &'a Type,
    /// The trait that has the methods, if they are not inherent.
    pub(crate) interface: Option<&'a Path>,
}

/// The struct for one method, and what the runtime does with it.
pub(crate) fn expand(method: &Method, callee: &Callee, runtime: &Runtime) -> TokenStream {
    let cfgs = &method.cfgs;
    let ident = method.generated("Method");
    let declared = arguments_struct(&ident, method, runtime);
    let object = callee.object;
    let arguments = arguments_type(method, quote!(Self), runtime);
    let conversions = conversions(method, &arguments, runtime);
    let (output, error) = (method.returned.output(runtime), method.returned.error(runtime));
    let name = method.name();
    let turn = match method.turn {
        Turn::Exclusive => quote!(Exclusive),
        Turn::Shared => quote!(Shared),
    };
    let is_plain = !method.is_async;
    let run = run(method, callee, runtime);
    quote! {
        #(#cfgs)*
        #declared

        #(#cfgs)*
        #[automatically_derived]
        impl #runtime::Method for #ident {
            type Object = #object;
            type Arguments = #arguments;
            type Output = #output;
            type Error = #error;
            const NAME: &'static str = #name;
            const TURN: #runtime::Turn = #runtime::Turn::#turn;
            const PLAIN: bool = #is_plain;
            #conversions
            #run
        }
    }
}

/// A struct with a field for each argument. Serde knows it if there are several.
pub(crate) fn arguments_struct(ident: &Ident, method: &Method, runtime: &Runtime) -> TokenStream {
    let arguments: Vec<&Argument> = method.arguments().collect();
    if arguments.len() < 2 {
        return quote!(struct #ident { #(#arguments),* });
    }
    let (serde, name) = (runtime.serde(), method.name());
    let names: Vec<String> = arguments.iter().map(|argument| argument.name()).collect();
    let expecting = format!("the arguments `{}` of `{name}`", names.join("`, `"));
    quote! {
        #[derive(#runtime::serde::Serialize, #runtime::serde::Deserialize)]
        #[serde(crate = #serde, rename = #name, expecting = #expecting, deny_unknown_fields)]
        struct #ident { #(#[serde(rename = #names)] #arguments),* }
    }
}

/// What a call carries: nothing, the argument itself, or the struct of all.
pub(crate) fn arguments_type(method: &Method, all: TokenStream, runtime: &Runtime) -> TokenStream {
    let mut arguments = method.arguments();
    match (arguments.next(), arguments.next()) {
        (None, _) => quote!(#runtime::NoArguments),
        (Some(argument), None) => argument.ty.clone(),
        (Some(_), Some(_)) => all,
    }
}

fn conversions(method: &Method, arguments: &TokenStream, runtime: &Runtime) -> TokenStream {
    let (from, into) = match method.argument_idents()[..] {
        [] => (quote!(Self {}), quote!(#runtime::NoArguments)),
        [only] => (quote!(Self { #only: arguments }), quote!(self.#only)),
        _ => (quote!(arguments), quote!(self)),
    };
    quote! {
        fn from_arguments(arguments: #arguments) -> Self { #from }
        fn into_arguments(self) -> #arguments { #into }
    }
}

/// The function that calls the user's. All of it is at the user's name, to which its errors belong.
fn run(method: &Method, callee: &Callee, runtime: &Runtime) -> TokenStream {
    let place = at(method.ident.span());
    let (run, borrow) = match method.turn {
        Turn::Exclusive => (quote_spanned!(place=> run_exclusive), quote!(&mut)),
        Turn::Shared => (quote_spanned!(place=> run_shared), quote!(&)),
    };
    let (output, error) = (method.returned.output(runtime), method.returned.error(runtime));
    let object = callee.object;
    let path = match callee.interface {
        Some(interface) => quote_spanned!(place=> <#object as #interface>),
        None => quote_spanned!(place=> <#object>),
    };
    let ident = &method.ident;
    let inputs = method.inputs.iter().map(|input| match input {
        Input::Context(place) => quote_spanned!(*place=> cx),
        Input::Argument(Argument { ident, .. }) => quote_spanned!(place=> self.#ident),
    });
    let wait = method.is_async.then(|| quote_spanned!(place=> .await));
    let call = quote_spanned!(place=> #path::#ident(object, #(#inputs),*) #wait);
    let result = if method.returned.is_result() {
        quote_spanned!(place=> #runtime::ReturnsResult::into_result(#call))
    } else {
        quote_spanned!(place=> ::core::result::Result::Ok(#call))
    };
    quote_spanned! {place=>
        async fn #run(
            self,
            object: #borrow #object,
            cx: &#runtime::Ctx,
        ) -> ::core::result::Result<#output, #error> {
            #result
        }
    }
}
