//! Where the binary is, and how it is run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use crate::{Outcome, root};

/// Runs `bellwether` in the workspace, without a store of its own.
pub fn bellwether(args: &[&str]) -> Outcome {
    bellwether_in(root(), args, "")
}

/// Runs `bellwether` in a folder, fed with `stdin`, in an environment that says nothing about stores.
pub fn bellwether_in(dir: &Path, args: &[impl AsRef<OsStr>], stdin: impl Into<Vec<u8>>) -> Outcome {
    bellwether_env(dir, args, stdin, &[])
}

/// The same with variables.
pub(crate) fn bellwether_env(
    dir: &Path,
    args: &[impl AsRef<OsStr>],
    stdin: impl Into<Vec<u8>>,
    env: &[(&str, &str)],
) -> Outcome {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(binary());
    plain(&mut command);
    let mut command = assert_cmd::Command::from_std(command);
    command.current_dir(dir).args(args).write_stdin(stdin).timeout(Duration::from_secs(120));
    command.envs(env.iter().copied());
    // A test that forgets --store must not find the store of whoever runs it.
    command.env("HOME", home.path()).env("XDG_DATA_HOME", home.path()).env_remove("XDG_CONFIG_HOME");
    let output = command.output().expect("the binary starts");
    let shown: Vec<_> = args.iter().map(|a| a.as_ref().to_string_lossy()).collect();
    Outcome::new(format!("bellwether {}", shown.join(" ")), &output)
}

/// Takes away what the surroundings say to the program.
pub(crate) fn plain(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BELLWETHER_") {
            command.env_remove(name);
        }
    }
}

/// Starts `bellwether` with pipes on all sides, for tests that read what it says while they still write.
pub fn spawn(args: &[&str]) -> std::process::Child {
    let pipe = std::process::Stdio::piped;
    let mut command = Command::new(binary());
    command.current_dir(root()).args(args).stdin(pipe()).stdout(pipe()).stderr(pipe());
    command.spawn().expect("the binary starts")
}

/// The binary of the profile that these tests were built with, built when it is missing or older than the sources.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("BELLWETHER_BIN") {
            return given.into();
        }
        let test = std::env::current_exe().expect("a test has a path");
        let folder = test.ancestors().nth(2).expect("tests lie in PROFILE/deps");
        let found = folder.join(format!("bellwether{}", std::env::consts::EXE_SUFFIX));
        if modified(&found).is_none_or(|built| built < newest_source()) {
            build(folder);
        }
        found
    })
}

fn build(folder: &Path) {
    let profile = match folder.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root())
        .args(["build", "-p", "bellwether-cli", "--profile", profile])
        .status()
        .expect("cargo starts");
    assert!(status.success(), "cargo build -p bellwether-cli failed");
}

/// Sources, and the configuration and facts that are embedded.
fn newest_source() -> SystemTime {
    let mut newest = SystemTime::UNIX_EPOCH;
    let crates = std::fs::read_dir(root().join("crates")).expect("crates/").flatten();
    let mut open: Vec<PathBuf> = crates.map(|c| c.path().join("src")).collect();
    open.extend(["config", "fixtures/history"].map(|folder| root().join(folder)));
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                _ => newest = newest.max(modified(&entry.path()).unwrap_or(newest)),
            }
        }
    }
    newest
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|m| m.modified()).ok()
}
