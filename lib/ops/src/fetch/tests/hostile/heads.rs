//! Answers whose head is wrong, too large, unfriendly, or leads elsewhere.

use super::*;

fn raw(text: &str) -> Hook {
    Hook::Raw(text.as_bytes().to_vec())
}

#[test]
fn heads_that_are_no_http_are_told_as_such() {
    let hostile = Hostile::new();
    let huge = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(2 << 20));
    let many: String = (0..1000).map(|n| format!("x-{n}: y\r\n")).collect();
    let many = format!("HTTP/1.1 200 OK\r\n{many}content-length: 0\r\n\r\n");
    let ok = "HTTP/1.1 200 OK\r\nconnection: close\r\n";
    const NO_HTTP: &str = "not valid HTTP";
    let broken = |name, text: &str| {
        Scenario::new(name)
            .always(raw(text))
            .fails(NO_HTTP)
            .requests(2..=2)
    };
    hostile.run([
        broken("no HTTP at all", "hello, this is some other server\r\n\r\n"),
        broken(
            "HTTP of the first days",
            "<html>an answer without a head</html>",
        ),
        broken("a header larger than a head may be", &huge),
        broken("a thousand headers", &many),
        broken(
            "a length that is no number",
            &format!("{ok}content-length: abc\r\n\r\nx"),
        ),
        broken(
            "two lengths that differ",
            &format!("{ok}content-length: 1\r\ncontent-length: 2\r\n\r\nxx"),
        ),
        broken("a status that is none", "HTTP/1.1 abc OK\r\n\r\n"),
        broken(
            "a line break that splits a header",
            &format!("{ok}etag: \"a\nno header at all\r\ncontent-length: 1\r\n\r\nx"),
        ),
        Scenario::new("a head that breaks off")
            .always(raw("HTTP/1.1 200 OK\r\ncontent-len"))
            .fails("connection closed before the answer was complete")
            .requests(3..=3),
        Scenario::new("a head that breaks off once")
            .times(1, raw("HTTP/1.1 200 OK\r\ncontent-len"))
            .requests(2..=2),
        Scenario::new("no answer at all")
            .always(Hook::Refuse)
            .fails("connection closed before the answer was complete")
            .requests(3..=3),
        Scenario::new("silence")
            .always(Hook::Silence)
            .fails("timed out")
            .requests(3..=3),
        Scenario::new("a late answer, once")
            .times(1, Hook::Delay(Duration::from_millis(600)))
            .sent(|size| size..=2 * size)
            .requests(2..=2),
    ]);
}

#[test]
fn busy_and_unwilling_servers_are_asked_as_they_wish() {
    let hostile = Hostile::new();
    let busy = |status: u16, after: &str| {
        let line = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n{after}");
        raw(&format!("{line}content-length: 0\r\n\r\n"))
    };
    let date =
        "date: Sun, 06 Nov 1994 08:49:30 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:31 GMT\r\n";
    hostile.run([
        Scenario::new("busy twice")
            .times(2, Hook::Status(503))
            .requests(3..=3),
        Scenario::new("busy, and says until when")
            .times(1, busy(503, "retry-after: 0\r\n"))
            .requests(2..=2),
        Scenario::new("busy until a date")
            .times(1, busy(429, date))
            .requests(2..=2),
        Scenario::new("busy for too long")
            .always(busy(503, "retry-after: 3600\r\n"))
            .fails("bad HTTP status code: 503"),
        Scenario::new("always busy")
            .always(Hook::Status(429))
            .fails("bad HTTP status code: 429")
            .requests(3..=3),
        Scenario::new("gone")
            .always(Hook::Status(404))
            .fails("bad HTTP status code: 404"),
        Scenario::new("unauthorised")
            .always(Hook::Status(401))
            .fails("bad HTTP status code: 401"),
        Scenario::new("no content")
            .always(Hook::Status(204))
            .fails("bad HTTP status code: 204"),
        Scenario::new("not modified, compared with nothing")
            .always(Hook::Status(304))
            .fails("bad HTTP status code: 304"),
        Scenario::new("accepted, for later")
            .always(Hook::Status(202))
            .fails("is not ready yet"),
    ]);
    hostile
        .server
        .hook(PATH, busy(503, "retry-after: 3600\r\n"));
    let dir = tempfile::tempdir().unwrap();
    let error = hostile
        .fetch(&Store::open(dir.path()).unwrap())
        .unwrap_err();
    use gantry_types::Diagnostic as _;
    assert_eq!(
        error.hint().as_deref(),
        Some("the server asks to wait for 3600 s")
    );
}

#[test]
fn redirects_lead_nowhere_they_should_not() {
    let hostile = Hostile::new();
    let to = |name, target: &str| {
        Scenario::new(name)
            .always(Hook::Redirect(target.to_owned()))
            .fails("redirect not followed")
    };
    hostile.run([
        to("in circles", PATH).requests(11..=11),
        to("to a file", "file:///etc/passwd"),
        to("out of https", &format!("http://{HOST}{PATH}")),
        to("nowhere", "https://"),
        Scenario::new("without a target")
            .always(Hook::Status(302))
            .fails("the answer names no valid target"),
        Scenario::new("to a port where nobody listens")
            .always(Hook::Redirect("https://127.0.0.1:1/".to_owned()))
            .fails("connection refused"),
    ]);
    hostile.server.put("/moved.aci", hostile.image.clone());
    for (target, knows) in [
        (format!("https://{HOST}/moved.aci"), true),
        ("https://other.test/moved.aci".to_owned(), false),
        ("https://u:p@other.test/moved.aci".to_owned(), false),
    ] {
        let moved = Scenario::new("moved")
            .always(Hook::Redirect(target))
            .requests(2..=2);
        let log = hostile.play(&moved);
        assert!(log[0].header("authorization").is_some());
        assert_eq!(log[1].header("authorization").is_some(), knows, "{log:?}");
    }
}
