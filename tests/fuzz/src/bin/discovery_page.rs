//! Discovery pages: any bytes end in a bounded list of complete tags that are safe to print. A page speaks
//! only for names at or under the prefixes of its tags, by whole path components, and for these by every
//! tag that can be filled: no variable is left in what it gives.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_remote::discovery::{
    DiscoveryOptions, Page, PageSource, Query, Tag, TagKind, discover_endpoints, discover_keys,
    parse_page,
};
use gantry_remote::{HttpError, Url};

struct Always<'a>(&'a [u8]);

impl PageSource for Always<'_> {
    fn page(&self, _: &Url) -> Result<Page, HttpError> {
        Ok(Page {
            status: 200,
            body: self.0.to_owned(),
        })
    }
}

/// Whether a tag speaks for a name, found out another way than the library does.
fn speaks(tag: &Tag, name: &str) -> bool {
    let (mut prefix, mut name) = (tag.prefix.split('/'), name.split('/'));
    prefix.all(|part| name.next() == Some(part))
}

/// What is left of a template for the names below, if it can be filled.
fn filled(template: &str, name: &str, ext: &str) -> Option<String> {
    let url = template
        .replace("{name}", name)
        .replace("{version}", "1.0")
        .replace("{os}", "linux")
        .replace("{ext}", ext);
    let open = url.find('{');
    let left = open.is_some_and(|open| url[open..].contains('}'));
    (!left).then_some(url)
}

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let tags = parse_page(data);
    assert!(tags.len() <= 1000);
    for tag in &tags {
        assert!(!tag.prefix.is_empty() && !tag.uri.is_empty());
        assert!(!tag.prefix.contains(char::is_control) && !tag.uri.contains(char::is_control));
    }
    let options = DiscoveryOptions::default();
    for name in [
        "example.com/app",
        "example.com/application",
        "example.com",
        "example.community",
    ] {
        let query: Query = format!("{name}:1.0,os=linux").parse().expect("a name");
        let of = |kind| {
            let tags = tags.iter().filter(move |tag| tag.kind == kind);
            tags.filter(|tag| speaks(tag, name))
        };
        let endpoints: Vec<_> = of(TagKind::Endpoint)
            .filter_map(|tag| {
                let aci = filled(&tag.uri, name, "aci")?;
                Some((aci, filled(&tag.uri, name, "aci.asc")?))
            })
            .collect();
        let found = discover_endpoints(&Always(data), &query, options);
        let found: Vec<_> = found.map_or(Vec::new(), |found| {
            let items = found.items.into_iter();
            items.map(|item| (item.aci, item.asc)).collect()
        });
        assert_eq!(found, endpoints);
        let keys: Vec<_> = of(TagKind::Keys).map(|tag| tag.uri.clone()).collect();
        let found = discover_keys(&Always(data), &query.name, options);
        assert_eq!(found.map_or(Vec::new(), |found| found.items), keys);
    }
});
