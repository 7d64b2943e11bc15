//! Alertmanager, the real one of Debian's package `prometheus-alertmanager`, on a port of this machine.

use std::process::Stdio;

use bellwether_alert::receivers::Answer;
use bellwether_alert::{AlertEvent, Notification};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::{World, firing, minute, receiver, resolved, step};

const CONFIG: &str = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n";

/// A server that ends with the test.
struct Server {
    url: String,
    _child: Child,
    _dir: tempfile::TempDir,
}

impl Server {
    /// Starts it on a port that the system chooses, and reads from its log which one that is.
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("alertmanager.yml"), CONFIG).unwrap();
        let mut child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}/alertmanager.yml", dir.path().display()))
            .arg(format!("--storage.path={}", dir.path().display()))
            .args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("prometheus-alertmanager: tests/run installs it");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = String::new();
        let url = loop {
            let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("it ended:\n{told}"));
            told.push_str(&line);
            told.push('\n');
            let address =
                line.split("address=").nth(1).map(|rest| rest.split(' ').next().unwrap_or_default());
            if let Some(address) = address.filter(|a| a.starts_with("127.0.0.1:") && !a.ends_with(":0")) {
                break format!("http://{address}");
            }
        };
        // Whatever else it has to say must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let server = Self { url, _child: child, _dir: dir };
        assert!(server.get("/-/ready").await.starts_with("HTTP/1.0 200"));
        server
    }

    /// Alerts that it holds to be active.
    async fn alerts(&self) -> Vec<Value> {
        let got = self.get("/api/v2/alerts").await;
        serde_json::from_str(got.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Answer to a GET, head and body.
    async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    fn receiver(&self) -> std::sync::Arc<dyn bellwether_alert::receivers::Receiver> {
        let text = format!(
            "[[receiver]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"{}/\"\nlink = \"https://host/why/{{alert}}\"\n",
            self.url
        );
        receiver(&text, std::path::Path::new("")).1
    }
}

/// The present moment: what a real server compares with. The paused clocks of the other tests would be in its past.
#[expect(clippy::disallowed_methods, reason = "a real server has the real time")]
fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

fn notifications(world: &World) -> Vec<Notification> {
    world.outbox().waiting().map(|letter| letter.notification.clone()).collect()
}

#[tokio::test]
async fn what_fires_appears_and_what_is_resolved_ends() {
    let server = Server::start().await;
    let to = server.receiver();
    let now = now();
    let world = World::new(&["am"]);
    let odd = AlertEvent {
        labels: [
            ("rule", "gap"),
            ("subject", "y"),
            ("team-name", "north"),
            ("1st", "é \"x\""),
            ("empty", ""),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into(),
        ..step("gap.y", firing(), minute(1))
    };
    world.steps(minute(1), &[("gap.x", firing())]);
    world.event(&odd);
    world.steps(minute(2), &[("gap.x", resolved())]);
    let [begin, end] = <[Notification; 2]>::try_from(notifications(&world)).unwrap();

    let answer = to.send(&begin, now).await;
    assert_eq!(answer, Answer::Taken("answered 200 OK".into()));
    let mut alerts = server.alerts().await;
    alerts.sort_by_key(|alert| alert["labels"]["alert"].to_string());
    assert_eq!(alerts.len(), 2, "{alerts:#?}");
    let alert = &alerts[0];
    assert_eq!(alert["labels"]["alertname"], "gap");
    assert_eq!(alert["labels"]["alert"], "alert.gap.x");
    assert_eq!(alert["labels"]["severity"], "warning");
    assert_eq!(alert["annotations"]["summary"], "gap.x is at -0.31, below -0.25");
    assert_eq!(alert["generatorURL"], "https://host/why/alert.gap.x");
    assert_eq!(alert["startsAt"], "2026-01-01T00:00:00.000Z");
    assert_eq!(alert["status"]["state"], "active");
    let ends: DateTime<Utc> = alert["endsAt"].as_str().unwrap().parse().unwrap();
    assert!((ends - now).num_hours() >= 23, "a pause of this program does not end it: {ends}");
    assert_eq!(
        (alerts[1]["labels"]["team_name"].as_str(), alerts[1]["labels"]["_1st"].as_str()),
        (Some("north"), Some("é \"x\""))
    );

    // Sent again, it is the same alert.
    assert!(matches!(to.send(&begin, now).await, Answer::Taken(_)));
    assert_eq!(server.alerts().await.len(), 2);

    assert!(matches!(to.send(&end, now).await, Answer::Taken(_)));
    let left = server.alerts().await;
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0]["labels"]["alert"], "alert.gap.y");

    // A server that has forgotten is reminded.
    let forgetful = Server::start().await;
    assert_eq!(forgetful.alerts().await.len(), 0);
    let reminded = forgetful.receiver();
    assert!(reminded.refresh().is_some());
    assert!(matches!(reminded.remind(&begin.alerts, now).await, Answer::Taken(_)));
    assert_eq!(forgetful.alerts().await.len(), 2);
}

#[tokio::test]
async fn a_test_message_is_marked_and_ends_by_itself() {
    let server = Server::start().await;
    let now = now();
    let answer = server.receiver().send(&Notification::trial("am", now), now).await;
    assert!(matches!(answer, Answer::Taken(_)), "{answer:?}");
    let alerts = server.alerts().await;
    assert_eq!(alerts[0]["labels"]["test"], "true");
    let ends: DateTime<Utc> = alerts[0]["endsAt"].as_str().unwrap().parse().unwrap();
    assert!((ends - now).num_seconds() <= 61, "{ends}");
}
