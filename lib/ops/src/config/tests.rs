//! Directories of configuration files, good and bad.

use std::fs;
use std::path::Path;

use gantry_types::Diagnostic as _;

use super::*;

struct Dirs(tempfile::TempDir);

impl Dirs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn load(&self, layers: &[&str]) -> Result<Config, ConfigError> {
        let layers: Vec<PathBuf> = layers.iter().map(|l| self.0.path().join(l)).collect();
        let layers: Vec<&Path> = layers.iter().map(PathBuf::as_path).collect();
        Config::load(&layers, &Section::ALL)
    }

    /// The error of the only layer, with its cause, and paths from the layer on.
    fn error(&self) -> String {
        let error = self.load(&["l"]).unwrap_err();
        let text = match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn basic(domains: &str, user: &str) -> String {
    format!(
        r#"{{"rktKind":"auth","rktVersion":"v1","domains":[{domains}],"type":"basic",
        "credentials":{{"user":"{user}","password":"p"}}}}"#
    )
}

fn docker(registry: &str, user: &str) -> String {
    format!(
        r#"{{"rktKind":"dockerAuth","rktVersion":"v1","registries":["{registry}"],
        "credentials":{{"user":"{user}","password":"p"}}}}"#
    )
}

fn paths(rest: &str) -> String {
    format!(r#"{{"rktKind":"paths","rktVersion":"v1",{rest}}}"#)
}

fn stage1(rest: &str) -> String {
    format!(r#"{{"rktKind":"stage1","rktVersion":"v1",{rest}}}"#)
}

fn isolators(word: &str) -> String {
    format!(r#"{{"rktKind":"isolators","rktVersion":"v1","unverifiedImages":"{word}"}}"#)
}

fn user(config: &Config, domain: &str) -> String {
    match &config.auth[domain].value {
        AuthCredentials::Basic(basic) => basic.user.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn later_directories_override_value_by_value() {
    let dirs = Dirs::new();
    dirs.write("sys/auth.d/x.json", &basic(r#""a.test","b.test""#, "sys"));
    dirs.write("sys/auth.d/y.json", &docker("r.test", "sys"));
    dirs.write(
        "sys/paths.d/p.json",
        &paths(r#""data":"/sys","stage1-images":"/sys1""#),
    );
    dirs.write(
        "sys/stage1.d/s.json",
        &stage1(r#""name":"n","version":"1","location":"/l""#),
    );
    // Names mean nothing.
    dirs.write(
        "loc/auth.d/other.json",
        &basic(r#""b.test","c.test""#, "loc"),
    );
    dirs.write("loc/auth.d/y.json", &docker("r.test", "loc"));
    dirs.write("loc/paths.d/q.json", &paths(r#""data":"/loc""#));
    dirs.write(
        "loc/stage1.d/s.json",
        &stage1(r#""name":"m","version":"2""#),
    );
    dirs.write("sys/isolators.d/i.json", &isolators("narrow-only"));
    dirs.write("loc/isolators.d/j.json", &isolators("warn"));
    let config = dirs.load(&["sys", "loc", "missing"]).unwrap();
    let users = ["a.test", "b.test", "c.test"].map(|domain| user(&config, domain));
    assert_eq!(users, ["sys", "loc", "loc"]);
    assert_eq!(config.docker_auth["r.test"].value.user, "loc");
    let data = config.data.unwrap();
    assert_eq!(data.value, Path::new("/loc"));
    assert_eq!(data.file, dirs.0.path().join("loc/paths.d/q.json"));
    assert_eq!(config.stage1_images.unwrap().value, Path::new("/sys1"));
    assert_eq!(config.stage1_name.unwrap().value.version, "2");
    assert_eq!(config.stage1_location.unwrap().value, "/l");
    let sys = dirs.load(&["loc", "sys"]).unwrap();
    assert_eq!(user(&sys, "b.test"), "sys");
    let unverified = [config.unverified_images, sys.unverified_images];
    assert_eq!(
        unverified.map(|stated| stated.unwrap().value),
        [UnverifiedImages::Warn, UnverifiedImages::NarrowOnly]
    );
}

#[test]
fn one_directory_may_split_what_it_says_over_files() {
    let dirs = Dirs::new();
    dirs.write("l/paths.d/a.json", &paths(r#""data":"/d""#));
    dirs.write("l/paths.d/b.json", &paths(r#""stage1-images":"/s""#));
    dirs.write("l/stage1.d/a.json", &stage1(r#""name":"n","version":"1""#));
    dirs.write("l/stage1.d/b.json", &stage1(r#""location":"/l""#));
    let config = dirs.load(&["l"]).unwrap();
    assert!(config.data.is_some() && config.stage1_images.is_some());
    assert!(config.stage1_name.is_some() && config.stage1_location.is_some());
}

#[test]
fn saying_something_twice_is_an_error_that_names_both_files() {
    for (section, first, second, what) in [
        (
            "auth.d",
            basic(r#""a.test""#, "u"),
            basic(r#""b.test","a.test""#, "u"),
            "auth for domain \"a.test\" is",
        ),
        (
            "auth.d",
            docker("r.test", "u"),
            docker("r.test", "v"),
            "credentials for docker registry \"r.test\" are",
        ),
        (
            "paths.d",
            paths(r#""data":"/a""#),
            paths(r#""data":"/a""#),
            "data directory is",
        ),
        (
            "paths.d",
            paths(r#""stage1-images":"/a""#),
            paths(r#""stage1-images":"/b""#),
            "stage1 images directory is",
        ),
        (
            "stage1.d",
            stage1(r#""name":"n","version":"1""#),
            stage1(r#""name":"m","version":"1""#),
            "name and version of a default stage1 image are",
        ),
        (
            "stage1.d",
            stage1(r#""location":"/a""#),
            stage1(r#""location":"/b""#),
            "location of a default stage1 image is",
        ),
        (
            "isolators.d",
            isolators("warn"),
            isolators("warn"),
            "what isolators of unverified images may do is",
        ),
    ] {
        let dirs = Dirs::new();
        dirs.write(&format!("l/{section}/1.json"), &first);
        dirs.write(&format!("l/{section}/2.json"), &second);
        let expected = format!(
            "failed to parse \"l/{section}/2.json\": {what} already specified in \"l/{section}/1.json\""
        );
        assert_eq!(dirs.error(), expected);
    }
    let dirs = Dirs::new();
    dirs.write("l/auth.d/1.json", &basic(r#""a.test","a.test""#, "u"));
    assert!(dirs.error().contains("already specified"));
}

#[test]
fn only_regular_files_called_json_directly_in_place_are_read() {
    let dirs = Dirs::new();
    dirs.write("l/auth.d/a.conf", "nonsense");
    dirs.write("l/auth.d/json", "nonsense");
    dirs.write("l/auth.d/a.JSON", "nonsense");
    dirs.write("l/auth.d/deeper.json/a.json", "nonsense");
    dirs.write("l/a.json", "nonsense");
    dirs.write("l/other.d/a.json", "nonsense");
    dirs.write("elsewhere", "nonsense");
    let link = dirs.0.path().join("l/auth.d/link.json");
    std::os::unix::fs::symlink("../../elsewhere", link).unwrap();
    let fifo = dirs.0.path().join("l/auth.d/fifo.json");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    dirs.write("l/auth.d/.json", &basic(r#""a.test""#, "u"));
    let config = dirs.load(&["l"]).unwrap();
    assert_eq!(config.auth.len(), 1);
    assert!(config.problems.is_empty());
}

#[test]
fn errors_name_the_file() {
    for (path, text, expected) in [
        (
            "auth.d/a.json",
            "{}",
            "failed to parse \"l/auth.d/a.json\": no rktKind specified",
        ),
        (
            "auth.d/a.json",
            &paths(r#""data":"/a""#),
            "failed to parse \"l/auth.d/a.json\": configuration files of kinds \"auth\", \
             \"dockerAuth\" are expected here, but this one has kind of \"paths\"",
        ),
        (
            "paths.d/a.json",
            &paths(r#""data":"a""#),
            "failed to parse \"l/paths.d/a.json\": field data: data directory must be an absolute path",
        ),
        (
            "isolators.d/a.json",
            &isolators("strict"),
            "failed to parse \"l/isolators.d/a.json\": field unverifiedImages: \"strict\" is \
             neither \"narrow-only\" nor \"warn\"",
        ),
        ("stage1.d", "", "expected \"l/stage1.d\" to be a directory"),
    ] {
        let dirs = Dirs::new();
        dirs.write(&format!("l/{path}"), text);
        assert_eq!(dirs.error(), expected);
    }
    let dirs = Dirs::new();
    dirs.write("l", "");
    assert_eq!(dirs.error(), "expected \"l\" to be a directory");
}

#[test]
fn a_section_is_read_alone() {
    let dirs = Dirs::new();
    dirs.write("l/auth.d/a.json", "nonsense");
    dirs.write("l/paths.d/a.json", &paths(r#""data":"/a""#));
    let layer = dirs.0.path().join("l");
    let config = Config::load(&[&layer], &[Section::Paths]).unwrap();
    assert!(config.data.is_some());
    let error = Config::load(&[&layer], &[Section::Auth]).unwrap_err();
    assert_eq!(error.kind(), gantry_types::Kind::Usage);
}

#[test]
fn credentials_reach_the_client_and_useless_ones_are_told() {
    let dirs = Dirs::new();
    dirs.write(
        "l/auth.d/a.json",
        &basic(r#""a.test","https://b.test/""#, "u"),
    );
    dirs.write(
        "l/auth.d/b.json",
        r#"{"rktKind":"auth","rktVersion":"v1","domains":["c.test"],"type":"oauth",
        "credentials":{"token":"hu\nsh"}}"#,
    );
    let config = dirs.load(&["l"]).unwrap();
    let (credentials, problems) = config.host_credentials();
    let fits = |url: &str| credentials.for_url(&url.parse().unwrap()).is_some();
    assert!(fits("https://a.test/x") && !fits("https://b.test/x") && !fits("https://c.test/x"));
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 2);
    assert!(
        problems[0].contains("c.test") && problems[0].contains("b.json"),
        "{problems:?}"
    );
    assert!(!problems.concat().contains("hu"), "{problems:?}");
}
