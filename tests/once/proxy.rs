//! A proxy that hands bytes on and cuts connections at random: before a request gets through, or when the gateway has
//! answered it and the client has not seen that yet.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The proxy; it ends with the runtime.
pub(crate) struct Proxy {
    address: SocketAddr,
    cuts: Arc<AtomicUsize>,
}

/// What becomes of one request and its answer.
#[derive(Clone, Copy)]
enum Fate {
    /// Both get through.
    Spared,
    /// The request never arrives.
    CutBefore,
    /// The answer never arrives, or half of it.
    CutAfter,
}

impl Proxy {
    /// Listens, and hands on to `gateway`. Of `one_in` requests one is cut after it was carried out, and half as often
    /// one is before.
    pub(crate) async fn start(gateway: SocketAddr, one_in: u32, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cuts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&cuts);
        tokio::spawn(async move {
            for connection in 0_u64.. {
                let Ok((client, _)) = listener.accept().await else { return };
                let rng = StdRng::seed_from_u64(seed ^ connection.rotate_left(32));
                let counted = Arc::clone(&counted);
                tokio::spawn(async move {
                    // Whoever goes away ends the connection; that is all there is to say.
                    let _ = hand_on(client, gateway, one_in, rng, &counted).await;
                });
            }
        });
        Self { address, cuts }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

/// Requests and answers in turns; each is small enough to come in one piece nearly always, and one that does not is only
/// judged once more.
async fn hand_on(
    mut client: TcpStream,
    gateway: SocketAddr,
    one_in: u32,
    mut rng: StdRng,
    cuts: &AtomicUsize,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(gateway).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut fate = Fate::Spared;
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let read = read?;
                fate = match rng.random_range(0..2 * one_in) {
                    0 => Fate::CutBefore,
                    1 | 2 => Fate::CutAfter,
                    _ => Fate::Spared,
                };
                if read == 0 {
                    return Ok(());
                }
                if matches!(fate, Fate::CutBefore) {
                    cuts.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                server.write_all(&request[..read]).await?;
            }
            read = server.read(&mut answer) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                if matches!(fate, Fate::CutAfter) {
                    cuts.fetch_add(1, Ordering::Relaxed);
                    let part = rng.random_range(0..read);
                    return client.write_all(&answer[..part]).await;
                }
                client.write_all(&answer[..read]).await?;
            }
        }
    }
}
