//! Lines in a file, on disk before they count.

use bellwether_alert::Notification;
use bellwether_alert::receivers::Answer;

use super::{World, firing, minute, receiver, resolved};

const FILE: &str = "[[receiver]]\nname = \"a\"\nkind = \"file\"\npath = \"out/alerts.ndjson\"\n";

fn notifications() -> Vec<Notification> {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    world.steps(minute(2), &[("gap.x", resolved())]);
    world.outbox().waiting().map(|letter| letter.notification.clone()).collect()
}

#[tokio::test]
async fn a_line_a_notification_and_none_twice_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out/alerts.ndjson");
    let all = notifications();
    let send = async |n: usize| {
        // A receiver each time: what a restart forgets.
        receiver(FILE, dir.path()).1.send(&all[n], minute(5)).await
    };
    let written = |text: &str| Answer::Taken(text.to_owned());
    assert_eq!(send(0).await, written("written"));
    assert_eq!(send(0).await, written("already there"));
    assert_eq!(send(1).await, written("written"));
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["id"], all[0].id.to_string());
    assert_eq!(lines[1]["alerts"][0]["happening"], "resolved");
    // Cut anywhere in the last line, it is written again as it was.
    let first = text.lines().next().unwrap().len() + 1;
    for at in [first, first + 1, text.len() - 30, text.len() - 2, text.len() - 1] {
        std::fs::write(&path, &text[..at]).unwrap();
        send(1).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "cut at {at}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("out"), "not a folder").unwrap();
    let answer = receiver(FILE, dir.path()).1.send(&notifications()[0], minute(5)).await;
    assert!(matches!(answer, Answer::Failed { away: true, .. }), "{answer:?}");
}
