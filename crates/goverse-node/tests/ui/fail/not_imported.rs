//! A trait without its reference.
#![allow(unused)]

mod shared {
    use goverse_node::object;

    #[object(crate = "goverse_node")]
    pub trait Wallet {
        fn balance(&self) -> u64;
    }
}

use goverse_node::object;
use shared::Wallet;

struct Empty;

#[object(crate = "goverse_node")]
impl Wallet for Empty {
    fn balance(&self) -> u64 {
        0
    }
}

fn main() {}
