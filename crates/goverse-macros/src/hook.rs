//! The two functions that the node calls when an object comes and goes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Error, FnArg, Ident, ReceiverKind, Result, ReturnType, Signature, Type};

use crate::method::cfgs;
use crate::runtime::{Runtime, at};
use crate::types;

#[derive(Clone, Copy)]
enum Kind {
    Activate,
    Deactivate,
}

/// A hook that is an inherent function of the object.
pub(crate) struct Hook {
    kind: Kind,
    cfgs: Vec<Attribute>,
    ident: Ident,
}

/// Whether a function is a hook, or tried to be one.
pub(crate) fn is_hook(signature: &Signature) -> bool {
    Kind::named(&signature.ident).is_some()
}

/// What is wrong with a hook's signature, and what would be right.
pub(crate) fn check(signature: &Signature) -> Result<()> {
    let Some(kind) = Kind::named(&signature.ident) else { return Ok(()) };
    let is_right = signature.asyncness.is_some()
        && signature.generics.params.is_empty()
        && takes(signature, kind.inputs())
        && matches!(&signature.output, ReturnType::Type(_, ty) if types::is_result(ty));
    if is_right { Ok(()) } else { Err(Error::new_spanned(signature, kind.right())) }
}

/// Whether it takes `&mut self` and then what has these names.
fn takes(signature: &Signature, names: &[&str]) -> bool {
    let mut inputs = signature.inputs.iter();
    let Some(FnArg::Receiver(receiver)) = inputs.next() else { return false };
    let is_named = |(input, name): (&FnArg, &&str)| match input {
        FnArg::Typed(input) => is_input(&input.ty, name),
        FnArg::Receiver(_) => false,
    };
    matches!(receiver.kind, ReceiverKind::Reference(_, None, Some(_)))
        && inputs.len() == names.len()
        && inputs.zip(names).all(is_named)
}

/// Whether it is a type of that name: the context by reference, all else by value.
fn is_input(ty: &Type, name: &str) -> bool {
    match types::bare(ty) {
        Type::Reference(reference) => {
            reference.mutability.is_none() && name == "Ctx" && types::is_context(ty)
        }
        value => name != "Ctx" && types::last_name(value).is_some_and(|last| last == name),
    }
}

// === impl Kind ===

impl Kind {
    fn named(ident: &Ident) -> Option<Self> {
        match ident.to_string().as_str() {
            "on_activate" => Some(Self::Activate),
            "on_deactivate" => Some(Self::Deactivate),
            _ => None,
        }
    }

    /// The last names of the types that come after the receiver.
    fn inputs(self) -> &'static [&'static str] {
        match self {
            Self::Activate => &["Ctx"],
            Self::Deactivate => &["Ctx", "DeactivationReason"],
        }
    }

    fn right(self) -> &'static str {
        match self {
            Self::Activate => {
                "the node calls this hook, so write it as \
                 `async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError>`"
            }
            Self::Deactivate => {
                "the node calls this hook, so write it as `async fn on_deactivate(&mut self, cx: &Ctx, \
                 reason: DeactivationReason) -> Result<(), HookError>`"
            }
        }
    }
}

// === impl Hook ===

impl Hook {
    pub(crate) fn read(attributes: &[Attribute], signature: &Signature) -> Result<Self> {
        check(signature)?;
        let kind = Kind::named(&signature.ident).unwrap_or(Kind::Activate);
        Ok(Self { kind, cfgs: cfgs(attributes), ident: signature.ident.clone() })
    }

    /// The trait's function, which calls the inherent one.
    pub(crate) fn forward(&self, object: &Type, runtime: &Runtime) -> TokenStream {
        let Self { kind, cfgs, ident } = self;
        let place = at(ident.span());
        let (parameter, argument) = match kind {
            Kind::Activate => (None, None),
            Kind::Deactivate => (
                Some(quote_spanned!(place=> reason: #runtime::DeactivationReason)),
                Some(quote_spanned!(place=> reason)),
            ),
        };
        let result = quote!(::core::result::Result<(), #runtime::HookError>);
        quote_spanned! {place=>
            #(#cfgs)*
            fn #ident(
                &mut self,
                cx: &#runtime::Ctx,
                #parameter
            ) -> impl #runtime::Future<Output = #result> + ::core::marker::Send {
                <#object>::#ident(self, cx, #argument)
            }
        }
    }
}
