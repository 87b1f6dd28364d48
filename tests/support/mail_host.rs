//! A real mail host (aiosmtpd) in a process of its own, that does as it is told: `tests/lab/mail_script.py`.

use afterglow::{config::Config, notify::Email};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

/// How long it may take to say what it must say.
const PATIENCE: Duration = Duration::from_mins(1);

/// Hosts of this process so far.
static HOSTS: AtomicUsize = AtomicUsize::new(0);

/// A mail host.
pub struct MailHost {
    pub port: u16,
    folder: PathBuf,
    process: Child,
    input: ChildStdin,
    lines: Receiver<Value>,
}

impl MailHost {
    pub fn start(security: &str, sign_in: &[&str]) -> Self {
        let name = format!("afterglow-mail-{}-{}", std::process::id(), HOSTS.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut process = Command::new("python3")
            .args(["-m", "tests.lab.mail_script"])
            .arg(&folder)
            .arg(security)
            .args(sign_in)
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    break;
                }
            }
        });
        let mut host = Self { port: 0, folder, process, input, lines };
        host.port = host.wait("port")["port"].as_u64().unwrap().try_into().unwrap();
        host
    }

    /// What it does with the next recipient or text.
    pub fn will(&mut self, told: &str) {
        writeln!(self.input, "{told}").unwrap();
        self.wait("told");
    }

    /// The next thing of this sort that it says.
    pub fn wait(&self, member: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("aiosmtpd; ./tests/run installs it");
            if line.get(member).is_some() {
                return line;
            }
        }
    }

    /// What it has said so far.
    pub fn said(&self) -> Vec<Value> {
        self.lines.try_iter().collect()
    }

    /// A channel to it; `$` in the URL stands for its port, `CA` for its authority.
    pub fn channel(&self, url: &str) -> Email {
        let authority = self.folder.join("ca.pem");
        let url = url.replace('$', &self.port.to_string()).replace("CA", &authority.display().to_string());
        let vars =
            [("AFTERGLOW_SMTP_URL", url.as_str()), ("AFTERGLOW_MAIL_FROM", "Afterglow <no-reply@afterglow.example>")];
        let config = Config::from(vars.map(|(name, value)| (name.to_owned(), value.to_owned())), None).unwrap();
        Email::new(&config).unwrap().unwrap()
    }
}

impl Drop for MailHost {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
