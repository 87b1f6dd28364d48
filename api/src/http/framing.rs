//! Where each request on a connection begins and ends, and whom it is for, as its bytes tell (RFC 9112, sections 3.2 and 6).
//!
//! Of two lengths that a head names the framework keeps one, and a proxy before it may keep the other: what is a body to the
//! one is a request to the other, with somebody else's sign-in. Of two hosts, the same. Such a head is seen here before the
//! framework reads it.

/// Why a head is not read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ambiguous {
    /// It says two things about the length of its body.
    Length,
    /// It names no host, two of them, or what is none.
    Host,
}

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

/// What a head says of whom it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    /// Nothing yet.
    Missing,
    /// Nothing, and it may do without, as before HTTP/1.1.
    Dispensable,
    /// One host.
    Named,
}

/// What has been heard so far.
pub(super) struct Framing {
    part: Part,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    length: Option<u64>,
    in_chunks: bool,
    host: Host,
    /// Whether a head has ended already.
    went_on: bool,
}

impl Framing {
    pub(super) fn new() -> Self {
        let (line, length) = (Vec::new(), None);
        Self { part: Part::Before, line, length, in_chunks: false, host: Host::Missing, went_on: false }
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
        if self.part == Part::Before {
            // Of the first line its end counts, which is the version.
            self.line.extend_from_slice(&bytes[bytes.len().saturating_sub(LONGEST)..]);
            self.line.drain(..self.line.len().saturating_sub(LONGEST));
            return;
        }
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
            (Part::Before, false) => {
                self.part = Part::Head;
                self.host = if line.ends_with(b" HTTP/1.0") { Host::Dispensable } else { Host::Missing };
            }
            (Part::Head, false) => self.field(line)?,
            (Part::Head, true) => {
                self.end_head()?;
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
            let length = length(value).filter(|_| line.len() < LONGEST).ok_or(Ambiguous::Length)?;
            if self.length.is_some_and(|before| before != length) {
                return Err(Ambiguous::Length);
            }
            self.length = Some(length);
        } else if name.eq_ignore_ascii_case(b"host") {
            if self.host == Host::Named || line.len() >= LONGEST || !is_host(value) {
                return Err(Ambiguous::Host);
            }
            self.host = Host::Named;
        }
        if self.in_chunks && self.length.is_some() { Err(Ambiguous::Length) } else { Ok(()) }
    }

    fn end_head(&mut self) -> Result<(), Ambiguous> {
        if self.host == Host::Missing {
            return Err(Ambiguous::Host);
        }
        self.went_on = true;
        if self.in_chunks {
            self.part = Part::Last;
        } else {
            let length = self.length.take();
            self.begin_body(length.unwrap_or(0));
        }
        Ok(())
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

/// A host and perhaps a port, or nothing (RFC 3986, section 3.2.2, but for the comma, which would be a list here).
fn is_host(value: &[u8]) -> bool {
    value.trim_ascii().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(byte))
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
            assert_eq!(whole(&request(fields)), Err(Ambiguous::Length), "{fields}");
            assert_eq!(in_drops(&request(fields)), Err(Ambiguous::Length), "{fields}");
        }
    }

    #[test]
    fn a_body_is_no_head_and_what_follows_it_is() {
        let body = "Content-Length: 1\r\nContent-Length: 2\r\n\r\n";
        let first = format!("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let next = "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let bad = "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for hear in [whole, in_drops] {
            assert_eq!(hear(&first), Ok(1));
            assert_eq!(hear(&format!("{first}{next}")), Ok(2));
            assert_eq!(hear(&format!("{first}{next}{bad}")), Err(Ambiguous::Length));
        }
        let mut framing = Framing::new();
        framing.hear(format!("{first}GET / HT").as_bytes()).unwrap();
        assert!(framing.is_within_head());
        framing.hear(b"TP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert!(!framing.is_within_head());
    }
    #[test]
    fn one_host_is_what_a_head_names_and_none_is_enough_before_http_1_1() {
        let long = format!("GET /{} HTTP/1.0\r\n\r\n", "x".repeat(2 * LONGEST));
        for head in [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nhost:clinic.example:8080\r\nX-Host: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n",
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            long.as_str(),
        ] {
            assert_eq!((whole(head), in_drops(head)), (Ok(1), Ok(1)), "{head}");
        }
        let far = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(LONGEST));
        let long = long.replace("1.0", "1.1");
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: x\r\nhost: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x,y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: me@x/y\r\n\r\n",
            far.as_str(),
            long.as_str(),
        ] {
            assert_eq!((whole(head), in_drops(head)), (Err(Ambiguous::Host), Err(Ambiguous::Host)), "{head}");
        }
        // The host of one request is not that of the next.
        let next = "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        assert_eq!((whole(next), in_drops(next)), (Err(Ambiguous::Host), Err(Ambiguous::Host)));
    }

    #[test]
    fn a_body_in_chunks_is_no_head_whatever_it_looks_like() {
        let head = "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let like_one = "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
        for hear in [whole, in_drops] {
            assert_eq!(hear(&format!("{head}{:x}\r\n{like_one}\r\n0\r\n\r\n", like_one.len())), Ok(1));
        }
    }
}
