//! Limits of number and time, most in paused time, which jumps to the next deadline whenever nothing else is left to do.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_shake_hands_is_given_up() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    let start = Instant::now();
    shell.send(Transport::Tls, to, &options(1));
    let _mute = listener.accept().await.unwrap();
    assert_eq!(shell.disconnected().await, (to, "no connection within 5 s".to_owned()));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_end_ends_the_connection() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    shell.send(Transport::Tcp, to, &options(1));
    shell.connected().await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let drip = async {
        loop {
            tokio::time::sleep(Duration::from_secs(4)).await;
            stream.write_all(b"X").await.unwrap();
        }
    };
    let lost = async { tokio::time::timeout(Duration::from_secs(60), shell.reports.recv()).await.unwrap() };
    let start = Instant::now();
    let report = tokio::select! {
        report = lost => report,
        () = drip => None,
    };
    assert!(matches!(report, Some(Report::Ended { end: Some(why), .. }) if why.contains("does not finish")));
    assert!((30..40).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn idle_connections_end_but_not_those_of_a_registration() {
    let mut shell = Shell::plain();
    let (registrar, other) = (peer().await, peer().await);
    let register = b"REGISTER sip:a SIP/2.0\r\nl: 0\r\n\r\n";
    shell.send(Transport::Tcp, registrar.1, register);
    shell.connected().await;
    let (mut registered, _) = registrar.0.accept().await.unwrap();
    take(&mut registered, register.len()).await;
    shell.send(Transport::Tcp, other.1, &options(1));
    shell.connected().await;
    let (mut called, _) = other.0.accept().await.unwrap();
    take(&mut called, options(1).len()).await;
    let port = shell.streams.listen(Socket { account: 1, transport: Transport::Tcp, port: 0 }).unwrap();
    let mut caller = TcpStream::connect((LOCALHOST, port)).await.unwrap();
    caller.write_all(&options(2)).await.unwrap();
    shell.message().await;
    let start = Instant::now();
    for (stream, seconds) in [(&mut caller, 120), (&mut called, 900)] {
        let report = shell.reports.recv().await.unwrap();
        assert!(matches!(report, Report::Ended { end: None, .. }));
        assert_eq!(start.elapsed().as_secs(), seconds);
        assert!(shell.streams.input(report).is_none(), "nothing the phone need know");
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    }
    let hours = timeout(Duration::from_secs(36_000), registered.read(&mut [0])).await;
    assert!(hours.is_err(), "{hours:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_given_up() {
    let (mut shell, (listener, to)) = (Shell::plain(), peer().await);
    shell.send(Transport::Tcp, to, &options(1));
    shell.connected().await;
    let _deaf = listener.accept().await.unwrap();
    let large = vec![b'x'; 60_000];
    let lost = loop {
        shell.send(Transport::Tcp, to, &large);
        match timeout(Duration::from_millis(1), shell.reports.recv()).await {
            Ok(Some(report)) => break shell.streams.input(report),
            Ok(None) => panic!("no driver"),
            Err(_) => {}
        }
    };
    assert!(matches!(lost, Some(Input::Disconnected { reason, .. }) if reason == "the peer takes nothing"));
}

#[tokio::test]
async fn few_connections_from_one_address() {
    let mut shell = Shell::plain();
    let port = shell.streams.listen(Socket { account: 1, transport: Transport::Tcp, port: 0 }).unwrap();
    let mut clients = Vec::new();
    for call_id in 0..=MOST_FROM_ONE {
        let mut client = TcpStream::connect((LOCALHOST, port)).await.unwrap();
        let written = client.write_all(&options(1)).await;
        if call_id < MOST_FROM_ONE {
            written.unwrap();
            shell.message().await;
        }
        clients.push(client);
    }
    // The last is turned away while the shell looks at something else: the first says one more thing.
    clients[0].write_all(&options(2)).await.unwrap();
    assert_eq!(shell.message().await.2, options(2));
    let mut end = [0];
    let last = timeout(Duration::from_secs(10), clients[MOST_FROM_ONE].read(&mut end)).await.unwrap();
    assert!(matches!(last, Ok(0) | Err(_)), "{last:?}");
}
