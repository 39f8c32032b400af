//! What the driver of a cluster tells the part of a node that serves shards.

use std::sync::Arc;
use std::time::Duration;

use crate::coordinator::BoxFuture;
use crate::machine::Loss;
use crate::tenure::{Incarnation, Token};
use crate::window::Window;

/// The part of a node that serves shards.
///
/// The driver calls one method after the other, in the order in which the protocol asks for it, and goes on when it has
/// returned; so what a method promises is true when it returns, and none may wait. A token is good for what is done while
/// the window of its incarnation is open, and until it is revoked.
pub trait Tenant: Send + Sync + 'static {
    /// Another incarnation begins. Its window is not open yet.
    fn begin(&self, incarnation: Incarnation, window: &Arc<Window>);

    /// The window is about to end then, and not when it was said before.
    fn window_moves(&self, end: Duration) {
        let _ = end;
    }

    /// Turns of this tenure may begin.
    fn serve(&self, token: Token);

    /// No turns of this tenure begin any more but those of chains that run in it. When none runs, all is saved and the
    /// activations are gone, [`Cluster::idle`](crate::Cluster::idle) is to be told, which this may do itself.
    fn release(&self, token: Token);

    /// Nothing of these tenures has any effect once this returns.
    fn revoke(&self, tokens: &[Token]);

    /// The incarnation is over. Its window is closed, and all of its tokens are revoked.
    fn lost(&self, loss: Loss);

    /// The node leaves, and has no shards any more: what it has accepted is to be answered, and its peers are to know.
    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
