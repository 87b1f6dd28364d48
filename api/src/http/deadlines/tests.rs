use super::*;
use crate::http::doors::Doors;
use poem::listener::Acceptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn timed<S>(stream: S) -> Timed<S> {
    Timed::new(stream, None, &Clock::system())
}

/// Seconds until a server that reads gives up on a client that sends `first`, then a byte each second.
async fn lasts(first: &[u8], drip: Option<u8>) -> u64 {
    let (mut client, server) = tokio::io::duplex(4096);
    let (mut server, began) = (timed(server), Instant::now());
    client.write_all(first).await.unwrap();
    let dripping = tokio::spawn(async move {
        while let Some(byte) = drip {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if client.write_all(&[byte]).await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    });
    let mut buffer = [0; 512];
    while server.read(&mut buffer).await.is_ok() {}
    dripping.abort();
    began.elapsed().as_secs()
}

#[tokio::test]
async fn who_comes_when_every_place_is_taken_waits_for_one() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = poem::listener::TcpAcceptor::from_tokio(listener).unwrap();
    let mut door = Deadlines { acceptor, doors: Doors::with(2), clock: Clock::system() };
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let first = door.accept().await.unwrap();
    let _second = door.accept().await.unwrap();
    let mut third = Box::pin(door.accept());
    assert!(futures_util::poll!(&mut third).is_pending());
    drop(first);
    assert!(third.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_nothing_has_ten_seconds_and_after_an_answer_a_minute() {
    assert!((10..13).contains(&lasts(b"", None).await));
    let (mut client, server) = tokio::io::duplex(4096);
    let mut server = timed(server);
    let mut buffer = [0; 512];
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(server.read(&mut buffer).await.unwrap() > 0);
    server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    let began = Instant::now();
    assert!(server.read(&mut buffer).await.is_err());
    assert!((60..63).contains(&began.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_head_has_ten_seconds_however_it_comes() {
    assert!((10..13).contains(&lasts(b"GET / HTTP/1.1\r\n", None).await));
    assert!((10..13).contains(&lasts(b"GET / HTTP/1.1\r\nX: ", Some(b'a')).await));
}

#[tokio::test(start_paused = true)]
async fn a_body_has_thirty_seconds_however_it_comes() {
    assert!((30..33).contains(&lasts(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{", None).await));
    assert!((30..33).contains(&lasts(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{", Some(b' ')).await));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_told_to_go_on_has_no_more_time_for_its_body() {
    for drip in [false, true] {
        let (mut client, server) = tokio::io::duplex(4096);
        let (mut server, began) = (timed(server), Instant::now());
        let mut buffer = [0; 512];
        client
            .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n")
            .await
            .unwrap();
        assert!(server.read(&mut buffer).await.unwrap() > 0);
        server.write_all(CONTINUE).await.unwrap();
        let dripping = tokio::spawn(async move {
            while drip && client.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            std::future::pending::<()>().await;
        });
        while server.read(&mut buffer).await.is_ok() {}
        dripping.abort();
        assert!((30..33).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn http_2_is_not_spoken_here_however_it_arrives() {
    for parts in [&["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"][..], &["PR", "I * HTTP/2", ".0\r\n"]] {
        let (mut client, server) = tokio::io::duplex(4096);
        let mut server = timed(server);
        let mut buffer = [0; 512];
        let mut heard = Ok(1);
        for part in parts {
            client.write_all(part.as_bytes()).await.unwrap();
            heard = server.read(&mut buffer).await;
        }
        assert!(heard.is_err());
    }
    let (mut client, server) = tokio::io::duplex(4096);
    let mut server = timed(server);
    client.write_all(b"PRIVATE * HTTP/1.1\r\nPRI * HTTP/2.0\r\n").await.unwrap();
    assert!(server.read(&mut [0; 512]).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_has_thirty_seconds() {
    let (_client, server) = tokio::io::duplex(64);
    let (mut server, began) = (timed(server), Instant::now());
    while server.write_all(&[0; 32]).await.is_ok() {}
    assert!((30..33).contains(&began.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn who_answers_in_time_stays() {
    let (mut client, server) = tokio::io::duplex(4096);
    let mut server = timed(server);
    let mut buffer = [0; 512];
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(50)).await;
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert!(server.read(&mut buffer).await.unwrap() > 0);
        server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        assert!(client.read(&mut buffer).await.unwrap() > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_taken_drop_by_drop_ends_all_the_same() {
    // Of each ten seconds, so many bytes are taken.
    for (bytes, lasts) in [(1, 30..33), (64, 30..33), (10 * 1024, 50..53), (40 * 1024, 1000..1001)] {
        let (mut client, server) = tokio::io::duplex(64);
        let (mut server, began) = (timed(server), Instant::now());
        let taking = tokio::spawn(async move {
            let mut buffer = vec![0; bytes];
            loop {
                tokio::time::sleep(Duration::from_secs(10)).await;
                client.read_exact(&mut buffer).await.ok();
            }
        });
        let writing = async { while server.write_all(&[0; 64]).await.is_ok() {} };
        tokio::time::timeout(Duration::from_secs(1000), writing).await.ok();
        taking.abort();
        assert!(lasts.contains(&began.elapsed().as_secs()), "{bytes}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_whatever_there_is_may_listen_for_ever() {
    let (mut client, server) = tokio::io::duplex(64);
    let (mut server, mut buffer) = (timed(server), [0; 96]);
    for _ in 0..100 {
        // Each event waits for its listener a little: in all much longer than one answer may.
        let event = async {
            server.write_all(&[0; 96]).await.unwrap();
            server.flush().await.unwrap();
        };
        let taken = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            client.read_exact(&mut buffer).await.unwrap();
        };
        tokio::join!(event, taken);
    }
}
