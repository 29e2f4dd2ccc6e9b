//! Stands between a phone and the server, and pulls the server's plug at a chosen moment of a SetParameterValues.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// When the server dies.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// It has sent the request; the phone never sees it.
    BeforeRequest,
    /// The phone has carried it out; the server never hears of it.
    BeforeAnswer,
    /// The phone's answer has been handed to the server, so long ago.
    AfterAnswer(Duration),
}

type Kill = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone)]
pub struct Proxy {
    pub address: SocketAddr,
    server: SocketAddr,
    plan: Arc<Mutex<Option<Moment>>>,
    kill: Kill,
    killed: Arc<Notify>,
}

impl Proxy {
    pub async fn start(server: SocketAddr, kill: impl Fn() + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Self { address, server, plan: Arc::default(), kill: Arc::new(kill), killed: Arc::default() };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                tokio::spawn(serving.clone().carry(phone));
            }
        });
        proxy
    }

    pub fn acs_url(&self) -> String {
        format!("http://{}/acs", self.address)
    }

    /// The next SetParameterValues is the server's end.
    pub fn arm(&self, moment: Moment) {
        *self.plan.lock().unwrap() = Some(moment);
    }

    pub async fn killed(&self) {
        tokio::time::timeout(super::LONG, self.killed.notified()).await.expect("the server is killed");
    }

    fn plan(&self) -> Option<Moment> {
        *self.plan.lock().unwrap()
    }

    /// At most one connection does it.
    fn strike(&self) {
        if self.plan.lock().unwrap().take().is_some() {
            (self.kill)();
            self.killed.notify_one();
        }
    }

    async fn carry(self, mut phone: TcpStream) {
        // While the server starts again a phone waits here rather than try and fail.
        let mut server = loop {
            match TcpStream::connect(self.server).await {
                Ok(server) => break server,
                Err(_) => tokio::time::sleep(Duration::from_millis(15)).await,
            }
        };
        let (mut down, mut up) = (Heard::default(), Heard::default());
        let mut request_out = false;
        loop {
            tokio::select! {
                read = server.read(&mut down.chunk) => {
                    let Ok(length @ 1..) = read else { return };
                    up.clear();
                    if down.takes(length, "<cwmp:SetParameterValues>") && let Some(moment) = self.plan() {
                        if matches!(moment, Moment::BeforeRequest) {
                            return self.strike();
                        }
                        request_out = true;
                    }
                    if phone.write_all(&down.chunk[..length]).await.is_err() { return }
                }
                read = phone.read(&mut up.chunk) => {
                    let Ok(length @ 1..) = read else { return };
                    down.clear();
                    let answer = up.takes(length, "SetParameterValuesResponse") && up.text.trim_end().ends_with("Envelope>");
                    match self.plan() {
                        Some(Moment::BeforeAnswer) if request_out && answer => return self.strike(),
                        Some(Moment::AfterAnswer(wait)) if request_out && answer => {
                            let _ = server.write_all(&up.chunk[..length]).await;
                            tokio::time::sleep(wait).await;
                            return self.strike();
                        }
                        _ => {}
                    }
                    if server.write_all(&up.chunk[..length]).await.is_err() { return }
                }
            }
        }
    }
}

/// What one side said since the other last spoke.
struct Heard {
    chunk: Vec<u8>,
    text: String,
}

impl Default for Heard {
    fn default() -> Self {
        Self { chunk: vec![0; 64 * 1024], text: String::new() }
    }
}

impl Heard {
    fn takes(&mut self, length: usize, needle: &str) -> bool {
        self.text.push_str(&String::from_utf8_lossy(&self.chunk[..length]));
        self.text.contains(needle)
    }

    fn clear(&mut self) {
        self.text.clear();
    }
}
