//! Reads a generated list of designated persons, of the size of a real one, and says how long it took and how much
//! memory it needed: `cargo run --release -p bellwether-ingest --example xml_flat -- [MEGABYTES] [most MiB of memory]`.
//!
//! With the second argument it fails when the peak is above it.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::Path;

use bellwether_ingest::{Entry, FeedSpec, Input, Options, ingest};
use bellwether_model::FactTypes;
use bellwether_store::{FixedClock, Memory, StoreClock, SystemClock};

/// The list, made while it is read.
struct List {
    entries: u64,
    next: u64,
    text: String,
    at: usize,
}

impl List {
    fn new(entries: u64) -> Self {
        let head = format!(
            "<?xml version=\"1.0\" standalone=\"yes\"?>\n<sdnList xmlns=\"https://example.org/sdn.xsd\">\n  \
             <publshInformation>\n    <Publish_Date>03/07/2026</Publish_Date>\n    <Record_Count>{entries}</Record_Count>\n  \
             </publshInformation>\n"
        );
        Self { entries, next: 0, text: head, at: 0 }
    }

    fn entry(&mut self) -> Result<(), std::fmt::Error> {
        let n = self.next;
        self.next += 1;
        self.text.clear();
        self.at = 0;
        if n == self.entries {
            self.text.push_str("</sdnList>\n");
        }
        if n >= self.entries {
            return Ok(());
        }
        let country = match n % 5 {
            0 => "Russia",
            1 => "China",
            2 => "Iran",
            3 => "Korea, North",
            _ => "Panama",
        };
        write!(
            self.text,
            "  <sdnEntry>\n    <uid>{n}</uid>\n    <firstName>First {n}</firstName>\n    <lastName>LAST {n}</lastName>\n    \
             <sdnType>Individual</sdnType>\n    <remarks>(Linked To: EXAMPLE {n} &amp; CO)</remarks>\n    \
             <programList>\n      <program>EXAMPLE</program>\n      <program>CAATSA - EXAMPLE</program>\n    </programList>\n    \
             <akaList>\n"
        )?;
        for aka in 0..n % 6 {
            write!(
                self.text,
                "      <aka>\n        <uid>{n}{aka}</uid>\n        <type>a.k.a.</type>\n        <category>strong</category>\n        \
                 <lastName>Another name {aka} of {n}</lastName>\n      </aka>\n"
            )?;
        }
        write!(
            self.text,
            "    </akaList>\n    <addressList>\n      <address>\n        <uid>{n}</uid>\n        <address1>Street {n}</address1>\n        \
             <city>Somewhere</city>\n        <country>{country}</country>\n      </address>\n    </addressList>\n    \
             <nationalityList>\n      <nationality>\n        <uid>{n}</uid>\n        <country>{country}</country>\n        \
             <mainEntry>true</mainEntry>\n      </nationality>\n    </nationalityList>\n    <dateOfBirthList>\n      \
             <dateOfBirthItem>\n        <uid>{n}</uid>\n        <dateOfBirth>01 Jan 1960</dateOfBirth>\n        \
             <mainEntry>true</mainEntry>\n      </dateOfBirthItem>\n    </dateOfBirthList>\n  </sdnEntry>\n"
        )
    }
}

impl Read for List {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() {
            self.entry().map_err(std::io::Error::other)?;
        }
        let n = self.text.as_bytes().get(self.at..).unwrap_or_default().read(buffer)?;
        self.at += n;
        Ok(n)
    }
}

/// Most memory that the process ever held, in MiB, where the system says so.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let megabytes: u64 = arguments.next().map_or(Ok(120), |a| a.parse())?;
    let most: Option<u64> = arguments.next().map(|a| a.parse()).transpose()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = |name: &str| std::fs::read_to_string(root.join(name));
    let types = FactTypes::parse("facts.toml", &text("config/facts.toml")?)?;
    let feed = FeedSpec::parse("ofac-sdn-xml.toml", &text("config/feeds/ofac-sdn-xml.toml")?)?;
    let now = "2026-11-25T12:00:00Z".parse()?;
    // About 1360 bytes an entry.
    let entries = megabytes * 1_000_000 / 1_360;
    let options = Options { dry_run: true, ..Options::at(now) };
    let log = Memory::new(std::sync::Arc::new(FixedClock::new(now)));
    let mut held: Vec<Entry> = Vec::new();
    let start = SystemClock.now();
    let report =
        ingest(&log, &types, &feed, Input::reader("sdn.xml", List::new(entries)), &mut held, &options)?;
    let took = (SystemClock.now() - start).num_milliseconds();
    assert_eq!((report.records.read, report.records.mapped), (entries, entries), "every entry is mapped");
    let peak = peak();
    writeln!(
        std::io::stdout(),
        "{entries} entries, about {megabytes} MB, in {took} ms; peak memory {} MiB",
        peak.unwrap_or_default()
    )?;
    if let (Some(peak), Some(most)) = (peak, most) {
        assert!(peak <= most, "more than {most} MiB");
    }
    Ok(())
}
