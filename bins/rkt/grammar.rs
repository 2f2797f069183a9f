//! rkt's argument grammar, taken apart before clap sees it.
//!
//! Two things are rkt's own: flags of a command may stand before the command's name, and `run`,
//! `prepare` and `fetch` take several images, each followed by its own flags and arguments:
//!
//! ```text
//! rkt [flags] run [pod flags] IMG1 [app flags] [-- args… [---]] [flags] IMG2 …
//! ```
//!
//! [`Grammar::take_apart`] brings the command's name to the front and cuts the images off, so that what is left
//! is an ordinary command line.

use std::collections::BTreeMap;

/// Where a flag may stand, and whether it is followed by its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flag {
    /// Whether the flag belongs to one image.
    pub(crate) scope: Scope,
    /// Whether `--flag value` is the flag with its value, as for anything but a switch.
    pub(crate) takes_value: bool,
}

/// What a flag of a command with images speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The tool or the pod, wherever it stands.
    Pod,
    /// The image before it.
    App,
    /// All apps before the first image, the app of the image before it afterwards.
    Both,
}

/// Flags by name, without dashes.
pub(crate) type Flags = BTreeMap<String, Flag>;

/// What take-apart needs to know of the commands.
pub(crate) struct Grammar {
    /// The flags of the tool itself.
    pub(crate) global: Flags,
    /// The flags of each command, by its name.
    pub(crate) commands: BTreeMap<String, Flags>,
    /// The commands that take images with flags of their own.
    pub(crate) with_images: &'static [&'static str],
}

/// A command line, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// An ordinary command line: tool flags, command, its flags and its other arguments.
    pub(crate) plain: Vec<String>,
    /// The images of a command that takes them.
    pub(crate) images: Vec<ImagePart>,
}

/// An image with what follows it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ImagePart {
    /// The image as the user named it.
    pub(crate) image: String,
    /// The flags of this image only.
    pub(crate) flags: Vec<String>,
    /// The arguments appended to the app's command.
    pub(crate) arguments: Vec<String>,
}

/// A command line that does not follow the grammar; the text is rkt's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum GrammarError {
    #[error("--{0} must follow an image")]
    FlagBeforeImage(String),
    #[error("an image is required before any app arguments")]
    ArgumentsBeforeImage,
    #[error("only one set of app arguments allowed per image")]
    TwoSetsOfArguments,
    #[error("app arguments unsupported")]
    ArgumentsUnsupported,
    #[error("flag needs an argument: --{0}")]
    ValueMissing(String),
    #[error("unknown flag: {0}")]
    UnknownFlag(String),
}

impl gantry_types::Diagnostic for GrammarError {
    fn kind(&self) -> gantry_types::Kind {
        gantry_types::Kind::Usage
    }
}

impl Grammar {
    /// Takes the arguments after the tool's name apart.
    ///
    /// # Errors
    ///
    /// [`GrammarError`] where flags and images are out of order; unknown flags of commands without
    /// images are left to clap, which knows what the user may have meant.
    pub(crate) fn take_apart(&self, arguments: &[String]) -> Result<Parts, GrammarError> {
        let mut parts = Parts::default();
        let mut early = Vec::new();
        let mut rest = arguments.iter();
        let Some(mut command) = self.next_word(&mut rest, &mut parts.plain, &mut early) else {
            parts.plain.extend(early);
            return Ok(parts);
        };
        if self.full_name(&command) == Some("image") {
            let (mut behind, mut global, mut other) = (rest.clone(), Vec::new(), Vec::new());
            let word = self.next_word(&mut behind, &mut global, &mut other);
            // Another name of the command itself, which the original hides.
            if word.is_some_and(|word| !word.is_empty() && "fetch".starts_with(&word)) {
                command = "fetch".to_owned();
                rest = behind;
                parts.plain.extend(global);
                early.extend(other);
            }
        }
        let full = self.full_name(&command);
        parts.plain.push(command);
        let rest: Vec<String> = early.into_iter().chain(rest.cloned()).collect();
        match full {
            Some(name) if self.with_images.contains(&name) => {
                self.cut_images(&self.commands[name], name != "fetch", &rest, &mut parts)?;
            }
            _ => parts.plain.extend(rest),
        }
        Ok(parts)
    }

    /// The whole name of the command that the arguments call, if there is one.
    pub(crate) fn command_of(&self, arguments: &[String]) -> Option<String> {
        let word = self.next_word(&mut arguments.iter(), &mut Vec::new(), &mut Vec::new())?;
        self.full_name(&word).map(str::to_owned)
    }

    /// The next argument that is no flag; the flags before it go to `global`, or to `other` if they belong to
    /// a command.
    fn next_word(
        &self,
        rest: &mut std::slice::Iter<'_, String>,
        global: &mut Vec<String>,
        other: &mut Vec<String>,
    ) -> Option<String> {
        while let Some(argument) = rest.next() {
            let Some(name) = flag_name(argument) else {
                return Some(argument.clone());
            };
            let everywhere = self.global.get(name);
            let found =
                everywhere.or_else(|| self.commands.values().find_map(|flags| flags.get(name)));
            let target = if everywhere.is_some() || found.is_none() {
                &mut *global
            } else {
                &mut *other
            };
            target.push(argument.clone());
            if found.is_some_and(|flag| flag.takes_value) && !argument.contains('=') {
                target.extend(rest.next().cloned());
            }
        }
        None
    }

    /// The command that `word` names by itself or as an unambiguous prefix.
    fn full_name(&self, word: &str) -> Option<&str> {
        if let Some((name, _)) = self.commands.get_key_value(word) {
            return Some(name);
        }
        let mut matching = self.commands.keys().filter(|name| name.starts_with(word));
        match (matching.next(), matching.next()) {
            (Some(name), None) => Some(name),
            _ => None,
        }
    }

    fn cut_images(
        &self,
        flags: &Flags,
        with_arguments: bool,
        tokens: &[String],
        parts: &mut Parts,
    ) -> Result<(), GrammarError> {
        let mut tokens = tokens.iter();
        let mut has_arguments = false;
        while let Some(token) = tokens.next() {
            match token.as_str() {
                "" | "---" => {}
                "--" if !with_arguments => return Err(GrammarError::ArgumentsUnsupported),
                "--" => {
                    let image = parts
                        .images
                        .last_mut()
                        .ok_or(GrammarError::ArgumentsBeforeImage)?;
                    if has_arguments {
                        return Err(GrammarError::TwoSetsOfArguments);
                    }
                    has_arguments = true;
                    image.arguments = tokens
                        .by_ref()
                        .take_while(|token| *token != "---")
                        .filter(|token| !token.is_empty())
                        .cloned()
                        .collect();
                }
                "-h" | "--help" => parts.plain.push("--help".to_owned()),
                text => match flag_name(text) {
                    None => {
                        parts.images.push(ImagePart {
                            image: text.to_owned(),
                            ..Default::default()
                        });
                        has_arguments = false;
                    }
                    Some(name) => {
                        let flag = (flags.get(name).or_else(|| self.global.get(name)))
                            .ok_or_else(|| GrammarError::UnknownFlag(text.to_owned()))?;
                        let target = match (flag.scope, parts.images.last_mut()) {
                            (Scope::Pod, _) | (Scope::Both, None) => &mut parts.plain,
                            (_, Some(image)) => &mut image.flags,
                            (Scope::App, None) => {
                                return Err(GrammarError::FlagBeforeImage(name.to_owned()));
                            }
                        };
                        target.push(text.to_owned());
                        if flag.takes_value && !text.contains('=') {
                            let value = tokens.next();
                            target.push(
                                value
                                    .ok_or(GrammarError::ValueMissing(name.to_owned()))?
                                    .clone(),
                            );
                        }
                    }
                },
            }
        }
        Ok(())
    }
}

/// The name in `--name` or `--name=value`; `None` for what is no flag.
fn flag_name(argument: &str) -> Option<&str> {
    let name = argument
        .strip_prefix("--")
        .or_else(|| argument.strip_prefix('-'))?;
    let name = name.split('=').next()?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grammar() -> Grammar {
        let flag = |scope, takes_value| Flag { scope, takes_value };
        let table = |rows: &[(&str, Flag)]| -> Flags {
            rows.iter()
                .map(|(name, flag)| ((*name).to_owned(), *flag))
                .collect()
        };
        let run = table(&[
            ("net", flag(Scope::Pod, false)),
            ("hostname", flag(Scope::Pod, true)),
            ("mount", flag(Scope::Both, true)),
            ("user", flag(Scope::App, true)),
        ]);
        let fetch = table(&[
            ("full", flag(Scope::Pod, false)),
            ("signature", flag(Scope::App, true)),
        ]);
        Grammar {
            global: table(&[
                ("debug", flag(Scope::Pod, false)),
                ("dir", flag(Scope::Pod, true)),
            ]),
            commands: [
                ("run".to_owned(), run),
                ("fetch".to_owned(), fetch),
                (
                    "list".to_owned(),
                    table(&[("full", flag(Scope::Pod, false))]),
                ),
                ("image".to_owned(), Flags::new()),
            ]
            .into(),
            with_images: &["run", "fetch"],
        }
    }

    fn apart(line: &str) -> Result<Parts, GrammarError> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        grammar().take_apart(&words)
    }

    fn plain(line: &str) -> String {
        apart(line).unwrap().plain.join(" ")
    }

    #[test]
    fn flags_of_a_command_may_stand_before_it() {
        assert_eq!(
            plain("--full --debug --dir /d fetch x"),
            "--debug --dir /d fetch --full"
        );
        assert_eq!(plain("--dir=/d list --full"), "--dir=/d list --full");
        assert_eq!(plain("--full li"), "li --full");
    }

    #[test]
    fn fetch_is_found_among_the_commands_of_images_too() {
        let parts = apart("--debug image fetch --full a --signature s b").unwrap();
        assert_eq!(parts.plain.join(" "), "--debug fetch --full");
        assert_eq!(parts.images[0].flags, ["--signature", "s"]);
        assert_eq!(parts.images[1].image, "b");
        assert_eq!(plain("im fetch a"), "fetch");
        assert_eq!(plain("image --debug --full fet a"), "--debug fetch --full");
        assert_eq!(plain("image --dir /d f a"), "--dir /d fetch");
        assert_eq!(plain("image --debug list a"), "image --debug list a");
        assert_eq!(plain("image list fetch"), "image list fetch");
        assert_eq!(plain("list fetch"), "list fetch");
    }

    #[test]
    fn images_keep_their_flags_and_arguments() {
        let parts = apart(
            "run --net a --user 1 -- -x -- y --- --mount m b --hostname h --mount n -- --- c",
        )
        .unwrap();
        assert_eq!(parts.plain.join(" "), "run --net --hostname h");
        let images: Vec<String> = parts
            .images
            .iter()
            .map(|part| {
                format!(
                    "{}[{}]({})",
                    part.image,
                    part.flags.join(" "),
                    part.arguments.join(" ")
                )
            })
            .collect();
        assert_eq!(
            images,
            ["a[--user 1 --mount m](-x -- y)", "b[--mount n]()", "c[]()"]
        );
    }

    #[test]
    fn a_mount_before_the_first_image_is_for_all() {
        let parts = apart("run --mount m a").unwrap();
        assert_eq!(parts.plain.join(" "), "run --mount m");
        assert_eq!(parts.images[0].flags, Vec::<String>::new());
    }

    #[test]
    fn what_is_out_of_order_is_refused_in_rkts_words() {
        for (line, expected) in [
            ("run --user 1 a", "--user must follow an image"),
            ("run -- x", "an image is required before any app arguments"),
            (
                "run a -- x --- -- y",
                "only one set of app arguments allowed per image",
            ),
            ("fetch a -- x", "app arguments unsupported"),
            ("run a --user", "flag needs an argument: --user"),
            ("run --bogus a", "unknown flag: --bogus"),
        ] {
            assert_eq!(apart(line).unwrap_err().to_string(), expected, "{line}");
        }
    }

    #[test]
    fn nothing_and_unknown_commands_are_left_to_the_parser() {
        assert_eq!(plain(""), "");
        assert_eq!(plain("--debug"), "--debug");
        assert_eq!(plain("bogus --x y"), "bogus --x y");
    }
}
