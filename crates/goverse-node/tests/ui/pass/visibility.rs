//! A type and its methods may have any visibilities.
#![deny(warnings)]

use goverse_node::{Node, object};

mod inner {
    use goverse_node::{Node, object};

    struct Private;
    pub(crate) struct InCrate;
    pub struct Public;
    pub struct Elsewhere;

    #[object(crate = "goverse_node")]
    impl Private {
        pub fn public(&self) {}
        pub(crate) fn in_crate(&self) {}
        fn private(&self) {}
    }

    #[object(crate = "goverse_node")]
    impl InCrate {
        pub fn public(&self) {}
        pub(in crate::inner) fn in_module(&self) {}
        fn private(&self) {}
    }

    #[object(crate = "goverse_node")]
    impl Public {
        fn private(&self) {}
    }

    #[object(crate = "goverse_node")]
    impl super::Outer {
        pub(super) fn outer(&self) {}
    }

    #[object(crate = "goverse_node")]
    trait PrivateTrait {
        fn private(&self, one: u64, two: u64);
    }

    struct Implementation;

    #[object(crate = "goverse_node")]
    impl PrivateTrait for Implementation {
        fn private(&self, one: u64, two: u64) {
            let _ = (one, two);
        }
    }

    pub(super) fn call(node: &Node) {
        let _ = node.object::<Private>("a").private();
        let _ = node.object::<Implementation>("a").private(1, 2);
        let _ = (Private, Implementation);
    }
}

struct Outer;


#[object(crate = "goverse_node")]
impl inner::Elsewhere {
    fn by_another_module(&self) {}
}

fn main() {
    let node = Node::builder("localhost:47000".parse().unwrap()).build().unwrap();
    inner::call(&node);
    let _ = node.object::<Outer>("a").outer();
    let _ = node.object::<inner::InCrate>("a").public();
    let _ = node.object::<inner::Elsewhere>("a").by_another_module();
    let _ = (Outer, inner::InCrate, inner::Public, inner::Elsewhere);
}
