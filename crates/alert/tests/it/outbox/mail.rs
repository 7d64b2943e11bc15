//! Mail, to a real server: Debian's `python3-aiosmtpd`, which speaks SMTP with STARTTLS and TLS from the first byte, needs no
//! root and no folder of the system, and puts what it takes into a maildir.
#![cfg(feature = "smtp")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use bellwether_alert::Notification;
use bellwether_alert::receivers::Answer;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{World, firing, free_port, minute, receiver};

fn pem(what: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}

/// A server that ends with the test.
struct Server {
    at: SocketAddr,
    dir: tempfile::TempDir,
    _child: Child,
}

impl Server {
    /// `tls` is `starttls`, `tls` or `none`.
    async fn start(tls: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (at, path) = (free_port(), dir.path().to_owned());
        let made =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        std::fs::write(path.join("cert.pem"), pem("CERTIFICATE", made.cert.der())).unwrap();
        std::fs::write(path.join("key.pem"), pem("PRIVATE KEY", &made.signing_key.serialize_der())).unwrap();
        let mut command = Command::new("aiosmtpd");
        command.args(["-n", "-d", "-d", "-l", &at.to_string(), "-c", "aiosmtpd.handlers.Mailbox"]);
        let options = match tls {
            "starttls" => ["--tlscert", "--tlskey"].as_slice(),
            "tls" => &["--smtpscert", "--smtpskey"],
            _ => &[],
        };
        for (option, file) in options.iter().zip(["cert.pem", "key.pem"]) {
            command.arg(option).arg(path.join(file));
        }
        let mut child = command
            .arg(path.join("mail"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("aiosmtpd: tests/run installs it");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = String::new();
        loop {
            let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("it ended:\n{told}"));
            told.push_str(&line);
            told.push('\n');
            if line.contains("Starting asyncio loop") {
                break;
            }
        }
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { at, dir, _child: child }
    }

    fn settings(&self, tls: &str) -> String {
        format!(
            "[[receiver]]\nname = \"a\"\nkind = \"smtp\"\nhost = \"localhost\"\nport = {}\ntls = \"{tls}\"\nfrom = \"Bellwether <watch@example.org>\"\nto = [\"one@example.org\", \"two@example.org\"]\nca = \"{}/cert.pem\"\n",
            self.at.port(),
            self.dir.path().display()
        )
    }

    /// What it has taken.
    fn mail(&self) -> Vec<String> {
        let mut found: Vec<PathBuf> = std::fs::read_dir(self.dir.path().join("mail/new"))
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        found.sort();
        found.iter().map(|path| std::fs::read_to_string(path).unwrap().replace("\r\n", "\n")).collect()
    }
}

fn one() -> Notification {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    world.outbox().waiting().next().unwrap().notification.clone()
}

async fn send(text: &str, notification: &Notification) -> Answer {
    receiver(text, Path::new("")).1.send(notification, minute(7)).await
}

#[tokio::test]
async fn mail_arrives_over_each_kind_of_connection() {
    for tls in ["none", "starttls", "tls"] {
        let server = Server::start(tls).await;
        let it = one();
        let answer = send(&server.settings(tls), &it).await;
        assert!(matches!(&answer, Answer::Taken(what) if what.starts_with("250")), "{tls}: {answer:?}");
        // The same again: the reader's program knows it by its id.
        send(&server.settings(tls), &it).await;
        let mail = server.mail();
        assert_eq!(mail.len(), 2, "{tls}");
        for text in &mail {
            let (head, body) = text.split_once("\n\n").unwrap();
            let header = |name: &str| {
                head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
            };
            assert_eq!(header("Message-ID:"), format!("<{}@example.org>", it.id));
            assert_eq!(header("Subject:"), "[FIRING] gap.x is at -0.31, below -0.25");
            assert_eq!(header("Date:"), "Thu, 01 Jan 2026 00:07:00 +0000");
            assert_eq!(header("Auto-Submitted:"), "auto-generated");
            assert!(header("From:").contains("watch@example.org"), "{head}");
            assert!(
                body.contains("FIRING: gap.x is at -0.31") && body.contains("what to do: read the figures"),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_in_an_alert_makes_a_header() {
    let server = Server::start("none").await;
    let mut hostile = one();
    let event = &mut hostile.alerts[0].event;
    event.summary = "x\r\nBcc: victim@example.org\r\n\r\nbody \u{202e}é".into();
    event.alert = "alert.x\r\n.\r\nMAIL FROM:<a@b.c>".into();
    assert!(matches!(send(&server.settings("none"), &hostile).await, Answer::Taken(_)));
    let mail = server.mail();
    assert_eq!(mail.len(), 1);
    let (head, _) = mail[0].split_once("\n\n").unwrap();
    assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");
    assert_eq!(head.lines().filter(|line| line.starts_with("X-RcptTo")).count(), 1, "{head}");
    assert!(!head.contains("victim@example.org\n"), "{head}");
}

#[tokio::test]
async fn a_server_that_is_not_there_not_trusted_or_without_tls_is_tried_again() {
    let server = Server::start("tls").await;
    let untrusted: String = server
        .settings("tls")
        .lines()
        .filter(|l| !l.starts_with("ca"))
        .fold(String::new(), |text, line| text + line + "\n");
    let plain = Server::start("none").await;
    let nobody =
        server.settings("none").replace(&server.at.port().to_string(), &free_port().port().to_string());
    for (what, text) in
        [("untrusted", untrusted), ("no STARTTLS", plain.settings("starttls")), ("nobody", nobody)]
    {
        let answer = send(&text, &one()).await;
        assert!(matches!(answer, Answer::Failed { .. }), "{what}: {answer:?}");
    }
    assert_eq!(
        server.mail().len() + plain.mail().len(),
        0,
        "nothing went over a connection that was not as asked"
    );
}
