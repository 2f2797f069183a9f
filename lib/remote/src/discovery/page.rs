//! The `<meta>` tags of a discovery page.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

/// The largest discovery page read, in bytes. Pages are a few hundred bytes of tags around a text.
pub const MAX_PAGE_BYTES: u64 = 1024 * 1024;

/// The most tags taken from a page; what follows is passed over.
const MAX_TAGS: usize = 1000;

/// One discovery tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// What the tag says.
    pub kind: TagKind,
    /// The name prefix that it says it for, as written.
    pub prefix: String,
    /// The URL template (`ac-discovery`) or the URL (`ac-discovery-pubkeys`), as written.
    pub uri: String,
}

/// What a tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagKind {
    /// Where images are: `ac-discovery`.
    Endpoint,
    /// Where public keys are: `ac-discovery-pubkeys`.
    Keys,
}

/// The attributes of the `<meta>` tag being read.
#[derive(Default)]
struct Meta {
    attribute: Vec<u8>,
    name: Vec<u8>,
    /// Name prefix and URI, as written.
    content: Option<(String, String)>,
}

/// Reads the discovery tags of a page, in their order.
///
/// The page is read as HTML tokens: a tag counts wherever it stands, except inside comments and inside
/// elements that hold text only, such as `script` and `title`. Tags and attributes may be of any case.
/// Of attributes that occur twice the last counts, though HTML has it otherwise: the original tools take
/// it. A tag without a name prefix and a URI is passed over. Any bytes are accepted.
///
/// Source: appc discovery.md, "Meta Discovery".
pub fn parse_page(page: &[u8]) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut current: Option<Meta> = None;
    // The tokenizer takes what this element holds for tags, as browsers do that have frames.
    let mut in_noframes = false;
    let mut emitter = CallbackEmitter::new(
        |event: CallbackEvent<'_>, _: Span<()>| -> Option<Infallible> {
            match event {
                CallbackEvent::OpenStartTag { name } => {
                    let counts = !in_noframes && name.eq_ignore_ascii_case(b"meta");
                    current = counts.then(Meta::default);
                    in_noframes |= name.eq_ignore_ascii_case(b"noframes");
                }
                CallbackEvent::AttributeName { name } => {
                    if let Some(meta) = &mut current {
                        meta.attribute = name.to_ascii_lowercase();
                    }
                }
                CallbackEvent::AttributeValue { value } => {
                    if let Some(meta) = &mut current {
                        meta.take(value);
                    }
                }
                CallbackEvent::CloseStartTag { .. } => {
                    let tag = current.take().and_then(|meta| meta.into_tag());
                    if tags.len() < MAX_TAGS {
                        tags.extend(tag);
                    }
                }
                CallbackEvent::EndTag { name } => {
                    current = None;
                    in_noframes &= !name.eq_ignore_ascii_case(b"noframes");
                }
                _ => {}
            }
            None
        },
    );
    // Without this a tag inside a script or a title would count.
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(page, emitter).finish();
    tags
}

impl Meta {
    fn take(&mut self, value: &[u8]) {
        match self.attribute.as_slice() {
            b"name" => self.name = value.to_owned(),
            b"content" => {
                if let Some(content) = prefix_and_uri(value) {
                    self.content = Some(content);
                }
            }
            _ => {}
        }
    }

    fn into_tag(self) -> Option<Tag> {
        let kind = match self.name.as_slice() {
            b"ac-discovery" => TagKind::Endpoint,
            b"ac-discovery-pubkeys" => TagKind::Keys,
            _ => return None,
        };
        let (prefix, uri) = self.content?;
        // Both are shown to people; neither may drive their terminals.
        let harmless = !prefix.contains(char::is_control) && !uri.contains(char::is_control);
        (harmless && !prefix.is_empty() && !uri.is_empty()).then_some(Tag { kind, prefix, uri })
    }
}

/// The two parts of `content`, at the first blank; none without one.
fn prefix_and_uri(content: &[u8]) -> Option<(String, String)> {
    let content = std::str::from_utf8(content).ok()?;
    let (prefix, uri) = content.trim().split_once(' ')?;
    Some((prefix.to_owned(), uri.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn uris(page: &str) -> Vec<String> {
        let tags = parse_page(page.as_bytes());
        tags.into_iter().map(|tag| tag.uri).collect()
    }

    #[test]
    fn tags_are_read_in_order_with_prefix_and_uri() {
        let page = r#"<!DOCTYPE html><html><head>
            <meta name="ac-discovery" content="example.com https://a.test/{name}-{version}.{ext}">
            <meta name="ac-discovery" content="example.com hdfs://b.test/{name}.{ext}" />
            <meta name="ac-discovery-pubkeys" content="example.com https://a.test/keys.gpg">
            </head></html>"#;
        let tag = |kind, uri: &str| Tag {
            kind,
            prefix: "example.com".to_owned(),
            uri: uri.to_owned(),
        };
        assert_eq!(
            parse_page(page.as_bytes()),
            [
                tag(TagKind::Endpoint, "https://a.test/{name}-{version}.{ext}"),
                tag(TagKind::Endpoint, "hdfs://b.test/{name}.{ext}"),
                tag(TagKind::Keys, "https://a.test/keys.gpg"),
            ]
        );
    }

    #[test]
    fn tags_count_in_whatever_form_html_allows() {
        for page in [
            "<meta name=ac-discovery content='a.test u'>",
            "<META NAME=ac-discovery CONTENT='a.test u'>",
            "<meta content='a.test u' name=ac-discovery>",
            "<meta\nname = ac-discovery\n content = 'a.test u'/>",
            "<body><p><meta name=ac-discovery content='a.test u'></p>",
            "<meta name=ac-discovery content='  a.test    u  '>",
            "<meta name=ac-discovery content='a&#46;test &#117;'>",
            "<meta charset=utf-8 name=ac-discovery content='a.test u' id=x>",
            "<meta name=other content='b.test v' name=ac-discovery content='a.test u'>",
            "<meta name=ac-discovery content='a.test u' content='b.test'>",
            "<meta/name='ac-discovery'/content='a.test u'/>",
            "<meta name=ac-discovery data='>' content='a.test u'>",
            "<meta name=ac-discovery content='\u{a0}a.test u\n'>",
            "<!--> <meta name=ac-discovery content='a.test u'> -->",
            "<svg><![CDATA[<meta name=x>]]></svg><meta name=ac-discovery content='a.test u'>",
            "<noframes>x</noframes><meta name=ac-discovery content='a.test u'>",
            "<!DOCTYPE html \"<meta name=ac-discovery content='a.test v'>\"><meta name=ac-discovery content='a.test u'>",
            "\u{feff}<meta name=ac-discovery content='a.test u'>",
        ] {
            assert_eq!(uris(page), ["u"], "{page}");
        }
        for (content, uri) in [
            ("https://x.test/?a=1&amp;b=2", "https://x.test/?a=1&b=2"),
            (
                "https://x.test/?a=1&b=2&copy=3&copy;",
                "https://x.test/?a=1&b=2&copy=3\u{a9}",
            ),
            ("https://x.test/\"q\"", "https://x.test/\"q\""),
            ("https://x.test/a b", "https://x.test/a b"),
            ("https://u:p@x.test/{ext}", "https://u:p@x.test/{ext}"),
        ] {
            let page = format!("<meta name=ac-discovery content='a.test {content}'>");
            assert_eq!(uris(&page), [uri]);
        }
    }

    #[test]
    fn what_is_no_complete_tag_is_passed_over() {
        for page in [
            "",
            "no html",
            "<meta>",
            "<meta name=ac-discovery>",
            "<meta content='a.test u'>",
            "<meta name=ac-discovery content=''>",
            "<meta name=ac-discovery content='a.test'>",
            "<meta name=ac-discovery content='a.test '>",
            "<meta name=ac-discovery content='a.test u'",
            "<meta name=AC-DISCOVERY content='a.test u'>",
            "<meta name=go-import content='a.test u'>",
            "<meta name=ac-other content='a.test u'>",
            "<meta x:name=ac-discovery content='a.test u'>",
            "<metadata name=ac-discovery content='a.test u'>",
            "</meta name=ac-discovery content='a.test u'>",
            "<link name=ac-discovery content='a.test u'>",
            "<!-- <meta name=ac-discovery content='a.test u'> -->",
            "<script><meta name=ac-discovery content='a.test u'></script>",
            "<title><meta name=ac-discovery content='a.test u'></title>",
            "<script><!--<script></script><meta name=ac-discovery content='a.test u'>--></script>",
            "<script/><meta name=ac-discovery content='a.test u'></script>",
            "<TITLE><meta name=ac-discovery content='a.test u'></title>",
            "<textarea><meta name=ac-discovery content='a.test u'></textarea>",
            "<style><meta name=ac-discovery content='a.test u'></style>",
            "<noscript><meta name=ac-discovery content='a.test u'></noscript>",
            "<iframe><meta name=ac-discovery content='a.test u'></iframe>",
            "<noembed><meta name=ac-discovery content='a.test u'></noembed>",
            "<noframes><p><meta name=ac-discovery content='a.test u'></noframes>",
            "<xmp><meta name=ac-discovery content='a.test u'></xmp>",
            "<plaintext><meta name=ac-discovery content='a.test u'>",
            "<meta name='ac-discovery content='a.test u'>",
            "<meta name=ac-discovery content='a.test\tu'>",
            "<meta name=ac-discovery content='a.test u\u{7}'>",
            "<meta name=ac-discovery content='a.test\u{1b}[2J u'>",
        ] {
            assert_eq!(uris(page), [""; 0], "{page}");
        }
    }

    #[test]
    fn a_page_of_endless_tags_gives_a_bounded_list() {
        let page = "<meta name=ac-discovery content='a.test u'>".repeat(MAX_TAGS + 10);
        assert_eq!(parse_page(page.as_bytes()).len(), MAX_TAGS);
    }

    proptest! {
        #[test]
        fn any_bytes_give_complete_tags_only(page in proptest::collection::vec(any::<u8>(), 0..300)) {
            for tag in parse_page(&page) {
                prop_assert!(!tag.prefix.is_empty() && !tag.uri.is_empty());
            }
        }

        #[test]
        fn what_was_written_is_read(prefix in "[a-z]{1,8}\\.test", uri in "https://[a-z{}/.-]{1,30}") {
            let page = format!("<p><meta name=\"ac-discovery\" content=\"{prefix} {uri}\"><p>");
            let tags = parse_page(page.as_bytes());
            prop_assert_eq!(tags, [Tag { kind: TagKind::Endpoint, prefix, uri }]);
        }
    }
}
