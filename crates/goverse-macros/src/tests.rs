//! What is generated, as it would be read. What it does is tested where it can be compiled, beside the runtime.

use expect_test::{Expect, expect};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{File, Item};

fn expanded(options: TokenStream, item: TokenStream) -> File {
    let tokens = crate::expand(options, item);
    syn::parse2(tokens.clone()).unwrap_or_else(|error| panic!("{error}: {tokens}"))
}

/// Compares the items that follow the user's own, but for what is allowed to them.
fn check(options: TokenStream, item: TokenStream, expected: Expect) {
    let mut file = expanded(options, item);
    for item in &mut file.items {
        if let Item::Struct(syn::ItemStruct { attrs, .. })
        | Item::Const(syn::ItemConst { attrs, .. }) = item
        {
            attrs.retain(|attribute| !attribute.path().is_ident("allow"));
        }
    }
    expected.assert_eq(&prettyplease::unparse(&file));
}

/// Compares the names of the items, and the words of what is wrong.
fn check_outline(options: TokenStream, item: TokenStream, expected: Expect) {
    let outline = |item: &Item| match item {
        Item::Struct(item) => format!("struct {}\n", item.ident),
        Item::Macro(item) => format!("error {}\n", item.mac.tokens),
        Item::Impl(item) => format!("impl {}\n", item.self_ty.to_token_stream()),
        Item::Trait(item) => format!("trait {}\n", item.ident),
        Item::Const(item) => format!("const {}\n", item.ident),
        other => format!("{}\n", other.to_token_stream()),
    };
    let file = expanded(options, item);
    expected.assert_eq(&file.items.iter().map(outline).collect::<String>());
}

#[test]
fn an_object() {
    check(
        quote!(crate = "runtime"),
        quote! {
            impl Counter {
                /// Adds.
                #[must_use]
                pub async fn add(&mut self, cx: &Ctx, by: i64, r#type: Vec<Self>) -> Result<i64, Refused> {
                    body()
                }
                #[cfg(unix)]
                fn get(&self) {}
                async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
                    body()
                }
                fn new() {}
            }
        },
        expect![[r#"
            impl Counter {
                /// Adds.
                #[must_use]
                pub async fn add(
                    &mut self,
                    cx: &Ctx,
                    by: i64,
                    r#type: Vec<Self>,
                ) -> Result<i64, Refused> {
                    body()
                }
                #[cfg(unix)]
                fn get(&self) {}
                async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
                    body()
                }
                fn new() {}
            }
            ///Calls the methods of a `Counter`, wherever it is.
            pub struct CounterRef<__Object: runtime::macro_support::Object = Counter>(
                runtime::macro_support::ObjectRef<__Object>,
            );
            const _: () = {
                #[automatically_derived]
                impl runtime::macro_support::Object for Counter {
                    const TYPE: &'static str = "Counter";
                    const METHODS: &'static [runtime::macro_support::MethodEntry<Self>] = &[
                        runtime::macro_support::MethodEntry::of::<__Method_add>(),
                        #[cfg(unix)]
                        runtime::macro_support::MethodEntry::of::<__Method_get>(),
                    ];
                    fn on_activate(
                        &mut self,
                        cx: &runtime::macro_support::Ctx,
                    ) -> impl runtime::macro_support::Future<
                        Output = ::core::result::Result<(), runtime::macro_support::HookError>,
                    > + ::core::marker::Send {
                        <Counter>::on_activate(self, cx)
                    }
                }
                #[automatically_derived]
                impl<__Object: runtime::macro_support::Object> ::core::ops::Deref
                for CounterRef<__Object> {
                    type Target = runtime::macro_support::ObjectRef<__Object>;
                    fn deref(&self) -> &Self::Target {
                        &self.0
                    }
                }
                #[automatically_derived]
                impl<__Object: runtime::macro_support::Object> ::core::clone::Clone
                for CounterRef<__Object> {
                    fn clone(&self) -> Self {
                        Self(::core::clone::Clone::clone(&self.0))
                    }
                }
                #[automatically_derived]
                impl<__Object: runtime::macro_support::Object> ::core::fmt::Debug
                for CounterRef<__Object> {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        ::core::fmt::Debug::fmt(&self.0, f)
                    }
                }
                #[automatically_derived]
                impl runtime::macro_support::Addressed for Counter {
                    type Ref = CounterRef;
                    fn refer(caller: runtime::macro_support::Caller<'_>, id: &str) -> Self::Ref {
                        CounterRef(runtime::macro_support::ObjectRef::new(caller, id))
                    }
                }
                #[automatically_derived]
                impl CounterRef {
                    /// Adds.
                    #[inline]
                    pub fn add(
                        &self,
                        by: i64,
                        r#type: Vec<Counter>,
                    ) -> runtime::macro_support::Call<
                        impl runtime::macro_support::Method<Output = i64, Error = Refused> + use<>,
                    > {
                        runtime::macro_support::ObjectRef::call(&self.0, __Method_add { by, r#type })
                    }
                    #[cfg(unix)]
                    #[inline]
                    fn get(
                        &self,
                    ) -> runtime::macro_support::Call<
                        impl runtime::macro_support::Method<
                            Output = (),
                            Error = runtime::macro_support::Never,
                        > + use<>,
                    > {
                        runtime::macro_support::ObjectRef::call(&self.0, __Method_get {})
                    }
                }
                #[derive(
                    runtime::macro_support::serde::Serialize,
                    runtime::macro_support::serde::Deserialize
                )]
                #[serde(
                    crate = "runtime::macro_support::serde",
                    rename = "add",
                    expecting = "the arguments `by`, `type` of `add`",
                    deny_unknown_fields
                )]
                struct __Method_add {
                    #[serde(rename = "by")]
                    by: i64,
                    #[serde(rename = "type")]
                    r#type: Vec<Counter>,
                }
                #[automatically_derived]
                impl runtime::macro_support::Method for __Method_add {
                    type Object = Counter;
                    type Arguments = Self;
                    type Output = i64;
                    type Error = Refused;
                    const NAME: &'static str = "add";
                    const TURN: runtime::macro_support::Turn = runtime::macro_support::Turn::Exclusive;
                    const PLAIN: bool = false;
                    fn from_arguments(arguments: Self) -> Self {
                        arguments
                    }
                    fn into_arguments(self) -> Self {
                        self
                    }
                    async fn run_exclusive(
                        self,
                        object: &mut Counter,
                        cx: &runtime::macro_support::Ctx,
                    ) -> ::core::result::Result<i64, Refused> {
                        runtime::macro_support::ReturnsResult::into_result(
                            <Counter>::add(object, cx, self.by, self.r#type).await,
                        )
                    }
                }
                #[cfg(unix)]
                struct __Method_get {}
                #[cfg(unix)]
                #[automatically_derived]
                impl runtime::macro_support::Method for __Method_get {
                    type Object = Counter;
                    type Arguments = runtime::macro_support::NoArguments;
                    type Output = ();
                    type Error = runtime::macro_support::Never;
                    const NAME: &'static str = "get";
                    const TURN: runtime::macro_support::Turn = runtime::macro_support::Turn::Shared;
                    const PLAIN: bool = true;
                    fn from_arguments(arguments: runtime::macro_support::NoArguments) -> Self {
                        Self {}
                    }
                    fn into_arguments(self) -> runtime::macro_support::NoArguments {
                        runtime::macro_support::NoArguments
                    }
                    async fn run_shared(
                        self,
                        object: &Counter,
                        cx: &runtime::macro_support::Ctx,
                    ) -> ::core::result::Result<(), runtime::macro_support::Never> {
                        ::core::result::Result::Ok(<Counter>::get(object))
                    }
                }
            };
        "#]],
    );
}

#[test]
fn a_trait() {
    check(
        quote!(crate = "::runtime", name = "bank.Wallet"),
        quote! {
            #[cfg(unix)]
            pub(crate) trait r#Wallet: Debug {
                /// Pays.
                #[cfg(windows)]
                async fn pay(&mut self, cx: &Ctx, to: String, n: u64) -> crate::Result<()>;
                async fn wait(&self);
                fn deposit(&mut self, n: u64) -> u64;
            }
        },
        expect![[r##"
            #[cfg(unix)]
            pub(crate) trait r#Wallet: Debug + ::core::marker::Send + ::core::marker::Sync + ::core::marker::Sized + 'static {
                /// Pays.
                #[cfg(windows)]
                fn pay(
                    &mut self,
                    cx: &Ctx,
                    to: String,
                    n: u64,
                ) -> impl ::runtime::macro_support::Future<
                    Output = crate::Result<()>,
                > + ::core::marker::Send;
                fn wait(
                    &self,
                ) -> impl ::runtime::macro_support::Future<Output = ()> + ::core::marker::Send;
                fn deposit(&mut self, n: u64) -> u64;
            }
            #[cfg(unix)]
            ///Calls the methods of a `Wallet`, wherever it is and whoever implements it.
            pub(crate) struct WalletRef(::runtime::macro_support::NamedRef);
            #[cfg(unix)]
            const _: () = {
                #[automatically_derived]
                impl ::core::ops::Deref for WalletRef {
                    type Target = ::runtime::macro_support::NamedRef;
                    fn deref(&self) -> &Self::Target {
                        &self.0
                    }
                }
                #[automatically_derived]
                impl ::core::clone::Clone for WalletRef {
                    fn clone(&self) -> Self {
                        Self(::core::clone::Clone::clone(&self.0))
                    }
                }
                #[automatically_derived]
                impl ::core::fmt::Debug for WalletRef {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        ::core::fmt::Debug::fmt(&self.0, f)
                    }
                }
                #[automatically_derived]
                impl ::runtime::macro_support::Interface for WalletRef {
                    const TYPE: &'static str = "bank.Wallet";
                }
                #[automatically_derived]
                impl ::runtime::macro_support::Addressed for WalletRef {
                    type Ref = Self;
                    fn refer(caller: ::runtime::macro_support::Caller<'_>, id: &str) -> Self::Ref {
                        Self(
                            ::runtime::macro_support::NamedRef::new(
                                <Self as ::runtime::macro_support::Interface>::TYPE,
                                caller,
                                id,
                            ),
                        )
                    }
                }
                #[automatically_derived]
                impl WalletRef {
                    #[cfg(windows)]
                    /// Pays.
                    #[inline]
                    pub(crate) fn pay(
                        &self,
                        to: String,
                        n: u64,
                    ) -> ::runtime::macro_support::NamedCall<
                        impl ::runtime::macro_support::Payload + use<>,
                        <crate::Result<()> as ::runtime::macro_support::ReturnsResult>::Output,
                        <crate::Result<()> as ::runtime::macro_support::ReturnsResult>::Error,
                    > {
                        ::runtime::macro_support::NamedRef::call(
                            &self.0,
                            "pay",
                            __Arguments_pay { to, n },
                        )
                    }
                    #[inline]
                    pub(crate) fn wait(
                        &self,
                    ) -> ::runtime::macro_support::NamedCall<
                        ::runtime::macro_support::NoArguments,
                        (),
                        ::runtime::macro_support::Never,
                    > {
                        ::runtime::macro_support::NamedRef::call(
                            &self.0,
                            "wait",
                            ::runtime::macro_support::NoArguments,
                        )
                    }
                    #[inline]
                    pub(crate) fn deposit(
                        &self,
                        n: u64,
                    ) -> ::runtime::macro_support::NamedCall<
                        u64,
                        u64,
                        ::runtime::macro_support::Never,
                    > {
                        ::runtime::macro_support::NamedRef::call(&self.0, "deposit", n)
                    }
                }
                #[automatically_derived]
                impl WalletRef {
                    #[cfg(windows)]
                    #[doc(hidden)]
                    pub(crate) const __shape_pay: (&'static [u8], &'static str) = (
                        b"(to, n) -> Result",
                        "`Wallet` declares `pay(to, n) -> Result`: write it so here",
                    );
                    #[doc(hidden)]
                    pub(crate) const __shape_wait: (&'static [u8], &'static str) = (
                        b"()",
                        "`Wallet` declares `wait()`, which returns nothing called `Result`: write it so here",
                    );
                    #[doc(hidden)]
                    pub(crate) const __shape_deposit: (&'static [u8], &'static str) = (
                        b"(_)",
                        "`Wallet` declares `deposit(_)`, which returns nothing called `Result`: write it so here",
                    );
                }
                #[cfg(windows)]
                #[derive(
                    ::runtime::macro_support::serde::Serialize,
                    ::runtime::macro_support::serde::Deserialize
                )]
                #[serde(
                    crate = "::runtime::macro_support::serde",
                    rename = "pay",
                    expecting = "the arguments `to`, `n` of `pay`",
                    deny_unknown_fields
                )]
                struct __Arguments_pay {
                    #[serde(rename = "to")]
                    to: String,
                    #[serde(rename = "n")]
                    n: u64,
                }
            };
        "##]],
    );
}

#[test]
fn an_object_without_hooks_says_so() {
    check(
        quote!(crate = "runtime"),
        quote! {
            impl shared::Nothing for Saved {}
        },
        expect![[r#"
            impl shared::Nothing for Saved {}
            const _: () = {
                #[automatically_derived]
                impl runtime::macro_support::Object for Saved {
                    const TYPE: &'static str = <shared::NothingRef as runtime::macro_support::Interface>::TYPE;
                    const METHODS: &'static [runtime::macro_support::MethodEntry<Self>] = &[];
                    const HAS_HOOKS: bool = false;
                }
                #[automatically_derived]
                impl runtime::macro_support::Addressed for Saved {
                    type Ref = shared::NothingRef;
                    fn refer(caller: runtime::macro_support::Caller<'_>, id: &str) -> Self::Ref {
                        <shared::NothingRef as runtime::macro_support::Addressed>::refer(caller, id)
                    }
                }
            };
        "#]],
    );
    let with_hook = quote! {
        impl shared::Nothing for Saved {
            #[cfg(unix)]
            async fn on_deactivate(
                &mut self,
                cx: &Ctx,
                reason: DeactivationReason,
            ) -> Result<(), HookError> {
                body()
            }
        }
    };
    let file = expanded(quote!(crate = "runtime"), with_hook);
    assert!(!file.to_token_stream().to_string().contains("HAS_HOOKS"), "also with `cfg`");
}

#[test]
fn an_implementation() {
    check(
        quote!(crate = "runtime"),
        quote! {
            impl shared::Wallet for Saved {
                fn deposit(&mut self, n: u64) -> u64 {
                    body()
                }
                async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
                    body()
                }
            }
        },
        expect![[r#"
            impl shared::Wallet for Saved {
                fn deposit(&mut self, n: u64) -> u64 {
                    body()
                }
            }
            const _: () = {
                #[automatically_derived]
                impl runtime::macro_support::Object for Saved {
                    const TYPE: &'static str = <shared::WalletRef as runtime::macro_support::Interface>::TYPE;
                    const METHODS: &'static [runtime::macro_support::MethodEntry<Self>] = &[
                        runtime::macro_support::MethodEntry::of::<__Method_deposit>(),
                    ];
                    async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
                        body()
                    }
                }
                #[automatically_derived]
                impl runtime::macro_support::Addressed for Saved {
                    type Ref = shared::WalletRef;
                    fn refer(caller: runtime::macro_support::Caller<'_>, id: &str) -> Self::Ref {
                        <shared::WalletRef as runtime::macro_support::Addressed>::refer(caller, id)
                    }
                }
                const _: () = match shared::WalletRef::__shape_deposit {
                    (b"(_)", _) => {}
                    (_, told) => ::core::panic!("{}", told),
                };
                struct __Method_deposit {
                    n: u64,
                }
                #[automatically_derived]
                impl runtime::macro_support::Method for __Method_deposit {
                    type Object = Saved;
                    type Arguments = u64;
                    type Output = u64;
                    type Error = runtime::macro_support::Never;
                    const NAME: &'static str = "deposit";
                    const TURN: runtime::macro_support::Turn = runtime::macro_support::Turn::Exclusive;
                    const PLAIN: bool = true;
                    fn from_arguments(arguments: u64) -> Self {
                        Self { n: arguments }
                    }
                    fn into_arguments(self) -> u64 {
                        self.n
                    }
                    async fn run_exclusive(
                        self,
                        object: &mut Saved,
                        cx: &runtime::macro_support::Ctx,
                    ) -> ::core::result::Result<u64, runtime::macro_support::Never> {
                        ::core::result::Result::Ok(
                            <Saved as shared::Wallet>::deposit(object, self.n),
                        )
                    }
                }
            };
        "#]],
    );
}

#[test]
fn what_is_wrong_is_told_together_and_the_rest_is_there() {
    check_outline(
        quote!(colour = "red", crate = "runtime"),
        quote! {
            impl Room {
                fn first(self) {}
                fn second(&self, text: &str, cx: Ctx) {}
                fn third(&self) {}
            }
        },
        expect![[r#"
            impl Room
            struct RoomRef
            const _
            error "there are `name = \"…\"`, the type's name; `crate = \"…\"`, the runtime's path; and `persist`, with `write = \"…\"`, `schema = 2` and `upgrade = function`"
            error "the object stays on its node, so a method borrows it: write `&self` or `&mut self`, or move it to another `impl` block if only the object calls it"
            error "an argument is owned, for it may come from another node: use `String`"
            error "a method is lent its context: write `&Ctx`"
        "#]],
    );
}

#[test]
fn what_is_no_object_is_left_as_it_is() {
    check_outline(
        quote!(),
        quote!(
            struct Room;
        ),
        expect![[r#"
            struct Room
            error "`#[object]` belongs on the `impl` block with the methods, or on a trait"
        "#]],
    );
    check_outline(
        quote!(),
        quote!(
            impl<T> Room<T> {}
        ),
        expect![[r#"
            impl Room < T >
            error "an object's type is not generic: make a type for each, with an `impl` block for each"
        "#]],
    );
    check_outline(
        quote!(),
        quote!(impl Room for &Chat {}),
        expect![[r#"
        impl & Chat
        error "an object's type is a struct or enum of yours, without arguments"
    "#]],
    );
}
