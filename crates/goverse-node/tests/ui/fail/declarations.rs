//! Traits whose callers would not know enough.
#![allow(unused)]

use goverse_node::{Ctx, HookError, object};

#[object(crate = "goverse_node")]
trait Wallet {
    type Coin;

    fn deposit(&mut self, coin: Self::Coin);
    fn like_me(&self) -> Vec<Self>;
    fn borrowed(&self, text: &str);
    fn with_a_body(&self) -> u64 {
        1
    }
    async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError>;
}

#[object(crate = "goverse_node")]
trait Generic<T> {}

fn main() {}
