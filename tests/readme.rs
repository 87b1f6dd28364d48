//! What the README says must be so.

use afterglow::config::SETTINGS;

#[test]
fn the_readme_lists_every_setting_as_the_program_does() {
    let readme = include_str!("../README.md");
    let rows = readme.lines().filter(|line| line.starts_with("| `AFTERGLOW_"));
    let listed: Vec<String> = rows.filter_map(|row| row.split('`').nth(1)).map(str::to_lowercase).collect();
    let known: Vec<String> = SETTINGS.iter().map(|(name, _)| format!("afterglow_{name}")).collect();
    assert_eq!(listed, known);
}
