//! Who is let in over TLS, and who is talked to.

use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::io::testing::Authority;
use crate::io::tls;

#[tokio::test]
async fn tls_with_the_server_checked() {
    let authority = Authority::new();
    let checked = TlsSettings {
        check_chain: true,
        check_names: true,
        system_authorities: false,
        identity: Some(authority.sign("phone.example")),
        ..TlsSettings::default()
    };
    let mut shell = Shell::new(LOCALHOST, Some(authority.pem.clone()), checked);
    let (listener, to) = peer().await;
    let server = |name: &str| {
        let settings = TlsSettings { identity: Some(authority.sign(name)), ..TlsSettings::default() };
        TlsAcceptor::from(tls::server(&settings).unwrap())
    };
    shell.send(Transport::Tls, to, &options(1));
    let (stream, _) = listener.accept().await.unwrap();
    let (stream, _) = tokio::join!(server("pbx.example").accept(stream), shell.connected());
    let mut stream = stream.unwrap();
    assert_eq!(stream.get_ref().1.server_name(), Some("pbx.example"), "SNI");
    assert_eq!(take(&mut stream, options(1).len()).await, options(1));
    stream.write_all(&options(2)).await.unwrap();
    assert_eq!(shell.message().await.2, options(2));
    drop(stream);
    assert_eq!(shell.disconnected().await.0, to);
    // A server with another's certificate gets nothing.
    shell.send(Transport::Tls, to, &options(3));
    let (stream, _) = listener.accept().await.unwrap();
    let (accepted, lost) = tokio::join!(server("else.example").accept(stream), shell.disconnected());
    assert!(accepted.is_err() && lost.1.contains("certificate"), "{lost:?}");
}

#[tokio::test]
async fn who_calls_by_tls_is_answered_but_not_trusted() {
    let authority = Authority::new();
    let identity = Some(authority.sign("phone.example"));
    let checked = TlsSettings { check_names: true, identity, ..TlsSettings::default() };
    let mut shell = Shell::new(LOCALHOST, None, checked);
    let port = shell.streams.listen(Socket { account: 1, transport: Transport::Tls, port: 0 }).unwrap();
    let stream = TcpStream::connect((LOCALHOST, port)).await.unwrap();
    let connector = TlsConnector::from(tls::client(&shell.settings.tls, &None).unwrap());
    let talk = async {
        let mut stream = connector.connect(tls::server_name("phone.example", LOCALHOST), stream).await.unwrap();
        stream.write_all(&options(1)).await.unwrap();
        stream
    };
    let (mut client, (_, from, _)) = tokio::join!(talk, shell.message());
    // A request to a name is not for somebody who happens to call from its address.
    shell.send_from(1, port, Transport::Tls, from, &options(2));
    shell.disconnected().await;
    let answer = b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n";
    shell.send_from(1, port, Transport::Tls, from, answer);
    assert_eq!(take(&mut client, answer.len()).await, answer);
    // Without the check it is.
    shell.settings.tls.check_names = false;
    shell.send_from(1, port, Transport::Tls, from, &options(3));
    assert_eq!(take(&mut client, options(3).len()).await, options(3));
}

#[tokio::test]
async fn a_connection_checked_for_one_name_does_not_serve_another() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    let acceptor = TlsAcceptor::from(tls::server(&TlsSettings::default()).unwrap());
    for name in ["one.example", "ONE.example", "two.example"] {
        let (name, bytes) = (name.to_owned(), options(1));
        let transmit = Transmit { account: 1, transport: Transport::Tls, local_port: 5061, to, name, bytes };
        shell.streams.send(transmit, shell.settings.clone()).unwrap();
    }
    let (mut names, mut kept) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (stream, _) = listener.accept().await.unwrap();
        let (stream, _) = tokio::join!(acceptor.accept(stream), shell.connected());
        let stream = stream.unwrap();
        names.push(stream.get_ref().1.server_name().unwrap().to_owned());
        kept.push(stream);
    }
    names.sort();
    assert_eq!(names, ["one.example", "two.example"]);
}
