use super::{values::LISTEN, *};
use base64::{Engine, prelude::BASE64_STANDARD};

fn vars(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn config(pairs: &[(&str, &str)], file: Option<&str>) -> Result<Config, Wrong> {
    Config::from(vars(pairs), file)
}

#[test]
fn without_settings_it_listens_on_loopback_and_keeps_its_data_beside_it() {
    let config = config(&[("PATH", "/bin")], None).unwrap();
    assert_eq!(config.listen, LISTEN);
    assert_eq!(config.link("/invitations/x"), "http://127.0.0.1:8080/invitations/x");
    assert_eq!(config.data, PathBuf::from("./data"));
    assert_eq!(config.mail_from.to_string(), "Afterglow <no-reply@localhost>");
    assert_eq!((config.smtp, config.database_url), (None, None));
    assert_eq!(config.master_key, MasterKey::Unset);
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let file = "listen = \"127.0.0.1:1\"\ndata = \"/file\"\nlog = \"debug\"";
    let environment = vars(&[("AFTERGLOW_LISTEN", "127.0.0.1:2"), ("AFTERGLOW_DATA", "/environment")]);
    let ask = Ask { flags: vec![("data", "/flag".into())], defaults: vec![("log", "warn".into())], required: &[] };
    let config = Config::resolve(&ask, environment, Some(file)).unwrap();
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.data, PathBuf::from("/flag"));
    assert_eq!(config.log, "debug");
}

#[test]
fn every_wrong_setting_is_named_at_once_and_no_value_is_repeated() {
    let Wrong(lines) = config(
        &[
            ("AFTERGLOW_LISTEN", "hunter2"),
            ("AFTERGLOW_SMTP_URL", "smtp://mail.example"),
            ("AFTERGLOW_DATABASE_URL", "mysql://hunter2@host/x"),
            ("AFTERGLOW_MASTER_KEY", "hunter2"),
            ("AFTERGLOW_MASTER_KEY_FILE", "/key"),
            ("AFTERGLOW_MAIL_FROM", "hunter2"),
            ("AFTERGLOW_LOG", "afterglow=hunter2"),
            ("AFTERGLOW_PORT", "hunter2"),
            ("AFTERGLOW_listen", "hunter2"),
        ],
        Some("shape = 1\ndata = 2"),
    )
    .unwrap_err();
    for name in [
        "AFTERGLOW_LISTEN:",
        "AFTERGLOW_SMTP_URL:",
        "AFTERGLOW_DATABASE_URL:",
        "AFTERGLOW_MASTER_KEY:",
        "AFTERGLOW_MAIL_FROM:",
        "AFTERGLOW_LOG:",
        "AFTERGLOW_PORT:",
        "AFTERGLOW_listen:",
        "shape in",
        "data in",
    ] {
        assert!(lines.iter().any(|line| line.starts_with(name)), "{name} in {lines:#?}");
    }
    assert!(!lines.concat().contains("hunter2"), "{lines:#?}");
}

#[test]
fn a_file_that_is_no_toml_is_refused_without_showing_a_line_of_it() {
    let Wrong(lines) = config(&[], Some("smtp_url = \"smtps://me:hunter2@host")).unwrap_err();
    assert_eq!(lines, ["the settings file is not TOML"]);
}

#[test]
fn secrets_do_not_show_in_debug() {
    let key = BASE64_STANDARD.encode([7; 32]);
    let config = config(
        &[
            ("AFTERGLOW_SMTP_URL", "smtps://me:hunter2@mail.example"),
            ("AFTERGLOW_DATABASE_URL", "postgres://me:hunter2@db/x"),
            ("AFTERGLOW_MASTER_KEY", &key),
        ],
        None,
    )
    .unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("7, 7"), "{shown}");
}

#[test]
fn what_is_public_must_be_https() {
    let open = ("AFTERGLOW_LISTEN", "0.0.0.0:8080");
    assert!(config(&[open], None).is_err());
    assert!(config(&[open, ("AFTERGLOW_PUBLIC_URL", "http://a.example")], None).is_err());
    assert!(config(&[open, ("AFTERGLOW_PUBLIC_URL", "https://a.example")], None).is_ok());
    assert!(config(&[("AFTERGLOW_PUBLIC_URL", "https://a.example/path")], None).is_err());
}

#[test]
fn a_command_names_what_it_cannot_do_without() {
    let ask = Ask { required: &["smtp_url"], ..Ask::default() };
    let Wrong(lines) = Config::resolve(&ask, vars(&[]), None).unwrap_err();
    assert_eq!(lines, ["AFTERGLOW_SMTP_URL: it must be set"]);
}

#[test]
fn a_port_that_the_system_chose_shows_in_links() {
    let config = config(&[("AFTERGLOW_LISTEN", "127.0.0.1:0")], None).unwrap();
    let config = config.bound_to(SocketAddr::from(([127, 0, 0, 1], 4567)));
    assert_eq!(config.link("/"), "http://127.0.0.1:4567/");
}

#[test]
fn a_mail_host_is_one_url() {
    let smtp = "smtp://j%40x:a+b%26%2Fc%25@mail.example?tls=required&ca=/ca.pem".parse::<Smtp>().unwrap();
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.security), ("mail.example", 587, Security::StartTls));
    let (user, password) = smtp.user.unwrap();
    assert_eq!((user.as_str(), password.reveal()), ("j@x", "a+b&/c%"));
    assert_eq!(smtp.authority, Some("/ca.pem".into()));
    assert_eq!("smtps://mail.example".parse::<Smtp>().unwrap().port, 465);
    for plain in ["smtp://127.0.0.1:1025", "smtp://localhost", "smtp://[::1]:25"] {
        assert_eq!(plain.parse::<Smtp>().unwrap().security, Security::Plain, "{plain}");
    }
    for wrong in [
        "smtp://mail.example",
        "smtp://mail.example?tls=maybe",
        "http://mail.example",
        "mail.example",
        "smtp://127.0.0.1.example",
        "smtps://me@mail.example",
        "smtps://",
        "smtps://mail.example/inbox",
    ] {
        assert!(wrong.parse::<Smtp>().is_err(), "{wrong}");
    }
}
