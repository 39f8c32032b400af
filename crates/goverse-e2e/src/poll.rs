//! Waiting for a condition, with a deadline. This is the only place that sleeps.

use std::fmt::{Debug, Display};
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// For what takes a moment when the machine is quiet: it may be busy.
pub const SOON: Duration = Duration::from_secs(20);

/// For what takes several seconds even on a quiet machine, such as the first scrapes of Prometheus.
pub const LATER: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(25);

/// Tries until `attempt` succeeds, and returns what it gave.
///
/// # Panics
/// At the deadline, with what was waited for, where, and what the last attempt saw.
#[track_caller]
pub fn until<T>(
    what: impl Display,
    deadline: Duration,
    attempt: impl AsyncFnMut() -> Result<T, String>,
) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move {
        match try_until(deadline, attempt).await {
            Ok(output) => output,
            Err(seen) => {
                panic!("waited {deadline:?} for {what} at {caller}\nlast seen: {seen}")
            }
        }
    }
}

/// Tries until `attempt` succeeds.
///
/// # Errors
/// At the deadline, with what the last attempt saw.
pub async fn try_until<T>(
    deadline: Duration,
    mut attempt: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T, String> {
    let end = Instant::now() + deadline;
    let mut seen = String::from("nothing: the first attempt did not end");
    loop {
        match timeout_at(end, attempt()).await {
            Ok(Ok(output)) => return Ok(output),
            Ok(Err(now)) => seen = now,
            Err(_) => return Err(seen),
        }
        if Instant::now() + PAUSE > end {
            return Err(seen);
        }
        sleep(PAUSE).await;
    }
}

/// Lets time pass: for a moment of the test's own choosing, or between two attempts of a client, never for a condition.
pub async fn pause(pause: Duration) {
    sleep(pause).await;
}

/// A condition as an attempt: what was seen, when it is not what was expected.
///
/// # Errors
/// When the condition does not hold.
pub fn expect(holds: bool, seen: impl Debug) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{seen:?}")) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{SOON, try_until, until};

    #[tokio::test]
    async fn an_attempt_is_repeated_until_it_succeeds() {
        let mut attempts = 0;
        let output = until("the third attempt", SOON, async || {
            attempts += 1;
            if attempts == 3 { Ok(attempts) } else { Err(format!("{attempts}")) }
        });
        assert_eq!(output.await, 3);
    }

    #[tokio::test]
    async fn the_deadline_tells_what_was_seen_last() {
        let short = Duration::from_millis(60);
        let never: Result<(), String> = try_until(short, async || Err("a wall".to_owned())).await;
        assert_eq!(never.unwrap_err(), "a wall");
        let stuck: Result<(), String> = try_until(short, std::future::pending).await;
        assert_eq!(stuck.unwrap_err(), "nothing: the first attempt did not end");
    }

    #[tokio::test]
    #[should_panic(expected = "poll.rs")]
    async fn a_panic_names_the_caller() {
        until("a thing", Duration::from_millis(10), async || Err::<(), _>("no".to_owned())).await;
    }
}
