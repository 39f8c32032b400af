//! A method as its signature tells it: who may call it, in which turn, with what, and what it answers.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::{
    Attribute, FnArg, Ident, Pat, PatType, Receiver, ReceiverKind, Result, Safety, Signature, Type,
    Visibility,
};

use crate::names;
use crate::problems::Problems;
use crate::returned::Returned;
use crate::runtime::at;
use crate::types::{self, Place, SelfType};

pub(crate) struct Method {
    /// The `#[cfg]`s that all that is generated for it carries.
    pub(crate) cfgs: Vec<Attribute>,
    /// The docs and `#[deprecated]`, for the reference.
    pub(crate) docs: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) ident: Ident,
    pub(crate) turn: Turn,
    pub(crate) is_async: bool,
    pub(crate) inputs: Vec<Input>,
    pub(crate) returned: Returned,
}

/// With whom a method shares the object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// `&mut self`: with nobody.
    Exclusive,
    /// `&self`: with others of this kind.
    Shared,
}

/// What stands between the parentheses, after the receiver.
pub(crate) enum Input {
    /// The context, at this place.
    Context(Span),
    Argument(Argument),
}

pub(crate) struct Argument {
    pub(crate) ident: Ident,
    /// Its type, with `Self` named.
    pub(crate) ty: TokenStream,
}

impl Method {
    /// Reads a function that has a receiver.
    pub(crate) fn read(
        attributes: &[Attribute],
        visibility: &Visibility,
        signature: &Signature,
        self_type: SelfType,
    ) -> Result<Self> {
        let mut problems = Problems::default();
        check_name(&signature.ident, &mut problems);
        check_qualifiers(signature, &mut problems);
        let method = Self {
            cfgs: cfgs(attributes),
            docs: docs(attributes),
            visibility: visibility.clone(),
            ident: signature.ident.clone(),
            turn: read_turn(signature, &mut problems),
            is_async: signature.asyncness.is_some(),
            inputs: read_inputs(signature, self_type, &mut problems),
            returned: Returned::read(&signature.output, self_type, &mut problems),
        };
        problems.finish(method)
    }

    /// The name that calls by name use.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// An identifier for what is generated for this method, which the user has hardly taken.
    pub(crate) fn generated(&self, what: &str) -> Ident {
        format_ident!("__{what}_{}", self.ident.unraw())
    }

    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.inputs.iter().filter_map(|input| match input {
            Input::Argument(argument) => Some(argument),
            Input::Context(_) => None,
        })
    }

    /// The identifiers of the arguments.
    pub(crate) fn argument_idents(&self) -> Vec<&Ident> {
        self.arguments().map(|argument| &argument.ident).collect()
    }
}

impl Argument {
    /// The name that calls by name use: that an implementation has no use for it is not their affair.
    pub(crate) fn name(&self) -> String {
        let ident = self.ident.unraw().to_string();
        let name = ident.trim_start_matches('_');
        if name.is_empty() { ident } else { name.to_owned() }
    }
}

impl ToTokens for Argument {
    /// As in a signature or a struct.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { ident, ty } = self;
        tokens.extend(quote_spanned!(ident.span()=> #ident: #ty));
    }
}

/// The `#[cfg]`s among the attributes.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    with_names(attributes, &["cfg"])
}

/// What readers see of the attributes.
pub(crate) fn docs(attributes: &[Attribute]) -> Vec<Attribute> {
    with_names(attributes, &["doc", "deprecated"])
}

fn with_names(attributes: &[Attribute], names: &[&str]) -> Vec<Attribute> {
    let is_named =
        |attribute: &&Attribute| names.iter().any(|name| attribute.path().is_ident(name));
    attributes.iter().filter(is_named).cloned().collect()
}

fn check_name(ident: &Ident, problems: &mut Problems) {
    if let Err(wrong) = names::check_method(&ident.unraw().to_string()) {
        problems.add(ident, wrong);
    }
}

/// Tells of words before `fn` and of what is generic.
fn check_qualifiers(signature: &Signature, problems: &mut Problems) {
    const ELSEWHERE: &str = "move it to another `impl` block if only the object calls it";
    if let Some(word) = &signature.constness {
        problems.add(
            word,
            format!("a method that others call is no `const fn`: remove this, or {ELSEWHERE}"),
        );
    }
    if let Safety::Unsafe(word) = &signature.safety {
        problems.add(
            word,
            format!("nobody can call an unsafe method from afar: make it safe, or {ELSEWHERE}"),
        );
    }
    if let Some(abi) = &signature.abi {
        problems.add(abi, format!("a method has Rust's own ABI: remove this, or {ELSEWHERE}"));
    }
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        let message = format!(
            "a method is called by its name alone, so it is not generic: write the types out, or {ELSEWHERE}"
        );
        problems.add(generics, message);
    } else if let Some(clause) = &generics.where_clause {
        problems.add(
            clause,
            format!("a method that is not generic needs no `where`: remove this, or {ELSEWHERE}"),
        );
    }
}

fn read_turn(signature: &Signature, problems: &mut Problems) -> Turn {
    let receiver = signature.receiver();
    match receiver.and_then(turn_of) {
        Some(turn) => turn,
        None => {
            let message = "the object stays on its node, so a method borrows it: write `&self` or `&mut self`, \
                           or move it to another `impl` block if only the object calls it";
            problems.add(receiver, message);
            Turn::Shared
        }
    }
}

fn turn_of(receiver: &Receiver) -> Option<Turn> {
    let turn = |is_exclusive| if is_exclusive { Turn::Exclusive } else { Turn::Shared };
    match &receiver.kind {
        ReceiverKind::Reference(_, None, mutability) => Some(turn(mutability.is_some())),
        ReceiverKind::Typed(_, ty) => match types::bare(ty) {
            Type::Reference(reference) if types::last_name(&reference.elem)? == "Self" => {
                reference.lifetime.is_none().then(|| turn(reference.mutability.is_some()))
            }
            _ => None,
        },
        _ => None,
    }
}

fn read_inputs(signature: &Signature, self_type: SelfType, problems: &mut Problems) -> Vec<Input> {
    let typed = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    let typed: Vec<&PatType> = typed.collect();
    check_together(&typed, problems);
    typed.iter().filter_map(|input| read_input(input, self_type, problems)).collect()
}

/// Tells of inputs that do not go with the others.
fn check_together(inputs: &[&PatType], problems: &mut Problems) {
    let (contexts, arguments): (Vec<&PatType>, Vec<&PatType>) =
        inputs.iter().copied().partition(|input| types::is_context(&input.ty));
    for second in contexts.iter().skip(1) {
        problems.add(second, "the context comes once: remove this argument");
    }
    let proto = arguments
        .iter()
        .find(|input| types::last_name(&input.ty).is_some_and(|name| name == "Proto"));
    if let (Some(proto), 2..) = (proto, arguments.len()) {
        problems.add(
            proto,
            "a `Proto` is the whole argument: put the other arguments into its message",
        );
    }
}

fn read_input(input: &PatType, self_type: SelfType, problems: &mut Problems) -> Option<Input> {
    if let Some(cfg) = cfgs(&input.attrs).first() {
        problems
            .add(cfg, "an argument is there or not for all callers: put `#[cfg]` on the method");
    }
    if types::is_context(&input.ty) {
        check_context(&input.ty, problems);
        let place = input.pat.to_token_stream().into_iter().next()?.span();
        return Some(Input::Context(at(place)));
    }
    types::check_owned(&input.ty, Place::Argument, self_type, problems);
    match &*input.pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            let ty = types::with_self_named(&input.ty, self_type);
            Some(Input::Argument(Argument { ident: name.ident.clone(), ty }))
        }
        pattern => {
            let message = "an argument has a name, by which callers give it: \
                           write a plain name here, and take it apart in the method";
            problems.add(pattern, message);
            None
        }
    }
}

fn check_context(ty: &Type, problems: &mut Problems) {
    let is_right = matches!(types::bare(ty), Type::Reference(reference)
        if reference.mutability.is_none() && reference.lifetime.is_none());
    if !is_right {
        problems.add(ty, "a method is lent its context: write `&Ctx`");
    }
}
