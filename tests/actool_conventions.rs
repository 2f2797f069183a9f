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

const PATCH_USAGE: &str = "
\t\t  [--manifest=MANIFEST_FILE]
\t\t  [--name=example.com/app]
\t\t  [--exec=\"/app --debug\"]
\t\t  [--user=uid] [--group=gid]
\t\t  [--capability=CAP_SYS_ADMIN,CAP_NET_ADMIN]
\t\t  [--revoke-capability=CAP_SYS_CHROOT,CAP_MKNOD]
\t\t  [--mounts=work,path=/opt,readOnly=true[:work2,...]]
\t\t  [--ports=query,protocol=tcp,port=8080[:query2,...]]
\t\t  [--supplementary-groups=gid1,gid2,...]
\t\t  [--isolators=resource/cpu,request=50m,limit=100m[:resource/memory,...]]
\t\t  [--seccomp-mode=remove|retain[,errno=EPERM]]
\t\t  [--seccomp-set=syscall1,syscall2,...]]
\t\t  [--replace]
\t\t  INPUT_ACI_FILE
\t\t  [OUTPUT_ACI_FILE]";
const PATCH_OPTIONS: &str = "\
\t--capability=\t\tSet the capability remain set
\t--exec=\t\t\tReplace the command line to launch the executable
\t--group=\t\tReplace group
\t--isolators=\t\tReplace isolators
\t--manifest=\t\tReplace image manifest with this file. Incompatible with other replace options.
\t--mounts=\t\tReplace mount points
\t--name=\t\t\tReplace name
\t--no-compression=false\tDo not gzip-compress the produced ACI
\t--overwrite=false\tOverwrite target file if it already exists
\t--ports=\t\tReplace ports
\t--replace=false\t\tReplace the input file
\t--revoke-capability=\tSet the capability remove set
\t--seccomp-mode=\t\tEnable and configure seccomp isolator
\t--seccomp-set=\t\tSet of syscalls for seccomp isolator enforcing
\t--supplementary-groups=\tReplace supplementary groups, expects a comma-separated list.
\t--user=\t\t\tReplace user
";

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
    const ORIGINAL: [&str; 7] = [
        "\tbuild\t\tBuild an ACI from an Image Layout (experimental)",
        "\tcat-manifest\tPrint the manifest from an ACI",
        "\tdiscover\tDiscover the download URLs for one or more app container images",
        "\thelp\t\tShow a list of commands or help for one command",
        "\tpatch-manifest\tCopy an ACI and patch its manifest (experimental)",
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
            "build",
            "Build an ACI from an Image Layout (experimental)",
            "[--overwrite] [--no-compression] [--owner-root] DIRECTORY OUTPUT_FILE",
            "Build an ACI from a given directory. The directory should\n\
             \tcontain an Image Layout. The Image Layout will be validated\n\
             \tbefore the ACI is created. The produced ACI will be\n\
             \tgzip-compressed by default.",
            "\t--no-compression=false\tDo not gzip-compress the produced ACI\n\
             \t--overwrite=false\tOverwrite target file if it already exists\n\
             \t--owner-root=false\tForce ownership to root:root on all files\n",
        ),
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
            "patch-manifest",
            "Copy an ACI and patch its manifest (experimental)",
            PATCH_USAGE,
            "Copy an ACI and patch its manifest.",
            PATCH_OPTIONS,
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
