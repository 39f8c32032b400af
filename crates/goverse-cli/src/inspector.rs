//! `goverse inspector`: the inspector by itself.

use goverse::server::stop_signal;
use goverse_inspector::{Inspector, InspectorConfig};

use crate::command_line::InspectorArgs;
use crate::failure::Failure;

const HINT: &str = "--listen-address says where the page is served, --node which nodes it shows";

pub(crate) async fn run(args: InspectorArgs) -> Result<(), Failure> {
    goverse::init_logging("info");
    let InspectorArgs { nodes, listen_address, refresh, timeout } = args;
    let inspector = Inspector::bind(InspectorConfig { listen_address, nodes, refresh, timeout });
    let inspector = inspector.await.map_err(|error| Failure::from(error).hint(HINT))?;
    tracing::info!(address = %inspector.local_addr(), "inspector open");
    let stopped = async {
        stop_signal().await;
    };
    inspector.run(stopped).await;
    Ok(())
}
