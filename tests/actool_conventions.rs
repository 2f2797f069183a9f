//! What all commands of actool have in common: flags as Go reads them, help, version, exit statuses.
//!
//! Outputs are those of the original tool for the same command lines, but for what was added since.

use gantry_testkit::{Outcome, TestEnv};

const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");

const VERSION: &str = "actool version 0.8.11+git\n";
const GLOBAL_FLAGS: &str = "Usage of actool:
  -debug
    \tPrint verbose (debug) output
  -help
    \tPrint usage information and exit
";
const VALIDATE_FLAGS: &str = "  -type string
    \tType of file to validate. If unset, actool will try to detect the type. \
One of \"appimage,layout,manifest\"
";
const PRETTY_PRINT: &str = "  -pretty-print\n    \tPrint with better style\n";

/// Runs a command line; `''` is an empty word.
fn run(line: &str) -> Outcome {
    let words = line.split_whitespace();
    let words = words.map(|word| if word == "''" { "" } else { word });
    TestEnv::new().run(ACTOOL, words)
}

/// What the original prints for a wrong flag of a command: the error, the flags, the error again.
fn misused(error: &str, flags: &str) -> String {
    match error {
        "flag: help requested" => format!("Usage:\n{flags}{error}\n"),
        error => format!("{error}\nUsage:\n{flags}{error}\n"),
    }
}

#[test]
fn flags_are_read_and_refused_as_go_does() {
    let global = |error: &str| format!("{error}\n{GLOBAL_FLAGS}");
    let unknown = |name: &str| {
        format!("actool: unknown subcommand: {name:?}\nRun 'actool help' for usage.\n")
    };
    let table: Vec<(&str, &str, String, i32)> = vec![
        ("version", VERSION, String::new(), 0),
        ("version x y", VERSION, String::new(), 0),
        ("version -- -x", VERSION, String::new(), 0),
        ("version - -x", VERSION, String::new(), 0),
        ("--debug version", VERSION, String::new(), 0),
        ("-debug version", VERSION, String::new(), 0),
        ("--debug=false version", VERSION, String::new(), 0),
        ("-debug=0 version", VERSION, String::new(), 0),
        ("--debug=T version", VERSION, String::new(), 0),
        ("--debug --debug=false version", VERSION, String::new(), 0),
        ("-- version", VERSION, String::new(), 0),
        ("--help=false version", VERSION, String::new(), 0),
        // Of a global flag.
        ("-h", "", GLOBAL_FLAGS.to_owned(), 0),
        ("-x", "", global("flag provided but not defined: -x"), 2),
        ("--x=1", "", global("flag provided but not defined: -x"), 2),
        ("---x", "", global("bad flag syntax: ---x"), 2),
        ("-=", "", global("bad flag syntax: -="), 2),
        (
            "--debug=x version",
            "",
            global("invalid boolean value \"x\" for -debug: parse error"),
            2,
        ),
        (
            "--help=",
            "",
            global("invalid boolean value \"\" for -help: parse error"),
            2,
        ),
        // Of the command's name.
        ("x", "", unknown("x"), 2),
        ("--debug false version", "", unknown("false"), 2),
        ("- version", "", unknown("-"), 2),
        ("''", "", unknown(""), 2),
        ("-- -x", "", unknown("-x"), 2),
        ("Version", "", unknown("Version"), 2),
        // Of a command's flag.
        (
            "version -x",
            "",
            misused("flag provided but not defined: -x", ""),
            2,
        ),
        ("version -h", "", misused("flag: help requested", ""), 2),
        ("help --help", "", misused("flag: help requested", ""), 2),
        (
            "version --debug",
            "",
            misused("flag provided but not defined: -debug", ""),
            2,
        ),
        (
            "cat-manifest --pretty-print=x",
            "",
            misused(
                "invalid boolean value \"x\" for -pretty-print: parse error",
                PRETTY_PRINT,
            ),
            2,
        ),
        (
            "cat-manifest -pretty-print=",
            "",
            misused(
                "invalid boolean value \"\" for -pretty-print: parse error",
                PRETTY_PRINT,
            ),
            2,
        ),
        (
            "cat-manifest --pretty",
            "",
            misused("flag provided but not defined: -pretty", PRETTY_PRINT),
            2,
        ),
        (
            "cat-manifest -h",
            "",
            misused("flag: help requested", PRETTY_PRINT),
            2,
        ),
        // Of the number of operands.
        (
            "cat-manifest",
            "",
            "cat-manifest: Must provide one file\n".to_owned(),
            1,
        ),
        (
            "cat-manifest --pretty-print true a",
            "",
            "cat-manifest: Must provide one file\n".to_owned(),
            1,
        ),
        (
            "cat-manifest a --pretty-print",
            "",
            "cat-manifest: Must provide one file\n".to_owned(),
            1,
        ),
        ("help x", "", "Unrecognized command: x\n".to_owned(), 1),
        ("help ''", "", "Unrecognized command: \n".to_owned(), 1),
        (
            "validate",
            "",
            "must pass one or more files\n".to_owned(),
            1,
        ),
        (
            "validate --type=",
            "",
            "must pass one or more files\n".to_owned(),
            1,
        ),
        (
            "validate --type a",
            "",
            "must pass one or more files\n".to_owned(),
            1,
        ),
    ];
    for (line, stdout, stderr, status) in table {
        let outcome = run(line);
        assert_eq!(outcome.stdout, stdout, "{line}");
        assert_eq!(outcome.stderr, stderr, "{line}");
        assert_eq!(outcome.status, status, "{line}");
    }
}

#[test]
fn flags_added_since_stand_among_those_of_the_original() {
    for (line, error, flags) in [
        (
            "validate --type",
            "flag needs an argument: -type",
            VALIDATE_FLAGS,
        ),
        (
            "discover --port=x a",
            "invalid value \"x\" for flag -port: parse error",
            "  -port uint\n    \tPort to connect to when performing discovery\n",
        ),
        (
            "discover --port= a",
            "invalid value \"\" for flag -port: parse error",
            "  -json\n    \tOutput result as JSON\n",
        ),
        (
            "discover --port=70000 a",
            "invalid value \"70000\" for flag -port: value out of range",
            "",
        ),
    ] {
        let outcome = run(line).expect(2);
        assert_eq!(outcome.stdout, "", "{line}");
        let stderr = &outcome.stderr;
        assert!(
            stderr.starts_with(&format!("{error}\nUsage:\n")),
            "{outcome}"
        );
        assert!(stderr.ends_with(&format!("\n{error}\n")), "{outcome}");
        assert!(stderr.contains(flags), "{outcome}");
    }
}

#[test]
fn the_help_is_that_of_the_original_with_the_commands_added_since() {
    const ORIGINAL: [&str; 5] = [
        "\tcat-manifest\tPrint the manifest from an ACI",
        "\tdiscover\tDiscover the download URLs for one or more app container images",
        "\thelp\t\tShow a list of commands or help for one command",
        "\tvalidate\tValidate that one or more images or manifests meet the AppContainer specification",
        "\tversion\t\tPrint the version and exit",
    ];
    let whole = run("help").expect(0);
    assert_eq!(whole.stderr, "");
    let (before, rest) = whole.stdout.split_once("COMMANDS:\n").unwrap();
    let (commands, after) = rest.split_once("\n\n").unwrap();
    assert_eq!(
        before,
        "NAME:\n\tactool - actool, the application container tool\n\n\
         USAGE:\n\tactool [global options] <command> [command options] [arguments...]\n\n\
         VERSION:\n\t0.8.11+git\n\n"
    );
    assert_eq!(
        after,
        "GLOBAL OPTIONS:\n\t--debug=false\tPrint verbose (debug) output\n\
         \t--help=false\tPrint usage information and exit\n\n\
         Run \"actool help <command>\" for more details on a specific command.\n"
    );
    let commands: Vec<_> = commands.lines().collect();
    let mut originals = commands.clone();
    originals.retain(|line| ORIGINAL.contains(line));
    assert_eq!(originals, ORIGINAL);
    assert!(commands.is_sorted(), "{commands:?}");
    for line in [
        "",
        "--help",
        "-help",
        "--help=true",
        "--help=false",
        "--help validate",
        "--help nonsense --nonsense",
        "--debug",
        "--debug help",
        "help -- ",
    ] {
        assert_eq!(run(line).expect(0).stdout, whole.stdout, "{line}");
    }
}

#[test]
fn the_help_for_a_command_is_that_of_the_original() {
    for (command, summary, usage, description, options) in [
        (
            "cat-manifest",
            "Print the manifest from an ACI",
            " [--pretty-print] ACI_FILE",
            "Print the manifest from an ACI.",
            "\t--pretty-print=false\tPrint with better style\n",
        ),
        (
            "help",
            "Show a list of commands or help for one command",
            "[COMMAND]",
            "Show a list of commands or detailed help for one command",
            "",
        ),
        (
            "version",
            "Print the version and exit",
            "",
            "Print the version and exit",
            "",
        ),
    ] {
        let options = match options {
            "" => String::new(),
            options => format!("OPTIONS:\n{options}\n"),
        };
        let help = run(&format!("help {command} x")).expect(0);
        assert_eq!(
            help.stdout,
            format!(
                "NAME:\n\t{command} - {summary}\n\nUSAGE:\n\tactool {command} {usage}\n\n\
                 DESCRIPTION:\n\t{description}\n\n{options}\
                 For help on global options run \"actool help\"\n"
            )
        );
    }
}

#[test]
fn help_for_a_command_with_flags_of_ours_still_shows_those_of_the_original() {
    for (command, lines) in [
        (
            "discover",
            &[
                "\t--insecure=false\tDon't check TLS certificates and allow insecure non-TLS downloads over http",
                "\t--json=false\t\tOutput result as JSON",
                "\t--port=0\t\tPort to connect to when performing discovery",
            ][..],
        ),
        (
            "validate",
            &[
                "\tvalidate - Validate that one or more images or manifests meet the AppContainer specification",
                "\tValidate one or more AppContainer files",
            ],
        ),
    ] {
        let help = run(&format!("help {command}")).expect(0).stdout;
        for line in lines {
            assert!(help.lines().any(|shown| shown == *line), "{help}");
        }
    }
}
