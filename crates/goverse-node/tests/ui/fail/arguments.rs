//! Arguments that cannot come from another node.
#![allow(unused)]

use goverse_node::object;

struct Point(i64, i64);
struct Proto<M>(M);
struct Ctx;

struct Canvas;

#[object(crate = "goverse_node")]
impl Canvas {
    fn text(&mut self, text: &str) {}
    fn slice(&mut self, points: &[u64]) {}
    fn reference(&mut self, other: &std::path::PathBuf) {}
    fn inside(&mut self, text: Option<&'static str>) {}
    fn lifetime(&mut self, text: std::borrow::Cow<'_, str>) {}
    fn unnamed(&mut self, text: impl Into<String>) {}
    fn pattern(&mut self, Point(x, y): Point) {}
    fn underscore(&mut self, _: u64) {}
    fn two_contexts(&mut self, cx: &Ctx, again: &self::Ctx) {}
    fn owned_context(&mut self, cx: Ctx) {}
    fn exclusive_context(&mut self, cx: &mut Ctx) {}
    fn proto_and_more(&mut self, message: Proto<u64>, more: u64) {}
    fn sometimes(&mut self, #[cfg(unix)] only_there: u64) {}
}

fn main() {}
