//! The tags of a repository.

use serde_json::Value;
use url::Url;

use super::Registry;
use super::conf::Endpoint;
use super::error::RegistryError;
use super::session::Ask;
use crate::Response;
use crate::header::LINK;
use crate::redirect::same_origin;

/// How many tags to ask for at a time.
const PAGE: usize = 1000;
/// Largest page read, in bytes.
const MAX_PAGE_BYTES: u64 = 4 * 1024 * 1024;
/// Most pages read; a registry may give out smaller ones than asked for.
const MAX_PAGES: usize = 1000;
/// Most tags of one repository.
const MAX_TAGS: usize = 200_000;

impl Registry {
    /// All tags of the repository of `endpoint`, in the order in which the registry gives them.
    ///
    /// # Errors
    ///
    /// [`RegistryError`], also for a list that has no end.
    pub fn tags(&self, endpoint: &Endpoint) -> Result<Vec<String>, RegistryError> {
        let mut url = self.url(endpoint, &format!("tags/list?n={PAGE}"))?;
        let mut tags = Vec::new();
        for _ in 0..MAX_PAGES {
            let answer = self.ask(endpoint, &Ask::get(&url))?;
            if answer.status().as_u16() != 200 {
                return Err(self.refused(endpoint, answer, "list of tags"));
            }
            let wrong = |reason: &str| RegistryError::Answer {
                request: answer.request().clone(),
                reason: reason.to_owned(),
            };
            let too_long = wrong("the list of tags has no end");
            let no_list = wrong("the answer is no list of tags");
            let elsewhere = wrong("the list of tags goes on at another host");
            let next = next(&answer);
            let page = answer.read_to_end(MAX_PAGE_BYTES)?;
            let Some(page) = page_of(&page) else {
                return Err(no_list);
            };
            tags.extend(page);
            if tags.len() > MAX_TAGS {
                return Err(too_long);
            }
            match next {
                None => return Ok(tags),
                Some(next) if next == url => return Err(too_long),
                Some(next) if !same_origin(&next, &url) => return Err(elsewhere),
                Some(next) => url = next,
            }
        }
        Err(RegistryError::Answer {
            request: crate::RequestLine::new(&crate::Method::GET, &url),
            reason: "the list of tags has no end".to_owned(),
        })
    }
}

/// The tags in one answer; a repository without any has `null`.
fn page_of(text: &[u8]) -> Option<Vec<String>> {
    let page: Value = serde_json::from_slice(text).ok()?;
    match page.get("tags")? {
        Value::Null => Some(Vec::new()),
        Value::Array(tags) => {
            let text = |tag: &Value| tag.as_str().map(str::to_owned);
            tags.iter().map(text).collect()
        }
        _ => None,
    }
}

/// Where the list goes on: `Link: <URL>; rel="next"`. Source: RFC 8288, 3.
fn next(answer: &Response) -> Option<Url> {
    for line in answer.headers().get_all(LINK) {
        let line = line.to_str().unwrap_or_default();
        let Some((target, parameters)) = line
            .trim()
            .strip_prefix('<')
            .and_then(|line| line.split_once('>'))
        else {
            continue;
        };
        let is_next = parameters.split(';').any(|parameter| {
            let parameter = parameter.trim().to_ascii_lowercase();
            matches!(parameter.as_str(), "rel=next" | "rel=\"next\"")
        });
        if is_next {
            return answer.url().join(target).ok();
        }
    }
    None
}
