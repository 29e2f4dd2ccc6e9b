//! A phone that registers over TCP and TLS, with a registrar of a few lines on real sockets.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use phone_core::settings::servers::ServerSettings;
use phone_core::sip::message::frame::{Frame, Framer};
use phone_core::sip::message::{Message, Name, ResponseBuilder};
use phone_core::sip::transport::Transport;
use phone_core::{AccountSettings, IoOptions, PhoneConfig, PhoneEvent, spawn};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Says 200 to every request on the stream; gives them back when the phone hangs up.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Vec<Message> {
    let (mut framer, mut requests, mut buffer) = (Framer::default(), Vec::new(), [0; 512]);
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        framer.push(&buffer[..read]);
        while let Some(frame) = framer.next().unwrap() {
            let Frame::Message(bytes) = frame else { continue };
            let request = Message::parse_datagram(&bytes).unwrap();
            let via = request.top_via().unwrap();
            let response = ResponseBuilder::new(&request, 200, via, "t").header(Name::Expires, 60).finish(&[]);
            // In two pieces, as a network may.
            let (one, two) = response.split_at(response.len() / 2);
            stream.write_all(one).await.unwrap();
            stream.flush().await.unwrap();
            stream.write_all(two).await.unwrap();
            stream.flush().await.unwrap();
            requests.push(request);
        }
    }
    requests
}

fn config(server: SocketAddr, transport: Transport) -> PhoneConfig {
    let mut config = PhoneConfig::new("GHP620", "1", [1, 2, 3, 4, 5, 6]);
    let (server, user) = (server.to_string(), "7".to_owned());
    let account = AccountSettings {
        enabled: true,
        servers: ServerSettings::at(&server),
        user,
        transport,
        local_port: 0,
        ..Default::default()
    };
    config.accounts = vec![account];
    config
}

fn options() -> IoOptions {
    IoOptions { bind: [127, 0, 0, 1].into(), ..IoOptions::default() }
}

async fn registers(config: PhoneConfig, options: IoOptions) -> Option<PhoneEvent> {
    let (phone, mut events) = spawn(config, options).unwrap();
    let next = async {
        assert_eq!(events.recv().await, Some(PhoneEvent::SetupCompleted));
        events.recv().await
    };
    let event = timeout(Duration::from_secs(20), next).await.unwrap();
    phone.shutdown().await;
    event
}

#[tokio::test]
async fn registers_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await });
    let event = registers(config(server, Transport::Tcp), options()).await;
    assert_eq!(event, Some(PhoneEvent::Registered { account: 1 }));
    let requests = timeout(Duration::from_secs(10), serving).await.unwrap().unwrap();
    assert_eq!(requests[0].top_via().unwrap().transport, "TCP");
}

#[tokio::test]
async fn registers_over_tls_and_checks_the_server_if_asked_to() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, authorities) = (made.cert.der().clone(), Arc::<[u8]>::from(made.cert.pem().into_bytes()));
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream).await;
            }
        }
    });
    let registered = Some(PhoneEvent::Registered { account: 1 });
    let mut config = config(server, Transport::Tls);
    assert_eq!(registers(config.clone(), options()).await, registered);
    config.accounts[0].streams.tls.check_names = true;
    config.accounts[0].streams.tls.check_chain = true;
    let event = registers(config.clone(), options()).await;
    assert!(matches!(event, Some(PhoneEvent::RegisterFailed { code: 0, .. })), "{event:?}");
    assert_eq!(registers(config, IoOptions { authorities: Some(authorities), ..options() }).await, registered);
}

#[tokio::test]
async fn a_refused_connection_is_a_failure_at_once() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let event = registers(config(server, Transport::Tcp), options()).await;
    assert!(matches!(event, Some(PhoneEvent::RegisterFailed { code: 0, .. })), "{event:?}");
}
