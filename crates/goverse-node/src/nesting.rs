//! How much stack those futures take that are polled in place, each within the one before.

use std::cell::Cell;

/// What nests deeper is carried on by a task, on a stack of its own. A worker has 2 MiB, of which a call in place takes
/// some kilobytes, in a debug build 40 of them and many times what its method keeps across an await.
const NESTED_BYTES_MAX: usize = 256 << 10;

thread_local! {
    /// Where the stack of the outermost of them begins; 0 while there is none.
    static OUTERMOST: Cell<usize> = const { Cell::new(0) };
}

/// A future is polled in place, until this is dropped.
pub(crate) struct Nested {
    is_outermost: bool,
}

// === impl Nested ===

impl Nested {
    /// `None` if those that are polled already take as much of this stack as they may.
    #[inline]
    pub(crate) fn enter() -> Option<Self> {
        let here = 0_u8;
        let here = std::ptr::from_ref(&here).addr();
        let outermost = OUTERMOST.get();
        if outermost == 0 {
            OUTERMOST.set(here);
            return Some(Self { is_outermost: true });
        }
        (outermost.abs_diff(here) <= NESTED_BYTES_MAX).then_some(Self { is_outermost: false })
    }
}

impl Drop for Nested {
    #[inline]
    fn drop(&mut self) {
        if self.is_outermost {
            OUTERMOST.set(0);
        }
    }
}
