//! What the README says must be so.

use crate::support::Place;
use afterglow::{
    app::App,
    clock::Clock,
    config::{Ask, Config, SETTINGS},
    demo,
    security::secret::Secret,
    server, start,
};
use std::process::Command;
use zeroize::Zeroizing;

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_lists_every_setting_as_the_program_does() {
    let rows: Vec<&str> = README.lines().filter(|line| line.starts_with("| `AFTERGLOW_")).collect();
    let row = |(name, what): &(&str, &str)| format!("| `AFTERGLOW_{}` | {what} |", name.to_uppercase());
    let known: Vec<String> = SETTINGS.iter().map(row).collect();
    assert_eq!(rows, known);
}

/// The blocks of code of a part of the README.
fn blocks(part: &str) -> Vec<&'static str> {
    let text = README.split("\n## ").find(|text| text.starts_with(part)).expect("the part is there");
    text.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1).collect()
}

/// A text without what is new every time: ids, keys and instants.
fn lasting(text: &str) -> String {
    let is_token = |letter: char| letter.is_ascii_alphanumeric() || "-:+.".contains(letter);
    let mut lasting = String::new();
    let mut rest = text;
    while let Some(from) = rest.find(is_token) {
        let to = rest[from..].find(|letter| !is_token(letter)).map_or(rest.len(), |length| from + length);
        let word = &rest[from..to];
        let changes = word.trim_start_matches("urn:uuid:").parse::<uuid::Uuid>().is_ok()
            || chrono::DateTime::parse_from_rfc3339(word).is_ok();
        lasting.push_str(&rest[..from]);
        lasting.push_str(if changes { "…" } else { word });
        rest = &rest[to..];
    }
    lasting + rest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_runs_and_answers_as_the_readme_shows() {
    let place = Place::folder();
    let config = Config::from([("AFTERGLOW_LISTEN".into(), "127.0.0.1:0".into())], None).unwrap();
    let app = App::open(config, Clock::system(), &place.place, Secret::random()).await.unwrap();
    let password = README.split("--password \"").nth(1).unwrap().split('"').next().unwrap();
    let ask = demo::Ask { seed: 8, patients: 2, password: Zeroizing::new(password.into()) };
    demo::seed(&app, &ask).await.unwrap();
    let listener = server::listen(&app.config).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(async move { server::run(&app, listener).await });

    let blocks = blocks("A tour in five lines of curl");
    let (script, shown) = blocks.split_first().unwrap();
    assert_eq!(script.trim().lines().count(), 5, "five lines");
    // A line for each answer, and the third line of the script twice, as the README says.
    let mut lines: Vec<String> = script.trim().lines().map(|line| format!("{line}; echo")).collect();
    lines.insert(3, lines[2].clone());
    let script = lines.join("\n").replace("127.0.0.1:8080", &address);
    let ran = tokio::task::spawn_blocking(move || Command::new("bash").args(["-euc", &script]).output()).await.unwrap();
    let ran = ran.unwrap();
    serving.abort();
    let text = String::from_utf8(ran.stdout).unwrap();
    let answers: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(answers.len(), 4, "{text}{}", String::from_utf8_lossy(&ran.stderr));
    let [made, again, wrong, scored] = answers[..] else { unreachable!() };
    assert_eq!(made, again);
    assert_eq!(lasting(made), lasting(shown[0].trim()));
    assert_eq!(lasting(wrong), lasting(shown[1].trim()));
    let mut rest = scored;
    for piece in shown[2].trim().split('…').map(str::trim) {
        rest = rest.split_once(piece).unwrap_or_else(|| panic!("{piece} is not next in {rest}")).1;
    }
}

#[tokio::test]
async fn a_second_process_on_a_folder_is_told_what_to_do() {
    let place = Place::folder();
    let afterglow::store::Place::Folder(folder) = &place.place else { unreachable!() };
    let data = ("data", folder.display().to_string());
    let config = || Config::resolve(&Ask { flags: vec![data.clone()], ..Ask::default() }, [], None).unwrap();
    let _first = start::open(config(), Clock::system()).await.unwrap();
    let refused = start::open(config(), Clock::system()).await.err().unwrap().to_string();
    assert!(refused.contains("stop that one, run this, start it again") && !refused.contains('\n'), "{refused}");
}
