//! The reference's methods are as visible, and as deprecated, as the object's.
#![allow(unused)]
#![deny(deprecated)]

mod counter {
    use goverse_node::object;

    pub struct Counter;

    #[object(crate = "goverse_node")]
    impl Counter {
        fn private(&self) {}
        #[deprecated = "use `new`"]
        pub fn old(&self) {}
    }
}

fn call(counter: &counter::CounterRef) {
    let _ = counter.private();
    let _ = counter.old();
}

fn main() {}
