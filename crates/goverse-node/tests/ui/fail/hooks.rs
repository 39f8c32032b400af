//! Hooks that are not what the node calls.
#![allow(unused)]

use goverse_node::{Ctx, DeactivationReason, HookError, object};

struct NoContext;

#[object(crate = "goverse_node")]
impl NoContext {
    async fn on_activate(&mut self) -> Result<(), HookError> {
        Ok(())
    }
    async fn on_deactivate(&mut self, cx: &Ctx) -> Result<(), HookError> {
        Ok(())
    }
}

struct Shared;

#[object(crate = "goverse_node")]
impl Shared {
    async fn on_activate(&self, cx: &Ctx) -> Result<(), HookError> {
        Ok(())
    }
    async fn on_deactivate(&mut self, reason: DeactivationReason, cx: &Ctx) -> Result<(), HookError> {
        Ok(())
    }
}

struct NotAsync;

#[object(crate = "goverse_node")]
impl NotAsync {
    fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
        Ok(())
    }
    async fn on_deactivate(&mut self, cx: &Ctx, reason: DeactivationReason) {}
}

fn main() {}
