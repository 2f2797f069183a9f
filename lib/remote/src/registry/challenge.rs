//! What a server wants to see before it answers: the header `WWW-Authenticate`.
//!
//! Source: RFC 9110, 11.3 to 11.6.1. One header line may hold several challenges, separated by the same
//! commas as their parameters, and a value in quotes may hold commas too.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// Most challenges read of one answer.
const MAX_CHALLENGES: usize = 16;
/// Most parameters read of one challenge.
const MAX_PARAMETERS: usize = 32;

/// One way in which a server lets us in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme, in lower case: `basic`, `bearer`.
    pub scheme: String,
    /// Names, in lower case, and values, in the order in which they came.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// All challenges of an answer.
    ///
    /// What breaks the grammar ends the reading of its line, with what was read before it; servers are
    /// careless, and a challenge that is lost only means that nobody is let in.
    pub(crate) fn of(headers: &HeaderMap) -> Vec<Self> {
        let mut challenges = Vec::new();
        for line in headers.get_all(WWW_AUTHENTICATE) {
            if let Ok(line) = std::str::from_utf8(line.as_bytes()) {
                challenges.extend(Self::parse(line));
            }
        }
        challenges.truncate(MAX_CHALLENGES);
        challenges
    }

    /// The challenges of one header line.
    pub fn parse(line: &str) -> Vec<Self> {
        let mut reader = Reader { rest: line };
        let mut challenges: Vec<Self> = Vec::new();
        while challenges.len() < MAX_CHALLENGES {
            reader.skip_separators();
            let Some(scheme) = reader.token() else { break };
            let mut challenge = Self {
                scheme: scheme.to_ascii_lowercase(),
                parameters: Vec::new(),
            };
            let whole = reader.parameters(&mut challenge.parameters);
            challenges.push(challenge);
            if !whole {
                break;
            }
        }
        challenges
    }

    /// The first value of a parameter, whose name is given in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Blanks, and commas: a list may have empty elements.
    fn skip_separators(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn token(&mut self) -> Option<&'a str> {
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let length = self.rest.find(|c| !token(c)).unwrap_or(self.rest.len());
        (length > 0).then(|| self.take(length))
    }

    /// The parameters of a challenge; whether what follows can be another challenge.
    fn parameters(&mut self, parameters: &mut Vec<(String, String)>) -> bool {
        self.skip_blanks();
        loop {
            let before = self.rest;
            self.skip_separators();
            let start = self.rest;
            let Some(name) = self.token() else {
                return self.rest.is_empty() || self.skip_token68(before);
            };
            self.skip_blanks();
            if !self.rest.starts_with('=') {
                // The name of the next scheme, or a word that says nothing by itself.
                self.rest = start;
                return before != start || self.skip_token68(before);
            }
            self.take(1);
            self.skip_blanks();
            let Some(value) = self.value() else {
                return parameters.is_empty() && self.skip_token68(before);
            };
            if parameters.len() < MAX_PARAMETERS {
                parameters.push((name.to_ascii_lowercase(), value));
            }
        }
    }

    fn value(&mut self) -> Option<String> {
        match self.rest.strip_prefix('"') {
            None => self.token().map(str::to_owned),
            Some(rest) => {
                let mut value = String::new();
                let mut chars = rest.char_indices();
                loop {
                    match chars.next()?.1 {
                        '"' => break,
                        '\\' => value.push(chars.next()?.1),
                        other => value.push(other),
                    }
                }
                self.rest = chars.as_str();
                Some(value)
            }
        }
    }

    /// The one word that some schemes have in place of parameters, as base 64 writes it; it is no use here.
    fn skip_token68(&mut self, from: &'a str) -> bool {
        let digit = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let rest = from.trim_start_matches(digit);
        let skipped = rest.len() < from.len();
        self.rest = rest.trim_start_matches('=');
        self.skip_blanks();
        skipped && (self.rest.is_empty() || self.rest.starts_with(','))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `scheme name=value name=value`, one challenge after the other.
    fn show(line: &str) -> Vec<String> {
        let shown = |challenge: &Challenge| {
            let mut text = challenge.scheme.clone();
            for (name, value) in &challenge.parameters {
                text.push_str(&format!(" {name}={value}"));
            }
            text
        };
        Challenge::parse(line).iter().map(shown).collect()
    }

    #[test]
    fn challenges_and_their_parameters_are_told_apart() {
        for (line, expected) in [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
                &[
                    "bearer realm=https://auth.docker.io/token service=registry.docker.io scope=repository:a/b:pull,push",
                ][..],
            ),
            (r#"Basic realm="a, b""#, &["basic realm=a, b"]),
            (
                r#"Basic realm="x", Bearer realm=y , scope = "z""#,
                &["basic realm=x", "bearer realm=y scope=z"],
            ),
            (r#"BEARER Realm="a\"b\\c""#, &[r#"bearer realm=a"b\c"#]),
            ("Negotiate, Basic realm=x", &["negotiate", "basic realm=x"]),
            (
                "Negotiate YWJj==, Basic realm=x",
                &["negotiate", "basic realm=x"],
            ),
            (
                "Negotiate YWJj, Basic realm=x",
                &["negotiate", "basic realm=x"],
            ),
            ("Basic", &["basic"]),
            (", ,Basic realm=x,,", &["basic realm=x"]),
            (
                r#"Bearer realm="a",error="invalid_token""#,
                &["bearer realm=a error=invalid_token"],
            ),
            // What is broken ends the line.
            (r#"Basic realm="open"#, &["basic"]),
            (
                r#"Basic realm=x, Bearer realm="open"#,
                &["basic realm=x", "bearer"],
            ),
            ("\"x\"", &[]),
            ("", &[]),
        ] {
            assert_eq!(show(line), expected, "{line}");
        }
    }

    #[test]
    fn several_lines_are_one_list_and_have_an_end() {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, "Basic realm=a".parse().unwrap());
        headers.append(WWW_AUTHENTICATE, "Bearer realm=b".parse().unwrap());
        let schemes: Vec<String> = Challenge::of(&headers)
            .into_iter()
            .map(|challenge| challenge.scheme)
            .collect();
        assert_eq!(schemes, ["basic", "bearer"]);
        let many = "Basic realm=a,".repeat(1000);
        assert_eq!(Challenge::parse(&many).len(), MAX_CHALLENGES);
        let long = format!("Basic {}", "a=b,".repeat(1000));
        assert_eq!(Challenge::parse(&long)[0].parameters.len(), MAX_PARAMETERS);
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(values in proptest::collection::vec("[ -~]{0,12}", 1..5)) {
            let quoted = |value: &String| value.replace('\\', "\\\\").replace('"', "\\\"");
            let pairs: Vec<String> =
                values.iter().map(|value| format!("n=\"{}\"", quoted(value))).collect();
            let line = format!("Bearer {}, Basic realm=\"x\"", pairs.join(", "));
            let read = Challenge::parse(&line);
            prop_assert_eq!(read.len(), 2);
            let got: Vec<&String> = read[0].parameters.iter().map(|(_, value)| value).collect();
            prop_assert_eq!(got, values.iter().collect::<Vec<_>>());
        }

        #[test]
        fn no_line_panics(line in "[ -~\\PC]{0,60}") {
            let _ = Challenge::parse(&line);
        }
    }
}
