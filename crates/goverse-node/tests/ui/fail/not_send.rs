//! A future that cannot go to another thread.
#![allow(unused)]

use std::rc::Rc;

use goverse_node::{Ctx, object};

struct Clerk;

#[object(crate = "goverse_node")]
impl Clerk {
    async fn wait(&mut self, cx: &Ctx, times: u64) -> Result<u64, String> {
        let counted = Rc::new(times);
        std::future::ready(()).await;
        Ok(*counted)
    }
}

fn main() {}
