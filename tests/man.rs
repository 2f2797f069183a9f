//! Manual pages come from the parsers; pages in man/ that differ from them are stale.

use std::collections::BTreeMap;
use std::path::Path;

use gantry_testkit::TestEnv;

const TOOLS: [&str; 4] = [
    env!("CARGO_BIN_EXE_rkt"),
    env!("CARGO_BIN_EXE_actool"),
    env!("CARGO_BIN_EXE_acbuild"),
    env!("CARGO_BIN_EXE_actrust"),
];

fn pages(folder: &Path) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("man pages").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".1") {
            pages.insert(name, std::fs::read_to_string(entry.path()).expect("a page"));
        }
    }
    pages
}

#[test]
fn the_pages_in_man_are_those_of_the_parsers() {
    let env = TestEnv::new();
    let fresh = env.path("man");
    std::fs::create_dir(&fresh).unwrap();
    for tool in TOOLS {
        env.run(tool, ["--write-man-pages", fresh.to_str().unwrap()])
            .expect(0);
    }
    let fresh = pages(&fresh);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    if std::env::var_os("GANTRY_WRITE_MAN").is_some() {
        for old in pages(&kept)
            .keys()
            .filter(|name| !fresh.contains_key(*name))
        {
            std::fs::remove_file(kept.join(old)).unwrap();
        }
        for (name, page) in &fresh {
            std::fs::write(kept.join(name), page).unwrap();
        }
    }
    let stale: Vec<_> = {
        let kept = pages(&kept);
        let names = fresh.keys().chain(kept.keys());
        names
            .filter(|name| fresh.get(*name) != kept.get(*name))
            .cloned()
            .collect()
    };
    assert!(
        stale.is_empty(),
        "stale pages in man/: {stale:?}; run `make man`"
    );
}

/// The page of the rules that `actool validate --format=json` names.
fn rules() -> String {
    let mut page = String::from(
        "# Rules of `actool validate`\n\n\
         What `actool validate --format=json` names in `rule`. An error makes the file invalid, a warning never \
         does. This page is written from the program by `make man`.\n",
    );
    for (title, rules) in [
        ("Files, layouts and archives", gantry_ops::validate::RULES),
        ("Manifests", gantry_types::check::rule::RULES),
    ] {
        page.push_str(&format!(
            "\n## {title}\n\n| rule | severity | what must be | hint |\n|---|---|---|---|\n"
        ));
        for rule in rules {
            let (id, severity) = (rule.id, rule.severity.as_str());
            let (summary, hint) = (rule.summary, rule.hint);
            page.push_str(&format!("| `{id}` | {severity} | {summary} | {hint} |\n"));
        }
    }
    page
}

#[test]
fn the_page_of_rules_is_that_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/validate-rules.md");
    if std::env::var_os("GANTRY_WRITE_MAN").is_some() {
        std::fs::write(&path, rules()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == rules(),
        "man/validate-rules.md is stale; run `make man`"
    );
}
