//! Callers who save one state after the other, as a node's objects do.

use std::sync::Arc;
use std::time::Instant;

use goverse_core::{ObjectId, TypeName};
use goverse_node::bench_support::StoreAccess;
use goverse_node::{
    Change, Encoding, FenceKey, Load, ObjectKey, Save, StateStore, StoredState, Tenure,
};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::{RUN_TIME, STATE_BYTES};

/// How many saves a second all callers get through together.
pub(super) fn saves_per_second(
    runtime: &Runtime,
    store: &Arc<dyn StateStore>,
    callers: usize,
) -> f64 {
    runtime.block_on(async {
        let access = StoreAccess::new("localhost:47000", Arc::clone(store));
        let tenure = store.begin_tenure(&FenceKey::ALONE, 1).await.expect("the store answers");
        let begun = Instant::now();
        let mut saving = JoinSet::new();
        for caller in 0..callers {
            saving.spawn(save(access.clone(), object(caller), tenure.clone(), begun));
        }
        let saves: u64 = saving.join_all().await.into_iter().sum();
        saves as f64 / begun.elapsed().as_secs_f64()
    })
}

fn object(caller: usize) -> ObjectKey {
    let id = format!("caller-{caller}");
    ObjectKey {
        type_name: TypeName::new("Wallet").expect("it is a valid name"),
        id: ObjectId::new(&id).expect("it is a valid id"),
    }
}

/// Saves until the run is over; how often.
async fn save(access: StoreAccess, object: ObjectKey, tenure: Tenure, begun: Instant) -> u64 {
    let load = Load { object: object.clone(), tenure: tenure.clone(), raise_to: None, now: 1 };
    let mut version = access.load(load).await.expect("the store answers").version;
    let mut saves = 0;
    while begun.elapsed() < RUN_TIME {
        let bytes = vec![7; STATE_BYTES];
        let expected = version;
        version.0 += 1;
        let save = Save {
            object: object.clone(),
            tenure: tenure.clone(),
            expected,
            next: version,
            change: Change::Put(StoredState { schema: 1, encoding: Encoding::Json, bytes }),
            now: 1,
            calls: Vec::new(),
            outgoing: Vec::new(),
        };
        access.save(save).await.expect("nobody else saves it");
        saves += 1;
    }
    saves
}
