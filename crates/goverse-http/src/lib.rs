//! HTTP ports that outlive their clients: where to listen, how many connections there may be, how slow
//! and how large they may get, and how much work is done for them at once.
//!
//! Both the operations port of a node and the inspector stand on this. It knows no page and no metric.

mod admission;
mod connections;
mod listen;

pub use admission::{Admission, Admitted};
pub use connections::{ConnectionLimits, serve};
pub use listen::{explain, listen};
