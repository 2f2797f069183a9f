//! Discovery pages: any bytes end in a bounded list of complete tags that are safe to print, and a page
//! speaks only for names at or under the prefixes of its tags.

use gantry_remote::discovery::{
    DiscoveryOptions, Page, PageSource, Query, discover_endpoints, discover_keys, parse_page,
};
use gantry_remote::{HttpError, Url};
use gantry_types::AcIdentifier;

struct Always<'a>(&'a [u8]);

impl PageSource for Always<'_> {
    fn page(&self, _: &Url) -> Result<Page, HttpError> {
        Ok(Page {
            status: 200,
            body: self.0.to_owned(),
        })
    }
}

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let tags = parse_page(data);
    assert!(tags.len() <= 1000);
    for tag in &tags {
        assert!(!tag.prefix.is_empty() && !tag.uri.is_empty());
        assert!(!tag.prefix.contains(char::is_control) && !tag.uri.contains(char::is_control));
    }
    let query: Query = "example.com/app:1.0,os=linux".parse().expect("a name");
    let speaks = |prefix: &str| {
        let prefix = prefix.parse::<AcIdentifier>();
        prefix.is_ok_and(|prefix| prefix.covers(&query.name))
    };
    let options = DiscoveryOptions::default();
    let found = discover_endpoints(&Always(data), &query, options).is_ok();
    let keys = discover_keys(&Always(data), &query.name, options).is_ok();
    assert!(!(found || keys) || tags.iter().any(|tag| speaks(&tag.prefix)));
});
