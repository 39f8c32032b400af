//! Implementations that callers by the trait would not get on with.
#![allow(unused)]

mod shared {
    use goverse_node::object;

    #[object(crate = "goverse_node")]
    pub trait Wallet {
        fn pay(&mut self, to: String, n: u64) -> bool;
        fn balance(&self) -> Outcome;
    }

    pub type Outcome = Result<u64, String>;
}

use goverse_node::object;
use shared::{Wallet, WalletRef};

struct Renamed;

#[object(crate = "goverse_node")]
impl Wallet for Renamed {
    fn pay(&mut self, name: String, n: u64) -> bool {
        name.is_empty() && n == 0
    }
    fn balance(&self) -> Result<u64, String> {
        Ok(0)
    }
}

fn main() {}
