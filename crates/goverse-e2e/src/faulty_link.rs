//! A link between a program and a server that breaks at random.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Passes connections on, on loopback. A connection is cut before, within or after what it passes on, as chance has it.
pub struct FaultyLink {
    address: SocketAddr,
    cutting: Arc<Cutting>,
    accepting: JoinHandle<()>,
}

/// How often connections are cut.
struct Cutting {
    /// One chunk in so many; never if 0.
    one_in: AtomicU32,
    cuts: AtomicU64,
}

/// What becomes of a chunk.
enum Fate {
    PassedOn,
    Lost,
    /// The first half of it arrives.
    Halved,
    /// It arrives, and nothing after it.
    TheLast,
}

// === impl FaultyLink ===

impl FaultyLink {
    /// Begins to pass on what comes to a free port to `port`.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(port: u16, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let cutting = Arc::new(Cutting { one_in: AtomicU32::new(0), cuts: AtomicU64::new(0) });
        let accepting = tokio::spawn(accept(listener, port, seed, Arc::clone(&cutting)));
        Ok(Self { address, cutting, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts a connection at one chunk in so many from now on; never if 0.
    pub fn cut_one_in(&self, chunks: u32) {
        self.cutting.one_in.store(chunks, Ordering::Relaxed);
    }

    /// How many connections it has cut.
    pub fn cuts(&self) -> u64 {
        self.cutting.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for FaultyLink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, port: u16, seed: u64, cutting: Arc<Cutting>) {
    let mut seeds = SmallRng::seed_from_u64(seed);
    while let Ok((client, _)) = listener.accept().await {
        let choices = [seeds.random(), seeds.random()].map(SmallRng::seed_from_u64);
        tokio::spawn(pass_on(client, port, choices, Arc::clone(&cutting)));
    }
}

/// Passes on both ways, until one end closes or it is cut.
async fn pass_on(client: TcpStream, port: u16, choices: [SmallRng; 2], cutting: Arc<Cutting>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let [there, back] = choices;
    tokio::select! {
        _ = pump(from_client, to_server, there, &cutting) => {}
        _ = pump(from_server, to_client, back, &cutting) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut choices: SmallRng,
    cutting: &Cutting,
) -> io::Result<()> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        let passed = match cutting.fate(&mut choices) {
            Fate::PassedOn => {
                to.write_all(&chunk[..length]).await?;
                continue;
            }
            Fate::Lost => 0,
            Fate::Halved => length / 2,
            Fate::TheLast => length,
        };
        cutting.cuts.fetch_add(1, Ordering::Relaxed);
        return to.write_all(&chunk[..passed]).await;
    }
}

// === impl Cutting ===

impl Cutting {
    fn fate(&self, choices: &mut SmallRng) -> Fate {
        let one_in = self.one_in.load(Ordering::Relaxed);
        if one_in == 0 || choices.random_range(0..one_in) > 0 {
            return Fate::PassedOn;
        }
        match choices.random_range(0..3) {
            0 => Fate::Lost,
            1 => Fate::Halved,
            _ => Fate::TheLast,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::FaultyLink;

    #[tokio::test]
    async fn what_it_is_given_arrives_until_it_is_cut() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let link = FaultyLink::start(listener.local_addr().unwrap().port(), 1).await.unwrap();
        let mut client = TcpStream::connect(link.address()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let mut seen = [0; 5];
        server.read_exact(&mut seen).await.unwrap();
        assert_eq!((&seen, link.cuts()), (b"hello", 0));
        link.cut_one_in(1);
        client.write_all(b"hello").await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert_eq!(link.cuts(), 1);
    }
}
