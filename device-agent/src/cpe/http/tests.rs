use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::*;

/// What a server saw of a POST.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    /// Which of its connections, from 1.
    connection: usize,
    target: String,
    host: String,
    length: String,
    authorization: String,
    cookie: String,
}

#[derive(Clone)]
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers each POST with what `answer` makes of its number, from 0.
    async fn start(bind: &str, answer: impl Fn(usize) -> Response<Full<Bytes>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(bind).await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, answer) = (server.seen.clone(), Arc::new(answer));
        tokio::spawn(async move {
            for connection in 1.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, answer) = (seen.clone(), answer.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (seen, answer) = (seen.clone(), answer.clone());
                    async move {
                        let header = |name: &str| {
                            request
                                .headers()
                                .get(name)
                                .map(|value| value.to_str().unwrap())
                                .unwrap_or("none")
                                .to_owned()
                        };
                        let mut seen = seen.lock().unwrap();
                        seen.push(Seen {
                            connection,
                            target: request.uri().to_string(),
                            host: header("host"),
                            length: header("content-length"),
                            authorization: header("authorization"),
                            cookie: header("cookie"),
                        });
                        Ok::<_, Infallible>(answer(seen.len() - 1))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        server
    }

    fn connections(&self) -> Vec<usize> {
        self.seen.lock().unwrap().iter().map(|seen| seen.connection).collect()
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &'static [u8]) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status);
    let response = headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
    response.body(Full::new(Bytes::from_static(body))).unwrap()
}

fn http(url: &str) -> Http {
    Http::new(TlsOptions::default(), url, Login::new("phone".into(), "pw".into())).unwrap()
}

#[tokio::test]
async fn every_post_goes_over_one_connection() {
    static LONG: [u8; 300_000] = [b'x'; 300_000];
    let challenge = "Digest realm=\"acs\", qop=\"auth\", nonce=\"1\"";
    let server = Server::start("127.0.0.1:0", move |number| match number {
        0 => answer(401, &[("www-authenticate", challenge)], &LONG),
        2 => answer(302, &[("location", "/elsewhere?x=1")], b"over there"),
        4 => answer(204, &[], b""),
        _ => answer(200, &[], &LONG),
    })
    .await;
    let mut http = http(&format!("http://{}/acs", server.address));
    for (body, length) in [("inform", LONG.len()), ("answer", LONG.len()), ("", 0)] {
        assert_eq!(http.post(body).await.unwrap().body.len(), length);
    }
    http.close().await;
    let seen = server.seen.lock().unwrap().clone();
    let told: Vec<_> = seen.iter().map(|seen| (seen.connection, seen.target.as_str(), seen.length.as_str())).collect();
    let moved = "/elsewhere?x=1";
    assert_eq!(told, [(1, "/acs", "6"), (1, "/acs", "6"), (1, "/acs", "6"), (1, moved, "6"), (1, moved, "0")]);
    assert!(seen.iter().all(|seen| seen.host == server.address.to_string()));
}

#[tokio::test]
async fn a_closed_connection_is_opened_anew() {
    let closing = [("connection", "close")];
    let server =
        Server::start("127.0.0.1:0", move |number| answer(200, &closing[usize::from(number != 1)..], b"")).await;
    let mut http = http(&format!("http://{}/", server.address));
    for _ in 0..3 {
        assert_eq!(http.post("x").await.unwrap().status, 200);
    }
    assert_eq!(server.connections(), [1, 1, 2]);
}

#[tokio::test]
async fn another_server_is_another_connection() {
    let second = Server::start("[::1]:0", |_| answer(200, &[], b"")).await;
    let to = format!("http://{}/b", second.address);
    let first = Server::start("127.0.0.1:0", move |_| answer(307, &[("location", &to)], b"")).await;
    let mut http = http(&format!("http://localhost:{}/", first.address.port()));
    for _ in 0..2 {
        assert_eq!(http.post("x").await.unwrap().status, 200);
    }
    assert_eq!((first.connections(), second.connections()), (vec![1], vec![1, 1]));
    assert_eq!(first.seen.lock().unwrap()[0].host, format!("localhost:{}", first.address.port()));
    assert_eq!(second.seen.lock().unwrap()[0].host, format!("[::1]:{}", second.address.port()));
}

#[tokio::test]
async fn another_server_learns_no_cookie_and_no_password_unasked() {
    let second = Server::start("[::1]:0", |_| answer(200, &[], b"")).await;
    let to = format!("http://{}/b", second.address);
    let first = Server::start("127.0.0.1:0", move |number| match number {
        0 => answer(401, &[("www-authenticate", "Basic realm=\"acs\""), ("set-cookie", "s=1")], b""),
        1 => answer(302, &[("location", "/here")], b""),
        _ => answer(302, &[("location", &to), ("set-cookie", "t=2")], b""),
    })
    .await;
    assert_eq!(http(&format!("http://{}/", first.address)).post("x").await.unwrap().status, 200);
    let shown = |server: &Server| -> Vec<_> {
        let seen = server.seen.lock().unwrap();
        seen.iter().map(|seen| (seen.authorization.starts_with("Basic "), seen.cookie.clone())).collect()
    };
    let (none, own) = ((false, "none".to_owned()), (true, "s=1".to_owned()));
    assert_eq!(shown(&first), [none.clone(), own.clone(), own]);
    assert_eq!(shown(&second), [none]);
}

#[tokio::test]
async fn what_goes_wrong_is_said_without_the_address() {
    static TOO_LONG: [u8; MOST_BODY + 1] = [b'x'; MOST_BODY + 1];
    let server = Server::start("127.0.0.1:0", |number| match number {
        0 => answer(200, &[], &TOO_LONG),
        _ => answer(302, &[("location", "/again")], b""),
    })
    .await;
    let url = format!("http://{}/token", server.address);
    assert!(matches!(http(&url).post("x").await, Err(HttpError::TooLarge)));
    assert!(matches!(http(&url).post("x").await, Err(HttpError::Redirects)));
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let why = http(&format!("http://{gone}/token")).post("x").await.unwrap_err().to_string();
    assert!(why.contains("refused") && !why.contains("token") && !why.contains("127.0.0.1"), "{why}");
    // A server that says goodbye instead of answering; and one that speaks no TLS.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = mute.accept().await {
            drop(stream);
        }
    });
    for scheme in ["http", "https"] {
        let why = http(&format!("{scheme}://{address}/token")).post("x").await.unwrap_err();
        assert!(matches!(&why, HttpError::Io(why) if !why.contains("token")), "{why:?}");
    }
}

#[test]
fn redirects_never_leave_http_nor_lose_protection() {
    let from: Url = "https://h/a/cfg.xml".parse().unwrap();
    let follow = |to: Option<&str>| {
        let headers = to.map(|to| (LOCATION, to.parse().unwrap())).into_iter().collect();
        redirected(&from, &headers)
    };
    assert_eq!(follow(Some("../b.xml")).unwrap().as_str(), "https://h/b.xml");
    for to in [None, Some("http://h/"), Some("file:///etc/passwd"), Some("tftp://h/")] {
        assert!(follow(to).is_none(), "{to:?}");
    }
}
