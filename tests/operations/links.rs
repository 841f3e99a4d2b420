//! Links between the pages lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::repository;

/// All pages below a directory.
fn pages(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory of pages") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The anchors of a page, made of its headings as GitHub makes them.
fn anchors(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).expect("a page");
    let headings =
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    headings
        .map(|text| text.to_lowercase().chars().filter(is_kept).collect::<String>().replace(' ', "-"))
        .collect()
}

/// The targets of the links of a text, without those that lead away.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    ends.map(|(target, _)| target).filter(|target| !target.contains("://") && !target.contains(' '))
}

#[test]
fn every_link_between_pages_leads_to_a_page_and_a_heading() {
    let mut all = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(repository).to_vec();
    pages(&repository("docs"), &mut all);

    let mut astray = Vec::new();
    for page in &all {
        for target in targets(&fs::read_to_string(page).expect("a page")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let directory = page.parent().expect("a page lies in a directory");
            let path = if file.is_empty() { page.clone() } else { directory.join(file) };
            let is_page = path.extension().is_some_and(|extension| extension == "md");
            if !path.exists() || (is_page && !anchor.is_empty() && !anchors(&path).contains(anchor)) {
                astray.push(format!("{}: {target}", page.display()));
            }
        }
    }

    assert!(all.len() > 20, "{} pages", all.len());
    assert!(astray.is_empty(), "these lead nowhere:\n{}", astray.join("\n"));
}
