//! Ports for the programs that tests start.
//!
//! Ports come from below the range that the system gives to outgoing connections, so that no scrape
//! takes one before its program listens. Within this process none is given twice; another process may
//! take one all the same, so whoever starts a program tries again with others.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::ops::Range;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Below 32768, where Linux' `ip_local_port_range` begins.
const RANGE: Range<u16> = 20_000..32_000;

static PORTS: LazyLock<Mutex<Ports>> = LazyLock::new(|| Mutex::new(Ports::from_process()));

/// The ports that have not been given yet.
struct Ports {
    next: u16,
    given: BTreeSet<u16>,
}

/// A free port.
pub fn free_port() -> u16 {
    free_ports_in_a_row(1)
}

/// The first of `count` free ports in a row.
///
/// # Panics
/// When there are none.
pub fn free_ports_in_a_row(count: u16) -> u16 {
    PORTS.lock().unwrap_or_else(PoisonError::into_inner).take(count)
}

// === impl Ports ===

impl Ports {
    /// Begins where other test processes probably do not.
    fn from_process() -> Self {
        let offset = std::process::id().wrapping_mul(617) % u32::from(RANGE.end - RANGE.start);
        let offset = u16::try_from(offset).expect("less than the range's length");
        Self { next: RANGE.start + offset, given: BTreeSet::new() }
    }

    fn take(&mut self, count: u16) -> u16 {
        for _ in RANGE {
            let first = if self.next + count > RANGE.end { RANGE.start } else { self.next };
            let ports = first..first + count;
            self.next = ports.end;
            if ports.clone().all(|port| !self.given.contains(&port) && is_free(port)) {
                self.given.extend(ports);
                return first;
            }
        }
        panic!("there are no {count} free ports in a row in {RANGE:?}")
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{free_port, free_ports_in_a_row};

    #[test]
    fn no_port_is_given_twice() {
        let first = free_ports_in_a_row(3);
        let others = [free_port(), free_port(), free_ports_in_a_row(3)];
        assert!(others.iter().all(|port| !(first..first + 3).contains(port)), "{first} {others:?}");
    }
}
