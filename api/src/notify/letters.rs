//! What the mails say. Discreet: a reminder names what to do and nothing else, and all reminders share one subject; no
//! drug, diagnosis, score, clinic, person or session stands in any mail. Nothing in them comes from what people typed.

use crate::domain::safety::Severity;
use lettre::{
    Message,
    message::{Mailbox, MultiPart, header::HeaderName, header::HeaderValue},
};
use std::time::SystemTime;

/// What a mail is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// A reminder.
    Reminder {
        /// What to do, in a few words.
        act: &'static str,
        /// The page that stops this reminder.
        stop: String,
    },
    /// An invitation.
    Invitation {
        /// The page that accepts it.
        link: String,
    },
    /// Flags wait for a member.
    Flag {
        /// The page that shows flags.
        link: String,
        /// How grave the gravest of them is: the subject says how soon somebody should look.
        gravest: Option<Severity>,
    },
}

/// A mail to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Whose it is; the same however often it is sent.
    pub id: String,
    /// The address.
    pub to: String,
    /// When it was written.
    pub at: SystemTime,
    /// What it says.
    pub words: Words,
}

impl Words {
    /// The subject.
    pub fn subject(&self) -> &'static str {
        match self {
            Self::Reminder { .. } => "A small reminder from Afterglow",
            Self::Invitation { .. } => "Your invitation to Afterglow",
            Self::Flag { gravest, .. } => match gravest {
                Some(Severity::Emergency) => "Now: a flag waits in Afterglow",
                Some(Severity::Urgent) => "Today: a flag waits in Afterglow",
                Some(Severity::Watch | Severity::Info) | None => "A flag waits in Afterglow",
            },
        }
    }

    /// The page that stops mails like this one, if there may be one.
    pub fn stop(&self) -> Option<&str> {
        match self {
            Self::Reminder { stop, .. } => Some(stop),
            Self::Invitation { .. } | Self::Flag { .. } => None,
        }
    }

    fn parts(&self) -> Parts<'_> {
        match self {
            Self::Reminder { act, stop } => Parts {
                heading: act,
                line: "Whenever it suits you. Open Afterglow on your phone to begin.",
                button: None,
                foot: "You get this because a reminder of yours is on.",
                small: Some(("Stop this reminder", stop)),
            },
            Self::Invitation { link } => Parts {
                heading: "You are invited to Afterglow",
                line: "Choose a password to begin. The link works once, for seven days.",
                button: Some(("Accept the invitation", link)),
                foot: "If you did not expect this, leave it: without the link nothing happens.",
                small: None,
            },
            Self::Flag { link, .. } => Parts {
                heading: "A flag waits in Afterglow",
                line: "Somebody in your care needs a look. Sign in to see who, and why.",
                button: Some(("Open the flags", link)),
                foot: "You get this because you are on the care team.",
                small: None,
            },
        }
    }
}

struct Parts<'a> {
    heading: &'a str,
    line: &'a str,
    button: Option<(&'a str, &'a str)>,
    foot: &'a str,
    small: Option<(&'a str, &'a str)>,
}

impl Parts<'_> {
    fn text(&self) -> String {
        let button = self.button.map_or_else(String::new, |(label, link)| format!("\n{label}:\n{link}\n"));
        let small = self.small.map_or_else(String::new, |(label, link)| format!("{label}: {link}\n"));
        format!("{}\n\n{}\n{button}\n-- \n{}\n{small}", self.heading, self.line, self.foot)
    }

    /// Plain enough for any mail program, in the reader's own light or dark.
    fn html(&self) -> String {
        let line = safe(self.line);
        let button = self.button.map_or_else(String::new, |(label, link)| {
            format!(
                "<p style=\"margin:24px 0\"><a href=\"{}\" style=\"display:inline-block;padding:12px 20px;border-radius:8px;\
                 background:#6b4e9b;color:#ffffff;text-decoration:none;font-weight:600\">{}</a></p>",
                safe(link),
                safe(label)
            )
        });
        let small = self.small.map_or_else(String::new, |(label, link)| {
            format!(" <a href=\"{}\" style=\"color:inherit\">{}</a>.", safe(link), safe(label))
        });
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
             <title>Afterglow</title></head>\
             <body style=\"margin:0;padding:32px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif\">\
             <div style=\"max-width:480px;margin:0 auto\"><h1 style=\"font-size:20px;margin:0 0 16px\">{}</h1><p style=\"margin:0 0 16px\">{line}</p>{button}\
             <p style=\"margin:32px 0 0;font-size:13px;opacity:.75\">{}{small}</p></div></body></html>",
            safe(self.heading),
            safe(self.foot)
        )
    }
}

/// Text inside HTML.
fn safe(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl Letter {
    /// The text part.
    pub fn text(&self) -> String {
        self.words.parts().text()
    }

    /// The HTML part.
    pub fn html(&self) -> String {
        self.words.parts().html()
    }

    /// The whole mail. Fails where the address is none.
    pub fn message(&self, from: &Mailbox) -> Option<Message> {
        let to = Mailbox::new(None, self.to.parse().ok()?);
        let mut builder = Message::builder()
            .from(from.clone())
            .to(to)
            .subject(self.words.subject())
            .date(self.at)
            .message_id(Some(format!("<{}@{}>", self.id, from.email.domain())))
            // Keeps absence notes from answering (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(stop) = self.words.stop() {
            builder = builder
                .raw_header(header("List-Unsubscribe", &format!("<{stop}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        builder.multipart(MultiPart::alternative_plain_html(self.text(), self.html())).ok()
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What must not show on a lock screen or over a shoulder.
    const SILENT: [&str; 24] = [
        "ketamin",
        "esketamin",
        "spravato",
        "dose",
        "dosing",
        "drug",
        "medic",
        "treatment",
        "therap",
        "session",
        "clinic",
        "doctor",
        "patient",
        "depress",
        "anxi",
        "mood",
        "suicid",
        "phq",
        "gad",
        "score",
        "diagnos",
        "trauma",
        "psych",
        "mental",
    ];

    fn letter(words: Words) -> Letter {
        Letter { id: "0190".into(), to: "mira@example.org".into(), at: SystemTime::UNIX_EPOCH, words }
    }

    fn flag(gravest: Severity) -> Letter {
        letter(Words::Flag { link: "https://a.example/flags".into(), gravest: Some(gravest) })
    }

    fn all() -> [Letter; 3] {
        let act = "A few lines in your journal";
        let stop = "https://a.example/stop/abc".to_owned();
        [
            letter(Words::Reminder { act, stop }),
            letter(Words::Invitation { link: "https://a.example/invitations/abc".into() }),
            flag(Severity::Urgent),
        ]
    }

    fn raw(letter: &Letter) -> String {
        let from = "Afterglow <no-reply@a.example>".parse().unwrap();
        String::from_utf8(letter.message(&from).unwrap().formatted()).unwrap()
    }

    #[test]
    fn no_mail_says_what_it_is_about() {
        for letter in all().into_iter().chain(Severity::ALL.map(flag)) {
            let all = [letter.words.subject().to_owned(), letter.text(), letter.html()].concat().to_lowercase();
            let found: Vec<_> = SILENT.iter().filter(|word| all.contains(**word)).collect();
            assert!(found.is_empty(), "{found:?} in {all}");
        }
    }

    #[test]
    fn the_subject_of_a_flag_says_how_soon_and_nothing_else() {
        let subjects = Severity::ALL.map(|gravest| flag(gravest).words.subject());
        let plain = "A flag waits in Afterglow";
        assert_eq!(subjects, [plain, plain, "Today: a flag waits in Afterglow", "Now: a flag waits in Afterglow"]);
    }

    #[test]
    fn a_reminder_alone_can_be_stopped_by_one_click() {
        let [reminder, invitation, flag] = all().map(|letter| raw(&letter));
        assert!(reminder.contains("\r\nList-Unsubscribe: <https://a.example/stop/abc>\r\n"), "{reminder}");
        assert!(reminder.contains("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
        assert!(!invitation.contains("List-Unsubscribe") && !flag.contains("List-Unsubscribe"));
    }

    #[test]
    fn a_mail_is_the_same_however_often_it_is_written() {
        let [reminder, ..] = all();
        assert!(raw(&reminder).contains("\r\nMessage-ID: <0190@a.example>\r\n"));
        assert!(raw(&reminder).contains("Content-Type: multipart/alternative"));
    }

    #[test]
    fn an_address_cannot_smuggle_a_header() {
        let from = "Afterglow <no-reply@a.example>".parse().unwrap();
        for to in ["a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "", "a"] {
            let letter = Letter { to: to.into(), ..all()[0].clone() };
            assert!(letter.message(&from).is_none(), "{to}");
        }
    }

    #[test]
    fn links_are_safe_inside_html() {
        let link = "https://a.example/?a=1&b=\"><script>".into();
        let letter = letter(Words::Flag { link, gravest: None });
        assert!(letter.html().contains("https://a.example/?a=1&amp;b=&quot;&gt;&lt;script&gt;"));
    }
}
