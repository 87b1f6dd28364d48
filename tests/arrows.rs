//! Who may use whom: reads the imports and every path in the code, and fails on a broken arrow.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A part of the code, and what it never names.
const NEVER: &[(&str, &[&str])] = &[
    (
        "api/src/domain",
        &[
            "poem",
            "sea_orm",
            "lettre",
            "redis",
            "tokio",
            "entities",
            "crate::store",
            "crate::http",
            "crate::reminders",
            "crate::notify",
            "crate::clock",
            "crate::app",
            "async fn",
        ],
    ),
    (
        "api/src/store",
        &["poem", "poem_openapi", "crate::http", "crate::notify", "crate::reminders", "crate::dashboard"],
    ),
    ("api/src/notify", &["poem", "sea_orm", "entities", "crate::store", "crate::http"]),
    ("api/src/reminders", &["poem", "sea_orm", "entities", "crate::http"]),
    (
        "api/src/security",
        &[
            "poem",
            "poem_openapi",
            "sea_orm",
            "entities",
            "crate::store",
            "crate::http",
            "crate::notify",
            "crate::reminders",
            "crate::app",
            "crate::clock",
        ],
    ),
    ("api/src/demo", &["poem_openapi", "sea_orm", "lettre", "crate::http", "crate::cli"]),
    ("api/src/cli", &["poem_openapi", "sea_orm", "entities", "crate::domain::safety"]),
    ("api/src/http", &["sea_orm", "entities", "lettre", "redis", "crate::notify"]),
    ("api/src/dashboard", &["sea_orm", "entities", "crate::store"]),
    ("entities/src", &["migration", "afterglow"]),
    ("migration/src", &["entities", "afterglow"]),
];

/// The one file that may name an AEAD.
const SEAL: &str = "api/src/security/seal.rs";

/// Lines of the longest file. We aim at 250; what is longer than this is two files, tables included.
const LONGEST: usize = 350;

#[test]
fn no_arrow_points_the_wrong_way() {
    let mut broken = Vec::new();
    for (part, never) in NEVER {
        let files = files(part);
        assert!(!files.is_empty(), "{part} is not there");
        for file in files {
            let names = names(&code(&file));
            let wrong = never.iter().filter(|never| names.iter().any(|name| starts(name, never)));
            broken.extend(wrong.map(|wrong| format!("{} names {wrong}", file.display())));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_one_file_names_an_aead() {
    let others = files("api/src").into_iter().filter(|file| !file.ends_with(SEAL));
    let naming: Vec<_> = others.filter(|file| names(&code(file)).iter().any(|name| starts(name, "aes_gcm"))).collect();
    assert!(naming.is_empty(), "{naming:?}");
}

/// A driver is spoken to in one folder. And rows are read by the names of their columns: SQLite's come as a proxy's, which
/// keeps its columns in the order of the alphabet.
#[test]
fn only_the_link_knows_a_driver_and_nobody_counts_columns() {
    let beyond = |file: &PathBuf| !file.to_string_lossy().contains("/store/link/");
    for file in files("api/src").into_iter().filter(beyond) {
        let code = code(&file);
        let driver = |name: &String| name.split("::").any(|part| ["rusqlite", "sqlx"].contains(&part));
        let driver = names(&code).into_iter().find(driver);
        assert_eq!(driver, None, "{}", file.display());
        assert!(!code.contains("into_tuple::<("), "{}: several columns by their place", file.display());
    }
}

#[test]
fn no_file_does_two_things() {
    let lines = |file: &PathBuf| fs::read_to_string(file).unwrap().lines().count();
    let long = files("api/src").into_iter().map(|file| (lines(&file), file)).filter(|(lines, _)| *lines > LONGEST);
    let long: Vec<_> = long.map(|(lines, file)| format!("{} has {lines} lines", file.display())).collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_groups_and_paths() {
    let code = "use crate::{\n    error::Error,\n    store::{Scope, records::{self, put}},\n};\nfn f() { sea_orm::f(crate::clock::X) }";
    let names = names(code);
    for name in ["crate::error::Error", "crate::store::Scope", "crate::store::records::put", "sea_orm", "crate::clock"]
    {
        assert!(names.iter().any(|found| starts(found, name)), "{name} in {names:?}");
    }
    assert!(!starts("poem_openapi::Object", "poem"));
}

/// Whether a path is, or lies below, another.
fn starts(name: &str, path: &str) -> bool {
    name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn files(part: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(part);
    let mut found = if root.with_extension("rs").exists() { vec![root.with_extension("rs")] } else { Vec::new() };
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// A file without its comments and its tests.
fn code(file: &Path) -> String {
    if file.file_stem().is_some_and(|stem| stem == "tests") {
        return String::new();
    }
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path that the code imports or spells out.
fn names(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let end = rest[at..].find(';').map_or(rest.len(), |end| at + end);
        expand("", &rest[at + 4..end], &mut found);
        rest = &rest[end..];
    }
    let path = |char: char| !(char.is_alphanumeric() || char == '_' || char == ':');
    found.extend(code.split(path).filter(|word| word.contains("::")).map(str::to_owned));
    if code.contains("async fn") || code.contains("async move") {
        found.push("async fn".into());
    }
    found
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expand(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        found.push(format!("{prefix}{}", tree.split(" as ").next().unwrap_or_default().trim()));
        return;
    };
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start) = (0, 0);
    for (at, char) in group.char_indices().chain([(group.len(), ',')]) {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !group[start..at].trim().is_empty() {
                    expand(&format!("{prefix}{}", head.trim()), &group[start..at], found);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}
