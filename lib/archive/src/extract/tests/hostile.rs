//! The corpus of hostile archives against extraction, and against validation.

use gantry_testkit::hostile::{Case, Verdict, corpus};

use super::*;

/// How the caller may extract here: as the archive says only with root.
fn ownerships() -> Vec<Ownership> {
    match rustix::process::geteuid().is_root() {
        true => vec![Ownership::Keep, Ownership::CurrentUser],
        false => vec![Ownership::CurrentUser],
    }
}

/// What the message of a refusal must hold: the whole chain of causes.
fn message(error: &ExtractError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// What is wrong with what became of a case, if anything.
fn try_case(case: &Case, place: &Place, ownership: Ownership) -> Result<(), String> {
    let options = ExtractOptions {
        ownership,
        ..ExtractOptions::default()
    };
    let outcome = place.extract(&case.archive, &options);
    let outcome = outcome.map_err(|error| (message(&error), error));
    match (&case.verdict, outcome) {
        (_, Err((message, _)))
            if case.makes_devices
                && ownership == Ownership::CurrentUser
                && message.contains("without root") =>
        {
            Ok(())
        }
        (Verdict::Extracted, Ok(_)) => crate::aci::validate(case.archive.as_slice())
            .map(|_| ())
            .map_err(|error| format!("is extracted, but not valid: {error}")),
        (Verdict::Extracted, Err((message, _))) => Err(format!("is refused: {message}")),
        (Verdict::Refused { .. }, Ok(_)) => Err("is extracted".to_owned()),
        (Verdict::Refused { entry, rule }, Err((message, error))) => {
            let refused = matches!(error, ExtractError::Image(_)) && error.kind() == Kind::Refused;
            match refused && message.contains(rule) && message.contains(entry) {
                true => Ok(()),
                false => Err(format!("says {message:?}, not {entry:?} and {rule:?}")),
            }
        }
    }
}

#[test]
fn nothing_outside_changes_and_refusals_name_entry_and_rule() {
    let mut place = Place::new();
    let cases = corpus(&place.outside());
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        for ownership in ownerships() {
            if let Err(what) = try_case(case, &place, ownership) {
                wrong += &format!("{} ({ownership:?}) {what}\n", case.attack);
            }
            place = place.cleared();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    eprintln!("{} archives", cases.len());
}

#[test]
fn what_is_extracted_of_odd_names_is_what_they_say() {
    let place = Place::new();
    let archive = ArchiveBuilder::aci()
        .file("rootfs/A", "upper")
        .file("rootfs/a", "lower")
        .file("rootfs/\u{fc}", "one letter")
        .file("rootfs/u\u{308}", "two letters")
        .file("rootfs/f", "not hidden")
        .file("rootfs/.wh.f", "a file like others");
    place.extract(&archive.finish(), &options()).unwrap();
    for (name, content) in [
        ("A", "upper"),
        ("a", "lower"),
        ("\u{fc}", "one letter"),
        ("u\u{308}", "two letters"),
        ("f", "not hidden"),
        (".wh.f", "a file like others"),
    ] {
        let path = place.target().join("rootfs").join(name);
        assert_eq!(fs::read_to_string(path).unwrap(), content, "{name}");
    }
}
