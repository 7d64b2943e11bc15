//! Files that are put into a folder.

use std::fs;
use std::path::Path;

use bellwether_ingest::{Cursor, Poll, changed_at};
use bellwether_model::Problem;

use super::{at, degraded, feed, found, poller, unchanged};

const T0: &str = "2026-11-25T12:00:00Z";
/// Later than `T0` by more than half of `every`.
const T1: &str = "2026-11-25T12:00:10Z";
const T2: &str = "2026-11-25T12:00:20Z";

fn folder(path: &Path, more: &str) -> Box<dyn Poll> {
    poller(&feed(&format!(
        "kind = \"folder\"\npath = \"{}\"\npattern = \"*.csv\"\nevery = \"10s\"\n{more}",
        path.display()
    )))
}

const RENAMED: &str = "settle = \"rename\"\n";

#[tokio::test]
async fn files_come_by_name_once_each() {
    let dir = tempfile::tempdir().unwrap();
    let mut poll = folder(dir.path(), RENAMED);
    let empty = unchanged(poll.poll(&Cursor::Null, at(T0)).await);
    for name in ["b.csv", "a.csv", "c.txt", ".d.csv", "e.csv.part", "~f.csv", "g.csv~", "h.tmp"] {
        fs::write(dir.path().join(name), name).unwrap();
    }
    fs::create_dir(dir.path().join("sub.csv")).unwrap();
    let a = found(poll.poll(&empty, at(T1)).await);
    assert_eq!((a.name.as_str(), a.text.as_str(), a.more), ("a.csv", "a.csv", true));
    // The cursor did not move, as when the log was full: the same one comes again.
    assert_eq!(found(poll.poll(&empty, at(T1)).await), a);
    let b = found(poll.poll(&a.cursor, at(T1)).await);
    assert_eq!((b.name.as_str(), b.more), ("b.csv", false));
    let cursor = unchanged(poll.poll(&b.cursor, at(T2)).await);
    assert_eq!(changed_at(&cursor), Some(at(T1)));
    unchanged(folder(dir.path(), RENAMED).poll(&b.cursor, at(T2)).await);
    assert!(poll.problems().is_empty());
}

#[tokio::test]
async fn a_file_that_is_still_written_waits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    let mut poll = folder(dir.path(), "");
    fs::write(&path, "half").unwrap();
    unchanged(poll.poll(&Cursor::Null, at(T0)).await);
    // A look right behind the first says nothing.
    unchanged(poll.poll(&Cursor::Null, at("2026-11-25T12:00:01Z")).await);
    fs::write(&path, "half and half").unwrap();
    unchanged(poll.poll(&Cursor::Null, at(T1)).await);
    let whole = found(poll.poll(&Cursor::Null, at(T2)).await);
    assert_eq!(whole.text, "half and half");
}

#[tokio::test]
async fn a_file_renamed_into_place_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut poll = folder(dir.path(), RENAMED);
    let part = dir.path().join("a.csv.part");
    fs::write(&part, "half").unwrap();
    unchanged(poll.poll(&Cursor::Null, at(T0)).await);
    fs::write(&part, "all of it").unwrap();
    fs::rename(&part, dir.path().join("a.csv")).unwrap();
    assert_eq!(found(poll.poll(&Cursor::Null, at(T0)).await).text, "all of it");
}

#[tokio::test]
async fn a_file_that_comes_back_is_new_when_its_content_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    let mut poll = folder(dir.path(), RENAMED);
    fs::write(&path, "one").unwrap();
    let one = found(poll.poll(&Cursor::Null, at(T0)).await);
    // Touched, with the same in it.
    let later = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(2_000_000_000);
    fs::File::options().append(true).open(&path).unwrap().set_modified(later).unwrap();
    let touched = unchanged(poll.poll(&one.cursor, at(T1)).await);
    assert_ne!(touched["seen"], one.cursor["seen"]);
    fs::write(&path, "two").unwrap();
    let two = found(poll.poll(&touched, at(T1)).await);
    assert_eq!(two.text, "two");
    // Gone, it is forgotten: the cursor does not grow with the years.
    fs::remove_file(&path).unwrap();
    let gone = unchanged(poll.poll(&two.cursor, at(T2)).await);
    assert_eq!(gone["seen"], serde_json::json!({}));
}

#[tokio::test]
async fn what_was_taken_is_moved_once_the_cursor_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let more = format!("{RENAMED}done = \"move:taken\"\n");
    fs::create_dir(dir.path().join("taken")).unwrap();
    fs::write(dir.path().join("taken/a.csv"), "of last year").unwrap();
    fs::write(dir.path().join("a.csv"), "a").unwrap();
    let a = found(folder(dir.path(), &more).poll(&Cursor::Null, at(T0)).await);
    assert!(dir.path().join("a.csv").exists(), "it is not in the log yet");
    // A crash before the move: the next process moves it and takes nothing twice.
    let cursor = unchanged(folder(dir.path(), &more).poll(&a.cursor, at(T1)).await);
    assert!(!dir.path().join("a.csv").exists());
    assert_eq!(fs::read_to_string(dir.path().join("taken/a.csv")).unwrap(), "of last year");
    assert_eq!(fs::read_to_string(dir.path().join("taken/a.csv.1")).unwrap(), "a");
    fs::write(dir.path().join("a.csv"), "a").unwrap();
    assert_eq!(found(folder(dir.path(), &more).poll(&cursor, at(T2)).await).text, "a", "put there anew");
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_pipes_are_refused_and_told_once() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("in");
    fs::create_dir(&inside).unwrap();
    fs::write(dir.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(dir.path().join("secret"), inside.join("a.csv")).unwrap();
    std::os::unix::fs::symlink("../secret", inside.join("b.csv")).unwrap();
    std::os::unix::fs::symlink("/nowhere", inside.join("c.csv")).unwrap();
    std::os::unix::net::UnixListener::bind(inside.join("d.csv")).unwrap();
    fs::write(inside.join(std::ffi::OsStr::from_bytes(b"e\xff.csv")), "e").unwrap();
    fs::write(inside.join("f\u{1b}[31m.csv"), "f").unwrap();
    let mut poll = folder(&inside, RENAMED);
    let f = found(poll.poll(&Cursor::Null, at(T0)).await);
    assert_eq!((f.name.as_str(), f.more), ("f\\u{1b}[31m.csv", false));
    unchanged(poll.poll(&f.cursor, at(T1)).await);
    let said: Vec<String> = poll.problems().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 5, "{said:#?}");
    assert_eq!(said.iter().filter(|s| s.contains("it is a link")).count(), 3);
    assert!(said.iter().any(|s| s.contains("no ordinary file")));
    assert!(said.iter().any(|s| s.contains("not UTF-8")));
}

#[tokio::test]
async fn a_file_that_was_refused_waits_for_a_change_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.csv"), "bad").unwrap();
    fs::write(dir.path().join("b.csv"), "good").unwrap();
    let mut poll = folder(dir.path(), RENAMED);
    assert_eq!(found(poll.poll(&Cursor::Null, at(T0)).await).name, "a.csv");
    poll.refused(&Problem::new("no header", "add one"));
    let b = found(poll.poll(&Cursor::Null, at(T0)).await);
    assert_eq!((b.name.as_str(), b.more), ("b.csv", false));
    unchanged(poll.poll(&b.cursor, at(T1)).await);
    fs::write(dir.path().join("a.csv"), "better").unwrap();
    assert_eq!(found(poll.poll(&b.cursor, at(T1)).await).text, "better");
}

#[tokio::test]
async fn a_folder_that_is_not_there_degrades() {
    let dir = tempfile::tempdir().unwrap();
    let mut poll = folder(&dir.path().join("none"), "");
    let said = degraded(poll.poll(&Cursor::Null, at(T0)).await).problem.to_string();
    assert!(said.contains("the folder cannot be read") && said.contains("/none"), "{said}");
}
