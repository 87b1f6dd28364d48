//! Where each request on a connection begins and ends, as its bytes tell (RFC 9112, section 6).
//!
//! Of two lengths that a head names the framework keeps one, and a proxy before it may keep the other: what is a body to the
//! one is a request to the other, with somebody else's sign-in. Such a head is seen here before the framework reads it.

/// A head that says two things about the length of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ambiguous;

/// How much of a line is kept: more than any that counts here. A longer one that names a length is no honest one.
const LONGEST: usize = 256;

/// What comes next on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A request, perhaps after some empty lines.
    Before,
    /// The next line of a head.
    Head,
    /// So many bytes of a body.
    Body(u64),
    /// Nothing that counts: after a request in chunks the connection is closed (`Connection: close`).
    Last,
}

/// What has been heard so far.
pub(super) struct Framing {
    part: Part,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    length: Option<u64>,
    in_chunks: bool,
    /// Whether a head has ended already.
    went_on: bool,
}

impl Framing {
    pub(super) fn new() -> Self {
        Self { part: Part::Before, line: Vec::new(), length: None, in_chunks: false, went_on: false }
    }

    /// Whether this is the first request of its connection: to no other can an answer be owed.
    pub(super) fn is_first(&self) -> bool {
        !self.went_on
    }

    /// Takes in what was read; how many heads ended in it.
    pub(super) fn hear(&mut self, mut bytes: &[u8]) -> Result<usize, Ambiguous> {
        let mut heads = 0;
        while !bytes.is_empty() && self.part != Part::Last {
            if let Part::Body(left) = self.part {
                let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                bytes = &bytes[here..];
                self.begin_body(left - here as u64);
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                self.keep(bytes);
                break;
            };
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            heads += usize::from(self.end_line(line)?);
        }
        Ok(heads)
    }

    /// Whether a head has begun and not ended.
    pub(super) fn is_within_head(&self) -> bool {
        self.part == Part::Head || !self.line.is_empty()
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The end of a line; whether that of its head too.
    fn end_line(&mut self, last: &[u8]) -> Result<bool, Ambiguous> {
        if self.line.is_empty() {
            return self.read(last);
        }
        self.keep(last);
        let line = std::mem::take(&mut self.line);
        self.read(&line)
    }

    fn read(&mut self, line: &[u8]) -> Result<bool, Ambiguous> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (self.part, line.is_empty()) {
            (Part::Before, false) => self.part = Part::Head,
            (Part::Head, false) => self.field(line)?,
            (Part::Head, true) => {
                self.end_head();
                return Ok(true);
            }
            _ => {}
        }
        Ok(false)
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Ambiguous> {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = (line[..colon].trim_ascii(), line[colon..].get(1..).unwrap_or_default());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.in_chunks = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = length(value).filter(|_| line.len() < LONGEST).ok_or(Ambiguous)?;
            if self.length.is_some_and(|before| before != length) {
                return Err(Ambiguous);
            }
            self.length = Some(length);
        }
        if self.in_chunks && self.length.is_some() { Err(Ambiguous) } else { Ok(()) }
    }

    fn end_head(&mut self) {
        self.went_on = true;
        if self.in_chunks {
            self.part = Part::Last;
        } else {
            let length = self.length.take();
            self.begin_body(length.unwrap_or(0));
        }
    }

    fn begin_body(&mut self, left: u64) {
        self.part = if left == 0 { Part::Before } else { Part::Body(left) };
    }
}

/// One number of digits alone: a list, a sign or nothing is none.
fn length(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<usize, Ambiguous> {
        Framing::new().hear(text.as_bytes())
    }

    /// The same, a byte at a time.
    fn in_drops(text: &str) -> Result<usize, Ambiguous> {
        let mut framing = Framing::new();
        text.as_bytes().iter().try_fold(0, |heads, byte| Ok(heads + framing.hear(&[*byte])?))
    }

    #[test]
    fn one_length_is_what_a_head_may_name() {
        let request = |fields: &str| format!("POST /x HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        for fields in [
            "",
            "Content-Length: 0\r\n",
            "Content-Length: 5\r\ncontent-length:5\r\n",
            "Transfer-Encoding: chunked\r\n",
            "X-Content-Length: 5\r\nX-Transfer-Encoding: chunked\r\nX: Content-Length: 7\r\n",
        ] {
            assert_eq!((whole(&request(fields)), in_drops(&request(fields))), (Ok(1), Ok(1)), "{fields}");
        }
        let long = format!("Content-Length:{}5\r\n", " ".repeat(LONGEST));
        for fields in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "transfer-encoding: chunked\r\nCONTENT-LENGTH: 5\r\n",
            "Transfer-Encoding: gzip\nContent-Length: 5\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length:\r\n",
            "Content-Length : 5\r\nTransfer-Encoding : chunked\r\n",
            long.as_str(),
        ] {
            assert_eq!(whole(&request(fields)), Err(Ambiguous), "{fields}");
            assert_eq!(in_drops(&request(fields)), Err(Ambiguous), "{fields}");
        }
    }

    #[test]
    fn a_body_is_no_head_and_what_follows_it_is() {
        let body = "Content-Length: 1\r\nContent-Length: 2\r\n\r\n";
        let first = format!("POST /x HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let next = "\r\nGET / HTTP/1.1\r\n\r\n";
        let bad = "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for hear in [whole, in_drops] {
            assert_eq!(hear(&first), Ok(1));
            assert_eq!(hear(&format!("{first}{next}")), Ok(2));
            assert_eq!(hear(&format!("{first}{next}{bad}")), Err(Ambiguous));
        }
        let mut framing = Framing::new();
        framing.hear(format!("{first}GET / HT").as_bytes()).unwrap();
        assert!(framing.is_within_head());
        framing.hear(b"TP/1.1\r\n\r\n").unwrap();
        assert!(!framing.is_within_head());
    }
}
