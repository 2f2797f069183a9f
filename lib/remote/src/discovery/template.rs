//! URL templates of `ac-discovery` tags.

use super::{Endpoint, Query};

/// Fills `template` with the name and labels of `query`; none if a variable has no value.
///
/// `{name}` and the labels come first and `{ext}` last, so a label `ext` replaces the extension. Values
/// are inserted as they are: publishers' URLs rely on it. Source: appc discovery.md, "Meta Discovery".
pub(super) fn render(template: &str, query: &Query) -> Option<Endpoint> {
    let render = |ext: &str| {
        let mut url = template.replace("{name}", query.name.as_str());
        let version = query
            .labels
            .get("version")
            .filter(|value| !value.is_empty());
        url = url.replace("{version}", version.map_or("latest", String::as_str));
        for (label, value) in &query.labels {
            if label != "name" {
                url = url.replace(&format!("{{{label}}}"), value);
            }
        }
        url = url.replace("{ext}", ext);
        (!holds_variable(&url)).then_some(url)
    };
    Some(Endpoint {
        aci: render("aci")?,
        asc: render("aci.asc")?,
    })
}

/// Whether an opening brace is left, and a closing one somewhere after it.
fn holds_variable(url: &str) -> bool {
    url.split_once('{')
        .is_some_and(|(_, rest)| rest.contains('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(labels: &[(&str, &str)]) -> Query {
        Query {
            name: "example.com/app".parse().unwrap(),
            labels: labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn templates_are_filled_from_name_labels_and_extension() {
        let linux = [("version", "1.0.0"), ("os", "linux"), ("arch", "amd64")];
        for (template, labels, aci) in [
            (
                "https://x.test/{os}/{arch}/{name}-{version}.{ext}",
                &linux[..],
                "https://x.test/linux/amd64/example.com/app-1.0.0.aci",
            ),
            (
                "https://x.test/{name}-{version}.{ext}",
                &[][..],
                "https://x.test/example.com/app-latest.aci",
            ),
            ("https://x.test/{ext}/{ext}", &[], "https://x.test/aci/aci"),
            ("hdfs://x.test/a", &[], "hdfs://x.test/a"),
            ("https://x.test/}{", &[], "https://x.test/}{"),
            ("https://x.test/{a", &[], "https://x.test/{a"),
            (
                "https://x.test/{version}",
                &[("version", "")],
                "https://x.test/latest",
            ),
        ] {
            let endpoint = render(template, &query(labels));
            assert_eq!(endpoint.unwrap().aci, aci, "{template}");
        }
    }

    #[test]
    fn the_signature_has_its_own_extension_where_the_template_has_one() {
        let endpoint = render("https://x.test/{name}.{ext}", &query(&[])).unwrap();
        assert_eq!(endpoint.asc, "https://x.test/example.com/app.aci.asc");
        let endpoint = render("https://x.test/a", &query(&[])).unwrap();
        assert_eq!(endpoint.asc, endpoint.aci);
    }

    #[test]
    fn a_template_with_an_unknown_variable_is_skipped() {
        for template in [
            "https://x.test/{os}.{ext}",
            "{NAME}",
            "{Name}.{ext}",
            "https://x.test/{}.{ext}",
            "https://x.test/{{name}}.{ext}",
            "https://x.test/{a{name}b}",
        ] {
            assert_eq!(render(template, &query(&[])), None, "{template}");
        }
    }

    #[test]
    fn a_label_called_name_does_not_replace_the_name() {
        let endpoint = render("{name}", &query(&[("name", "other")])).unwrap();
        assert_eq!(endpoint.aci, "example.com/app");
    }
}
