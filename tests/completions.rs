//! Completions come from the parsers; files in man/completions that differ from them are stale.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gantry_testkit::TestEnv;

const TOOLS: [(&str, &str); 4] = [
    ("rkt", env!("CARGO_BIN_EXE_rkt")),
    ("actool", env!("CARGO_BIN_EXE_actool")),
    ("acbuild", env!("CARGO_BIN_EXE_acbuild")),
    ("actrust", env!("CARGO_BIN_EXE_actrust")),
];

/// An environment with fresh completions in `fresh`.
fn environment() -> TestEnv {
    let env = TestEnv::new();
    let fresh = env.path("fresh");
    for (_, tool) in TOOLS {
        env.run(tool, ["--write-completions", fresh.to_str().unwrap()])
            .expect(0);
    }
    env
}

/// What lies in the folders of `folder`, by `SHELL/FILE`.
fn scripts(folder: &Path) -> BTreeMap<String, String> {
    let mut scripts = BTreeMap::new();
    for shell in fs::read_dir(folder).into_iter().flatten().flatten() {
        for file in fs::read_dir(shell.path()).into_iter().flatten().flatten() {
            let path = file.path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            scripts.insert(name, fs::read_to_string(path).unwrap());
        }
    }
    scripts
}

#[test]
fn the_completions_in_man_are_those_of_the_parsers() {
    let env = environment();
    let fresh = scripts(&env.path("fresh"));
    assert_eq!(fresh.len(), 3 * TOOLS.len());
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/completions");
    if std::env::var_os("GANTRY_WRITE_MAN").is_some() {
        let _ = fs::remove_dir_all(&kept);
        for (name, script) in &fresh {
            let path = kept.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, script).unwrap();
        }
    }
    let kept = scripts(&kept);
    let names = fresh.keys().chain(kept.keys());
    let stale: Vec<_> = names
        .filter(|name| fresh.get(*name) != kept.get(*name))
        .collect();
    assert!(
        stale.is_empty(),
        "stale files in man/completions: {stale:?}; run `make man`"
    );
}

/// Completes the last word as bash does: by the function that the script has registered for the tool.
const COMPLETE: &str = r#"
set -u
. "$1"; shift
registered=$(complete -p "$1")
function=$(sed 's/.*-F \([^ ]*\) .*/\1/' <<< "$registered")
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]:-}" | sort
"#;

#[test]
fn bash_completes_commands_flags_and_values() {
    let env = environment();
    env.write("image.aci", "");
    for (words, offered) in [
        (&["actool", "v"][..], &["validate", "version"][..]),
        (&["actool", "help", "v"], &["validate", "version"]),
        (&["actool", "-"], &["--debug", "--help"]),
        (&["actool", "--debug", "patch"], &["patch-manifest"]),
        (
            &["actool", "patch-manifest", "--sec"],
            &["--seccomp-mode", "--seccomp-set"],
        ),
        // With one dash, as Go reads them too.
        (&["actool", "patch-manifest", "-ov"], &["--overwrite"]),
        (
            &["actool", "patch-manifest", "-manifest", "ima"],
            &["image.aci"],
        ),
        (
            &["actool", "patch-manifest", "--manifest", "ima"],
            &["image.aci"],
        ),
        // Nothing of its own where a file belongs: then bash offers files.
        (&["actool", "validate", ""], &[""]),
        (&["rkt", "image", "l"], &["list"]),
        (&["rkt", "run", "--ex"], &["--exec"]),
        (&["rkt", "completion", ""], &["bash", "fish", "zsh"]),
        (&["acbuild", "label", "a"], &["add"]),
        (&["acbuild", "--work"], &["--work-path"]),
        (&["actrust", "e"], &["enable", "explain", "export"]),
        (
            &["actrust", "list", "--format", "j"],
            &["json", "json-pretty"],
        ),
    ] {
        let file = env.path("fresh/bash").join(words[0]);
        let mut arguments = vec!["-c", COMPLETE, "bash", file.to_str().unwrap()];
        arguments.extend(words);
        let outcome = env.run("bash", arguments).expect(0);
        assert_eq!(outcome.stderr, "", "{words:?}");
        let lines: Vec<_> = outcome.stdout.lines().collect();
        assert_eq!(lines, offered, "{words:?}");
    }
}

#[test]
fn every_shell_can_read_its_scripts() {
    let env = environment();
    for name in scripts(&env.path("fresh")).keys() {
        let shell = name.split('/').next().unwrap();
        let found = env.run("sh", ["-c", "command -v \"$0\"", shell]);
        if found.status != 0 {
            eprintln!("SKIP: {shell} is not installed");
            continue;
        }
        let script = env.path("fresh").join(name);
        let outcome = env.run(shell, ["-n", script.to_str().unwrap()]).expect(0);
        assert_eq!(outcome.stderr, "", "{name}");
    }
}

#[test]
fn rkt_prints_the_completion_of_a_shell() {
    let env = environment();
    let rkt = TOOLS[0].1;
    for (shell, file) in [
        ("bash", "bash/rkt"),
        ("zsh", "zsh/_rkt"),
        ("fish", "fish/rkt.fish"),
    ] {
        let outcome = env.run(rkt, ["completion", shell]).expect(0);
        let written = fs::read_to_string(env.path("fresh").join(file)).unwrap();
        assert_eq!(outcome.stdout.trim_end(), written.trim_end());
    }
    for (line, says) in [
        (
            "completion tcsh",
            "completion: 'tcsh' shell is not supported",
        ),
        ("completion", "completion: shell not specified"),
        ("completion bash zsh", "completion: too many arguments"),
    ] {
        env.run(rkt, line.split(' ')).expect(254).says(says);
    }
}
