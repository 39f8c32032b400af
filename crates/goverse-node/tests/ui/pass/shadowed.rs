//! What is generated does not depend on the names that are around it, and is silent under every lint.
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications)]

#[allow(dead_code)]
mod shadows {
    pub(crate) struct Option;
    pub(crate) struct Result;
    pub(crate) struct Object;
    pub(crate) struct Method;
    pub(crate) struct Call;
    pub(crate) struct Future;
    pub(crate) trait Send {}
    pub(crate) trait Clone {}
    pub(crate) mod core {}
    pub(crate) mod std {}
    pub(crate) mod serde {}
    pub(crate) mod goverse_node {}
}

mod objects {
    #[allow(unused_imports)]
    use super::shadows::*;

    pub(crate) struct Thing;

    #[::goverse_node::object(crate = "::goverse_node")]
    impl Thing {
        fn none(&self) {}
        pub(crate) fn one(&mut self, object: u64) -> u64 {
            object
        }
        pub(super) async fn many(&mut self, context: &::goverse_node::Ctx, cx: u64, object: i64, told: u8) -> u64 {
            let _ = context;
            cx + object.unsigned_abs() + u64::from(told)
        }
    }

    #[::goverse_node::object(crate = "::goverse_node")]
    pub(crate) trait Shape {
        fn none(&self);
        async fn many(&mut self, name: u64, id: i64) -> u64;
    }

    pub(crate) struct Square;

    #[::goverse_node::object(crate = "::goverse_node")]
    impl Shape for Square {
        fn none(&self) {}
        async fn many(&mut self, name: u64, id: i64) -> u64 {
            name + id.unsigned_abs()
        }
    }
}

fn main() {
    let node = ::goverse_node::Node::builder("localhost:47000".parse().unwrap());
    let _ = node.object_with(|| objects::Thing).object_with(|| objects::Square);
}
