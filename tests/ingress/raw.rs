//! A client that writes requests as it likes.

use support::PATIENCE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shop;

/// The head of a request with one event, to be completed.
pub(super) const HEAD: &str = "POST /tasks/7 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

pub(super) async fn connect(shop: &Shop) -> TcpStream {
    TcpStream::connect(shop.url.trim_start_matches("http://")).await.expect("the ingress listens")
}

pub(super) async fn write(socket: &mut TcpStream, text: &str) {
    socket.write_all(text.as_bytes()).await.expect("the connection is open");
}

/// Begins a request with many lines, whose connection ends with the answer.
pub(super) async fn begin_lines(shop: &Shop) -> TcpStream {
    let mut socket = connect(shop).await;
    let head = HEAD.replace("application/json", "application/x-ndjson");
    write(&mut socket, &format!("{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n")).await;
    socket
}

pub(super) async fn chunk(socket: &mut TcpStream, text: &str) {
    write(socket, &format!("{:x}\r\n{text}\r\n", text.len())).await;
}

/// Everything up to the end of the connection.
pub(super) async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut bytes)).await;
    // A connection that is reset is closed, too.
    drop(read.expect("the connection is closed in time"));
    String::from_utf8_lossy(&bytes).into_owned()
}
