//! A daemon over a store, for as long as a test holds it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::binary::{binary, plain};
use crate::{Outcome, Store, root};

/// Nothing that a test waits for takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest wait for a line of the log before looking all the same.
const LOOK: Duration = Duration::from_secs(1);

/// A running `bellwether watch`; it is killed with the test.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    url: String,
    /// One for each line of its log, as it comes.
    lines: Mutex<Receiver<()>>,
    /// Its log, once it has ended.
    log: Option<JoinHandle<String>>,
}

impl Daemon {
    /// Starts one on a free port and waits until it answers.
    #[track_caller]
    pub fn start(store: &Store) -> Self {
        Self::start_with(store, &[], &[])
    }

    /// The same with options for the whole program, and with variables.
    #[track_caller]
    pub fn start_with(store: &Store, options: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary());
        plain(&mut command);
        command.current_dir(root()).arg("--store").arg(store.path()).args(options);
        command.args(["watch", "--listen", "127.0.0.1:0"]).envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stderr = child.stderr.take().expect("a pipe");
        let (started, told) = channel();
        let (wrote, lines) = channel();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if line.contains("started") {
                    started.send(()).ok();
                }
                log.push_str(&line);
                log.push('\n');
                wrote.send(()).ok();
            }
            log
        });
        let mut daemon = Self { child, url: String::new(), lines: Mutex::new(lines), log: Some(log) };
        daemon.wait_for(&told);
        let file = std::fs::read(store.path().join("daemon.json")).expect("it leaves its address");
        let file: serde_json::Value = serde_json::from_slice(&file).expect("the address is JSON");
        let url = file.get("url").and_then(serde_json::Value::as_str);
        daemon.url = url.expect("a url").to_owned();
        daemon
    }

    #[track_caller]
    fn wait_for(&mut self, told: &Receiver<()>) {
        if told.recv_timeout(PATIENCE).is_err() {
            self.child.kill().ok();
            panic!("the daemon did not start:\n{}", self.rest_of_log());
        }
    }

    fn rest_of_log(&mut self) -> String {
        self.log.take().and_then(|log| log.join().ok()).unwrap_or_default()
    }

    /// Waits until it is so: whatever changes in the daemon is a line of its log, and each line is an occasion to look.
    #[track_caller]
    pub fn until(&self, what: &str, mut so: impl FnMut() -> bool) {
        let (mut lines, mut idle) = (0, 0);
        while !so() {
            // A line may be written before what it tells can be read, and be the last one.
            match self.lines.lock().expect("one waits at a time").recv_timeout(LOOK) {
                Ok(()) => lines += 1,
                Err(RecvTimeoutError::Timeout) => idle += 1,
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before: {what}"),
            }
            assert!(lines < 10_000 && idle < 120, "never came: {what}\n{}", self.get("/v1/feeds").1);
        }
    }

    /// Where it listens, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends it a signal by its short name, `TERM`, `STOP`, `HUP`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|s| s.success()), "kill -{name}");
    }

    /// Ends it in good order; answers its exit code and its log.
    #[track_caller]
    pub fn stop(mut self) -> Outcome {
        self.signal("TERM");
        let status = self.child.wait().expect("it ends");
        let log = self.rest_of_log();
        let output = std::process::Output { status, stdout: Vec::new(), stderr: log.into_bytes() };
        Outcome::new("bellwether watch".to_owned(), &output)
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Asks; answers status and body of the answer.
    #[track_caller]
    pub fn get(&self, path: &str) -> (u16, String) {
        let host = self.url.strip_prefix("http://").expect("http");
        let mut stream = TcpStream::connect(host).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        (status, body.to_owned())
    }

    /// Sends a body; answers status and body of the answer.
    #[track_caller]
    pub fn post(&self, path: &str, kind: &str, body: &str) -> (u16, String) {
        let host = self.url.strip_prefix("http://").expect("http");
        let mut stream = TcpStream::connect(host).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        (status, body.to_owned())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}
