//! What `#[object]` makes of a trait: callers that know the trait alone, and implementations of it.

use goverse_core::{Encoding, ErrorCode};
use goverse_node::{
    CallError, Ctx, DeactivationReason, HookError, Node, Object, Proto, Turn, object,
};

/// What both sides know.
mod shared {
    use goverse_node::{Ctx, Proto, object};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(crate) enum WalletError {
        TooLittle { missing: u64 },
    }

    pub(crate) type WalletResult<T> = Result<T, WalletError>;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Receipt {
        #[prost(uint64, tag = "1")]
        pub(crate) n: u64,
    }

    /// A place for money.
    #[object(crate = "goverse_node", name = "bank.Wallet")]
    pub(crate) trait Wallet {
        /// Puts money in, and tells how much there is then.
        fn deposit(&mut self, n: u64) -> u64;

        async fn pay(&mut self, cx: &Ctx, to: String, n: u64) -> Result<u64, WalletError>;

        async fn wait(&self);

        fn balance(&self) -> u64;

        fn take(&mut self, n: u64) -> WalletResult<u64>;

        fn receipt(&self, r#for: Proto<Receipt>) -> Proto<Receipt>;

        #[cfg(any())]
        fn never(&self, unknown: NoSuchType);

        /// A function without a receiver is the implementation's affair.
        fn kind() -> &'static str;
    }
}

use shared::{Receipt, Wallet, WalletError, WalletRef, WalletResult};

#[derive(Default)]
struct Purse {
    n: u64,
}

#[object(crate = "goverse_node")]
impl Wallet for Purse {
    fn deposit(&mut self, n: u64) -> u64 {
        self.n += n;
        self.n
    }

    async fn pay(&mut self, cx: &Ctx, to: String, n: u64) -> Result<u64, WalletError> {
        self.take(n)?;
        let other = cx.object::<WalletRef>(&to);
        Ok(other.deposit(n).await.unwrap_or_default())
    }

    async fn wait(&self) {
        tokio::task::yield_now().await;
    }

    fn balance(&self) -> u64 {
        self.n
    }

    fn take(&mut self, amount: u64) -> WalletResult<u64> {
        let left = self.n.checked_sub(amount);
        self.n = left.ok_or_else(|| WalletError::TooLittle { missing: amount - self.n })?;
        Ok(amount)
    }

    fn receipt(&self, r#for: Proto<Receipt>) -> Proto<Receipt> {
        Proto(Receipt { n: self.n + r#for.n })
    }

    fn kind() -> &'static str {
        "purse"
    }

    async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
        self.n = cx.id().as_str().parse().unwrap_or(0);
        Ok(())
    }

    async fn on_deactivate(&mut self, _: &Ctx, _: DeactivationReason) -> Result<(), HookError> {
        Err(format!("{} of a {} are lost", self.n, Self::kind()).into())
    }
}

/// Nothing but what is required, by the path of the trait.
#[derive(Default)]
struct Hole;

#[object(crate = "goverse_node")]
impl shared::Wallet for Hole {
    fn deposit(&mut self, _n: u64) -> u64 {
        0
    }

    async fn pay(&mut self, _: &Ctx, _to: String, n: u64) -> Result<u64, WalletError> {
        Err(WalletError::TooLittle { missing: n })
    }

    async fn wait(&self) {}

    fn balance(&self) -> u64 {
        0
    }

    fn take(&mut self, missing: u64) -> Result<u64, WalletError> {
        Err(WalletError::TooLittle { missing })
    }

    fn receipt(&self, r#for: Proto<Receipt>) -> Proto<Receipt> {
        r#for
    }

    fn kind() -> &'static str {
        "hole"
    }
}

fn node<T: Object + Default>() -> Node {
    Node::builder("localhost:47000".parse().unwrap()).object::<T>().build().unwrap()
}

#[test]
fn an_implementation_has_the_name_and_the_methods_of_the_trait() {
    let rows: Vec<_> = Purse::METHODS.iter().map(|row| (row.name(), row.turn())).collect();
    assert_eq!((Purse::TYPE, Hole::TYPE), ("bank.Wallet", "bank.Wallet"));
    assert_eq!(
        rows,
        [
            ("deposit", Turn::Exclusive),
            ("pay", Turn::Exclusive),
            ("wait", Turn::Shared),
            ("balance", Turn::Shared),
            ("take", Turn::Exclusive),
            ("receipt", Turn::Shared),
        ]
    );
}

#[tokio::test]
async fn the_reference_of_the_trait_calls_every_method() {
    let node = node::<Purse>();
    let wallet = node.object::<WalletRef>("10");
    assert_eq!(wallet.deposit(5).await.unwrap(), 15);
    assert_eq!(wallet.pay("20".into(), 4).await.unwrap(), 24);
    let error = wallet.pay("20".into(), 40).await.unwrap_err();
    assert_eq!(error, CallError::Method(WalletError::TooLittle { missing: 29 }));
    wallet.wait().await.unwrap();
    assert_eq!(wallet.balance().await.unwrap(), 11);
    assert_eq!(wallet.take(1).await.unwrap(), 1);
    let error = wallet.take(11).await.unwrap_err();
    assert_eq!(error.method().unwrap(), WalletError::TooLittle { missing: 1 });
    let receipt = wallet.receipt(Proto(Receipt { n: 1 })).await.unwrap();
    assert_eq!(receipt.n, 11);
}

#[tokio::test]
async fn the_type_is_called_by_the_same_reference() {
    let node = node::<Hole>();
    let wallet: WalletRef = node.object::<Hole>("a").clone();
    assert_eq!((wallet.type_name(), wallet.id()), ("bank.Wallet", "a"));
    assert_eq!(format!("{wallet:?}"), r#"NamedRef { type: "bank.Wallet", id: "a", .. }"#);
    let call = tokio::spawn(wallet.pay("b".into(), 2));
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.method().unwrap(), WalletError::TooLittle { missing: 2 });
}

#[tokio::test]
async fn arguments_have_the_names_of_the_trait() {
    let node = node::<Purse>();
    let pay = async |arguments: &str| {
        let arguments = arguments.as_bytes().to_vec();
        let reply = node.call("bank.Wallet", "10", "pay", Encoding::Json, arguments).await;
        reply.map(|reply| String::from_utf8(reply.bytes).unwrap())
    };
    assert_eq!(pay(r#"{"to": "20", "n": 1}"#).await.unwrap(), "21");
    assert_eq!(pay(r#"["20", 1]"#).await.unwrap(), "22");
    let error = pay(r#"{"to": "20", "amount": 1}"#).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::InvalidArguments);
}

#[tokio::test]
async fn hooks_of_an_implementation_are_called() {
    let node = node::<Purse>();
    assert_eq!(node.object::<WalletRef>("7").balance().await.unwrap(), 7);
    let error = node.destroy_object("bank.Wallet", "7").await.unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "7 of a purse are lost");
}

#[tokio::test]
async fn a_type_that_is_not_registered_is_told() {
    let node = Node::builder("localhost:47000".parse().unwrap()).build().unwrap();
    let error = node.object::<WalletRef>("7").balance().await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::UnknownType);
}
