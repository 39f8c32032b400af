//! Calls after a commit that failed for good: what they were, and what is to become of them.

use goverse::core::{ObjectId, TypeName};
use goverse::node::{DeadLetter, ObjectKey, OutgoingKey, StateStore, Version};

use super::{PAGE, broken};
use crate::failure::Failure;
use crate::output::{Reader, print};

pub(super) async fn run(
    store: &dyn StateStore,
    retry: Option<&str>,
    delete: Option<&str>,
) -> Result<(), Failure> {
    let Some(text) = retry.or(delete) else { return list(store).await };
    let wrong =
        || Failure::usage(format!("{text:?} is no key; the list shows them in its first column"));
    let key = read_key(text).ok_or_else(wrong)?;
    if !store.resolve_dead_letter(&key, retry.is_some()).await.map_err(broken)? {
        return Err(Failure::usage(format!("there is no dead letter {text}")));
    }
    let done = if retry.is_some() { "is to be made again" } else { "is deleted" };
    print(&format!("{text} {done}\n")).map(drop)
}

async fn list(store: &dyn StateStore) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let page = store.dead_letters(after, PAGE).await.map_err(broken)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.call.key.clone());
        for DeadLetter { call, reason, .. } in &page {
            let text = format!("{}\t{}.{}\t{reason}\n", write_key(&call.key), call.to, call.method);
            if print(&text)? == Reader::HasGone {
                return Ok(());
            }
        }
    }
}

/// `Wallet/17.0/ann`: an id may have any character but a control character, so it comes last.
fn write_key(OutgoingKey { from, version, index }: &OutgoingKey) -> String {
    format!("{}/{version}.{index}/{}", from.type_name, from.id)
}

fn read_key(text: &str) -> Option<OutgoingKey> {
    let mut parts = text.splitn(3, '/');
    let type_name = TypeName::new(parts.next()?).ok()?;
    let (version, index) = parts.next()?.split_once('.')?;
    let id = ObjectId::new(parts.next()?).ok()?;
    let (version, index) = (Version(version.parse().ok()?), index.parse().ok()?);
    Some(OutgoingKey { from: ObjectKey { type_name, id }, version, index })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_as_it_was() {
        for text in ["Wallet/17.0/ann", "a.b:c/1.12/x/y z/1.2"] {
            assert_eq!(read_key(text).as_ref().map(write_key).as_deref(), Some(text));
        }
        for wrong in ["", "Wallet", "Wallet/17/ann", "Wallet/x.0/ann", "Wallet/17.0/", "/1.0/a"] {
            assert_eq!(read_key(wrong), None, "{wrong}");
        }
    }
}
