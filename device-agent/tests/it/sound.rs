//! The phone's page and its sound in a browser.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use audio::device::DeviceKind;
use device_agent::control::TOKEN_FILE;
use device_agent::{Agent, AgentConfig, AgentHandle};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// 10 ms, 48 kHz, i16.
const BYTES: usize = 960;
const LIMIT: Duration = Duration::from_secs(20);

async fn phone(dir: &Path, sound: Option<DeviceKind>) -> (AgentHandle, SocketAddr, String) {
    let config = AgentConfig {
        connection_request_port: Some(0),
        sip_bind: "127.0.0.1".parse().unwrap(),
        control: Some("127.0.0.1:0".parse().unwrap()),
        sound,
        // Nobody listens there.
        ..AgentConfig::new(dir, "c074ad120701".parse().unwrap(), "http://127.0.0.1:9/")
    };
    let agent = Agent::start(config).await.unwrap();
    let address = agent.control_addr().unwrap();
    (agent, address, std::fs::read_to_string(dir.join(TOKEN_FILE)).unwrap())
}

/// Joins, or says with which status it was refused.
async fn join(address: SocketAddr, protocols: &str) -> Result<WebSocketStream<TcpStream>, StatusCode> {
    let mut request = format!("ws://{address}/sound").into_client_request().unwrap();
    if !protocols.is_empty() {
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match timeout(LIMIT, client_async(request, stream)).await.unwrap() {
        Ok((socket, answer)) => {
            assert_eq!(answer.headers()["sec-websocket-protocol"], "sound");
            Ok(socket)
        }
        Err(Error::Http(answer)) => Err(answer.status()),
        Err(error) => panic!("{error}"),
    }
}

async fn join_when_free(address: SocketAddr, protocols: &str) -> WebSocketStream<TcpStream> {
    for _ in 0..400 {
        match join(address, protocols).await {
            Ok(socket) => return socket,
            Err(status) => assert_eq!(status, StatusCode::CONFLICT),
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the seat stays taken");
}

#[tokio::test]
async fn one_browser_with_the_token_hears_the_dial_tone() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, address, token) = phone(dir.path(), Some(DeviceKind::Browser)).await;
    assert_eq!(join(address, "").await.unwrap_err(), StatusCode::UNAUTHORIZED);
    assert_eq!(join(address, "sound, bearer.wrong").await.unwrap_err(), StatusCode::UNAUTHORIZED);
    let protocols = format!("sound, bearer.{token}");
    let mut socket = join(address, &protocols).await.unwrap();
    assert_eq!(join(address, &protocols).await.unwrap_err(), StatusCode::CONFLICT, "the seat is taken");

    agent.hook(true).await;
    let heard = async {
        loop {
            socket.send(Message::Binary(vec![0; BYTES].into())).await.unwrap();
            let Some(Ok(Message::Binary(bytes))) = socket.next().await else { panic!("the sound ended") };
            assert_eq!(bytes.len(), BYTES);
            let loud = |pair: &[u8]| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > 500;
            if bytes.chunks_exact(2).any(loud) {
                break;
            }
        }
    };
    timeout(LIMIT, heard).await.unwrap();

    // What is no whole block ends it, and the next one may come.
    socket.send(Message::Binary(vec![0; BYTES - 1].into())).await.unwrap();
    let ended = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(LIMIT, ended).await.unwrap();
    drop(socket);
    let mut socket = join_when_free(address, &protocols).await;
    socket.send(Message::Binary(vec![0; 200 * BYTES].into())).await.unwrap();
    let ended = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(LIMIT, ended).await.unwrap();
    agent.shutdown().await;
}

#[tokio::test]
async fn there_is_no_seat_where_the_sound_goes_elsewhere() {
    for sound in [Some(DeviceKind::Null), None] {
        let dir = tempfile::tempdir().unwrap();
        let (agent, address, token) = phone(dir.path(), sound).await;
        let refused = join(address, &format!("sound, bearer.{token}")).await.unwrap_err();
        assert_eq!(refused, StatusCode::CONFLICT);
        agent.shutdown().await;
    }
}

#[tokio::test]
async fn the_page_is_served_to_everybody_and_what_it_asks_for_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, address, token) = phone(dir.path(), Some(DeviceKind::Browser)).await;
    let client = device_agent::tls::TlsOptions::default().http().unwrap().build().unwrap();
    let get = async |path: &str| client.get(format!("http://{address}{path}")).send().await.unwrap();
    for (path, kind) in [("/", "text/html"), ("/page.js", "text/javascript"), ("/worklet.js", "text/javascript")] {
        let answer = get(path).await;
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
        let text = answer.text().await.unwrap();
        assert!(!text.is_empty() && !text.contains(&token));
    }
    assert_eq!(get("/phone").await.status(), 401);
    assert_eq!(get("/sound").await.status(), 401);
    let plain = client.get(format!("http://{address}/sound")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(plain.status(), 426);
    agent.shutdown().await;
}
