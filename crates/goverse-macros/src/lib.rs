//! The attribute that makes methods callable from anywhere, `#[object]`.
//!
//! The runtime re-exports it, and everything that is generated names the runtime by its full path: this crate knows
//! the names of its `macro_support` and nothing else of it.

mod hook;
mod implementation;
mod interface;
mod invocation;
mod method;
mod names;
mod options;
mod persistence;
mod problems;
mod reference;
mod returned;
mod runtime;
mod shape;
#[cfg(test)]
mod tests;
mod types;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

use crate::options::Options;
use crate::problems::Problems;

/// Makes the methods of an `impl` block callable from anywhere.
///
/// ```text
/// #[derive(Default)]
/// pub struct Counter { n: i64 }
///
/// #[goverse::object]
/// impl Counter {
///     /// Adds, and tells the sum.
///     pub fn add(&mut self, by: i64) -> i64 {
///         self.n += by;
///         self.n
///     }
///
///     pub async fn add_from(&mut self, cx: &Ctx, other: String) -> Result<i64, CounterError> { … }
///
///     pub fn get(&self) -> i64 { self.n }
///
///     async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> { … }
/// }
/// ```
///
/// A type has one such block, which stays as it is. Beside it there are `impl Object for Counter` and `CounterRef`, a
/// reference that has the same methods: `cx.object::<Counter>("a").add(1).await`.
///
/// # Methods
/// Every function with a receiver is a method that others can call, whatever its visibility; the reference's method
/// has the same one. What only the object itself calls belongs in another `impl` block. Functions without a receiver
/// are left alone.
///
/// - `&mut self` has the object to itself for its turn; `&self` methods may run beside each other.
/// - A method may be `async`. Its future is `Send`.
/// - One argument may be the context, `cx: &Ctx`. Callers do not see it.
/// - The other arguments are owned and serde can read and write them; or there is exactly one, a `Proto<M>`.
///   A call by name gives one argument as it is, and several as a map with their names or as a sequence. A `_` before
///   a name, for the compiler, is not part of it.
/// - It returns a value that serde can read and write, or a `Proto<M>`, or a `Result` of two such. A `Result` is known
///   by its name, which ends in `Result`, so aliases do.
/// - `#[cfg]` holds for all that is generated for a method, and its docs and `#[deprecated]` are on the reference too.
/// - A method is not generic, and not called `other`, which stands for unknown methods in metrics.
///
/// # Hooks
/// Two functions are called by the node and are no methods:
///
/// ```text
/// async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError>
/// async fn on_deactivate(&mut self, cx: &Ctx, reason: DeactivationReason) -> Result<(), HookError>
/// ```
///
/// # On a trait
/// Clients can be typed without the implementation, by a trait in a crate that both sides use:
///
/// ```text
/// #[goverse::object]
/// pub trait Wallet {
///     fn deposit(&mut self, n: u64) -> u64;
///     async fn pay(&mut self, to: String, n: u64) -> Result<(), WalletError>;
/// }
///
/// #[goverse::object]
/// impl Wallet for SavedWallet { … }
/// ```
///
/// The first makes `WalletRef`: `cx.object::<WalletRef>("a").deposit(5).await`. The second makes `SavedWallet` an
/// object of the trait's type; it needs `WalletRef` beside `Wallet`, so `use shared::{Wallet, WalletRef}`, and its
/// arguments are named as the trait names them. Hooks are written in the same block.
///
/// # Options
/// - `name = "chat.Room"`: the type's name in addresses and metrics, if not that of the struct or trait.
/// - `crate = "path"`: where the runtime is, if not at `::goverse::node`.
/// - `persist`: the object's serde form is its state, which is stored. On the `impl` block. With it:
///   - `write = "every_call"`, the default: a turn with `&mut self` includes its save; `"interval(5s)"`: so long after a
///     change at the latest; `"on_deactivate"`: when the object is deactivated.
///   - `schema = 2`: which form the state has, 1 if nothing is said. A program refuses state of a newer schema.
///   - `upgrade = Self::upgrade`: a `fn(&StoredState) -> Result<Self, HookError>` that reads an older one.
#[proc_macro_attribute]
pub fn object(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand(options.into(), item.into()).into()
}

/// The item with what is generated for it, and with all that is wrong as compile errors.
fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let options = Options::read(options, &mut problems);
    let expanded = match syn::parse2(item.clone()) {
        Ok(Item::Impl(block)) => implementation::expand(&options, block, &mut problems),
        Ok(Item::Trait(declared)) => interface::expand(&options, declared, &mut problems),
        Ok(other) => {
            problems.add(
                place(&other),
                "`#[object]` belongs on the `impl` block with the methods, or on a trait",
            );
            item
        }
        Err(error) => {
            problems.take(error);
            item
        }
    };
    quote!(#expanded #problems)
}

/// What to point at in an item that the attribute does not belong on.
fn place(item: &Item) -> TokenStream {
    match item {
        Item::Struct(item) => quote::ToTokens::to_token_stream(&item.ident),
        Item::Enum(item) => quote::ToTokens::to_token_stream(&item.ident),
        Item::Fn(item) => quote::ToTokens::to_token_stream(&item.sig.ident),
        other => quote::ToTokens::to_token_stream(other),
    }
}
