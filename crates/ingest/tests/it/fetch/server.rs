//! A web server that misbehaves as told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does on a connection once it was asked.
pub(crate) enum Do {
    Send(Vec<u8>),
    /// Sends the same again and again until the client goes away.
    Endless(Vec<u8>),
    /// Keeps the connection and says nothing more.
    Hang,
}

/// What was asked: the path, the whole head in lower case, and how many were before it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) nth: usize,
}

type Script = dyn Fn(&Asked) -> Vec<Do> + Send + Sync;

pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(script: impl Fn(&Asked) -> Vec<Do> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, script) = (Arc::clone(&asked), Arc::new(script));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&script) as Arc<Script>));
            }
        });
        Self { port, asked, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Paths that were asked since the last call.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked.lock().unwrap().drain(..).map(|a| a.path).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Asked>>>, script: Arc<Script>) {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => head.extend(piece.iter().take(n)),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let asked = {
        let mut seen = seen.lock().unwrap();
        let asked = Asked { path, head: head.to_lowercase(), nth: seen.len() };
        seen.push(asked.clone());
        asked
    };
    for step in script(&asked) {
        match step {
            Do::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Do::Endless(bytes) => while stream.write_all(&bytes).await.is_ok() {},
            // Until the client gives up.
            Do::Hang => while matches!(stream.read(&mut piece).await, Ok(n) if n > 0) {},
        }
    }
}

/// A whole answer.
pub(crate) fn answer(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<Do> {
    let body = body.as_ref();
    let mut bytes = head(status, headers, Some(body.len()));
    bytes.extend_from_slice(body);
    vec![Do::Send(bytes)]
}

pub(crate) fn ok(body: impl AsRef<[u8]>) -> Vec<Do> {
    answer("200 OK", &[], body)
}

pub(crate) fn redirect(to: &str) -> Vec<Do> {
    answer("302 Found", &[&format!("Location: {to}")], "")
}

/// The head of an answer, with a length where there is one.
pub(crate) fn head(status: &str, headers: &[&str], length: Option<usize>) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    headers.iter().for_each(|h| text.push_str(&format!("{h}\r\n")));
    if let Some(length) = length {
        text.push_str(&format!("Content-Length: {length}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}
