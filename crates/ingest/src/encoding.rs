//! Encodings: which characters the bytes of a source are.
//!
//! Encodings whose line ends and delimiters are those of ASCII are decoded record by record, so that a record that
//! cannot be decoded is quarantined with its bytes as they stood in the source. UTF-16 has no such bytes: it is
//! re-encoded as it streams in, quarantine shows UTF-8, and what was no UTF-16 stands there as the byte 0xFF.

use std::borrow::Cow;
use std::io::{self, Cursor, Read};

use bellwether_model::Problem;
use encoding_rs::{
    Decoder, DecoderResult, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED,
};
use serde::{Deserialize, Deserializer, de::Error};

use crate::decoder::Refusal;

/// An encoding by one of its usual labels: `utf-8`, `gbk`, `gb18030`, `big5`, `windows-1251`, `koi8-r`, `utf-16le`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Default for Encoding {
    fn default() -> Self {
        Self(UTF_8)
    }
}

impl<'de> Deserialize<'de> for Encoding {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let label = String::deserialize(d)?;
        encoding_rs::Encoding::for_label(label.as_bytes())
            // Stateful, or no encoding of text at all: a delimiter in them may be part of a character.
            .filter(|e| ![ISO_2022_JP, REPLACEMENT, X_USER_DEFINED].contains(e))
            .map(Self)
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "no encoding that is read here: {label:?}; write utf-8, gbk, gb18030, big5, shift_jis, euc-kr, \
                     windows-1251, koi8-r, windows-1252, utf-16le or another label of the WHATWG standard"
                ))
            })
    }
}

impl Encoding {
    /// Name of the encoding.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether the bytes that reach a record are UTF-8 already.
    pub(crate) fn is_utf8(self) -> bool {
        self.0 == UTF_8 || self.is_utf16()
    }

    fn is_utf16(self) -> bool {
        self.0 == UTF_16LE || self.0 == UTF_16BE
    }

    /// One record as UTF-8; what is UTF-8 by its name passes as it is and is checked when it is read.
    pub(crate) fn record(self, raw: &[u8]) -> Result<Cow<'_, [u8]>, Problem> {
        if self.is_utf8() || raw.is_ascii() {
            return Ok(Cow::Borrowed(raw));
        }
        let decoded = self.0.decode_without_bom_handling_and_without_replacement(raw);
        let Some(text) = decoded else {
            return Err(self.invalid(raw, self.valid_up_to(raw)));
        };
        // Code pages leave bytes free; the standard maps them to controls that no text has.
        match text.find(|c: char| ('\u{80}'..='\u{9f}').contains(&c)) {
            Some(at) => Err(self.invalid(raw, text.get(..at).unwrap_or_default().chars().count())),
            None => Ok(Cow::Owned(text.into_owned().into_bytes())),
        }
    }

    fn invalid(self, raw: &[u8], at: usize) -> Problem {
        Problem::new(
            format!("not {} near byte {at} of the record", self.name()),
            "correct encoding in the feed file, or the file",
        )
        .field("record")
        .text(String::from_utf8_lossy(raw.get(..60.min(raw.len())).unwrap_or_default()))
    }

    fn valid_up_to(self, raw: &[u8]) -> usize {
        let mut decoder = self.0.new_decoder_without_bom_handling();
        let mut out = vec![0; raw.len().saturating_mul(4).saturating_add(16)];
        match decoder.decode_to_utf8_without_replacement(raw, &mut out, true) {
            (DecoderResult::Malformed(bad, after), read, _) => {
                read.saturating_sub(usize::from(bad) + usize::from(after))
            }
            (_, read, _) => read,
        }
    }

    /// The stream as the cutters read it: UTF-16 re-encoded, everything else as it is.
    ///
    /// A source of the default encoding that starts with a UTF-16 byte order mark is UTF-16.
    ///
    /// Errors: a byte order mark that contradicts the feed file.
    pub(crate) fn stream(self, mut reader: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>, Refusal> {
        let mut head = Vec::new();
        reader.by_ref().take(3).read_to_end(&mut head)?;
        let mark = encoding_rs::Encoding::for_bom(&head).map(|(encoding, _)| encoding);
        let whole = Cursor::new(head).chain(reader);
        let says = match mark {
            None => self.0,
            Some(mark) if mark == self.0 => mark,
            Some(mark) if (self.0 == UTF_8 || self.is_utf16()) && mark != UTF_8 => mark,
            // Any two bytes may start a text of a code page: only UTF-8's three cannot be chance.
            Some(mark) if mark != UTF_8 => self.0,
            Some(mark) => {
                return Err(Problem::new(
                    format!(
                        "starts with the byte order mark of {}, and the feed says {}",
                        mark.name(),
                        self.name()
                    ),
                    "correct encoding in the feed file, or the file",
                )
                .into());
            }
        };
        if says != UTF_16LE && says != UTF_16BE {
            return Ok(Box::new(whole));
        }
        Ok(Box::new(Recoded {
            inner: whole,
            decoder: Some(says.new_decoder_with_bom_removal()),
            packed: vec![0; 1 << 14],
            held: 0..0,
            text: Vec::new(),
            given: 0,
        }))
    }
}

/// UTF-16 as UTF-8.
struct Recoded<R> {
    inner: R,
    /// None once the source has ended.
    decoder: Option<Decoder>,
    packed: Vec<u8>,
    held: std::ops::Range<usize>,
    text: Vec<u8>,
    given: usize,
}

impl<R: Read> Recoded<R> {
    fn refill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.given = 0;
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let mut ended = false;
        if self.held.is_empty() {
            let n = self.inner.read(&mut self.packed)?;
            self.held = 0..n;
            ended = n == 0;
        }
        self.text.resize(1 << 16, 0);
        let source = self.packed.get(self.held.clone()).unwrap_or_default();
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(source, &mut self.text, ended);
        self.held.start += read;
        self.text.truncate(written);
        if let DecoderResult::Malformed(..) = result {
            self.text.push(0xff);
        } else if ended {
            self.decoder = None;
        }
        Ok(())
    }
}

impl<R: Read> Read for Recoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && self.decoder.is_some() {
            match self.refill() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => other?,
            }
        }
        let rest = self.text.get(self.given..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.given += n;
        Ok(n)
    }
}
