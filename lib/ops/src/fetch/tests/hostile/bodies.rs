//! Bodies that break off, stall, never end, or are another one than announced.

use super::*;

#[test]
fn bodies_that_break_off_are_taken_up_where_they_ended() {
    let hostile = Hostile::new();
    hostile.run([
        Scenario::new("a good server"),
        Scenario::new("cut before the first byte")
            .times(1, Hook::CutAfter(0))
            .requests(2..=2),
        Scenario::new("cut after the first byte")
            .times(1, Hook::CutAfter(1))
            .requests(2..=2),
        Scenario::new("cut in the middle")
            .times(1, Hook::CutAfter(30_000))
            .requests(2..=2),
        Scenario::new("cut again and again, with something new every time")
            .always(Hook::CutAfter(20_000))
            .requests(4..=4),
        Scenario::new("cut again and again, with next to nothing new")
            .always(Hook::CutAfter(10))
            .fails("connection closed before the answer was complete")
            .sent(|_| 30..=30)
            .left(Left::Part(30))
            .requests(3..=3),
        Scenario::new("reset in the middle")
            .times(1, Hook::ResetAfter(30_000))
            .sent(|size| size..=size + 30_000)
            .requests(2..=2),
        Scenario::new("cut once by a server without ranges")
            .times(1, Hook::CutAfter(30_000))
            .always(Hook::NoRanges)
            .sent(|size| size + 30_000..=size + 30_000)
            .requests(2..=2),
        Scenario::new("cut every time by a server without ranges")
            .always(Hook::CutAfter(30_000))
            .always(Hook::NoRanges)
            .fails("connection closed before the answer was complete")
            .sent(|_| 90_000..=120_000)
            .left(Left::Part(30_000))
            .requests(3..=4),
        Scenario::new("cut once by a server without marks of versions")
            .times(1, Hook::CutAfter(30_000))
            .always(Hook::NoValidators)
            .sent(|size| size + 30_000..=size + 30_000)
            .requests(2..=2),
        Scenario::new("cut every time by a server without marks of versions")
            .always(Hook::CutAfter(30_000))
            .always(Hook::NoValidators)
            .fails("connection closed before the answer was complete")
            .sent(|_| 90_000..=120_000)
            .left(Left::Unsure(30_000))
            .requests(3..=4),
        Scenario::new("cut once, with a weak mark and a date that vouches for the bytes")
            .times(1, Hook::CutAfter(30_000))
            .always(Hook::WeakEtag)
            .requests(2..=2),
        Scenario::new("cut once, with a weak mark alone")
            .times(1, Hook::CutAfter(30_000))
            .always(Hook::Etag("W/\"1\"".to_owned()))
            .sent(|size| size + 30_000..=size + 30_000)
            .requests(2..=2),
        Scenario::new("chunks without the last one, once")
            .times(1, Hook::ChunksWithoutEnd)
            .requests(2..=2),
        Scenario::new("stalled in the middle")
            .times(1, Hook::StallAfter(30_000))
            .requests(2..=2),
        Scenario::new("stalled every time")
            .always(Hook::StallAfter(10))
            .fails("timed out")
            .sent(|_| 30..=30)
            .left(Left::Part(30))
            .requests(3..=3),
    ]);
}

#[test]
fn a_trickle_is_given_up_with_what_it_brought() {
    let hostile = Hostile::new();
    let trickle = Hook::Trickle(50, Duration::from_millis(20));
    let scenario = Scenario::new("a trickle")
        .always(trickle)
        .fails("the server sends too slowly")
        .sent(|_| 50..=20_000)
        .requests(3..=3);
    hostile.server.put(PATH, hostile.image.clone());
    for (hook, _) in scenario.hooks {
        hostile.server.hook(PATH, hook);
    }
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let error = chain(&hostile.fetch(&store).unwrap_err());
    assert!(error.contains("the server sends too slowly"), "{error}");
    assert!(scenario.requests.contains(&hostile.server.take_log().len()));
    let kept: u64 = parts(&store).iter().sum();
    assert!(kept > 0 && kept < hostile.size(), "{kept}");
    hostile.server.clear_hooks();
    // The server writes on until it notices that nobody listens.
    hostile.server.take_sent();
    let sent_after = {
        hostile.fetch(&store).unwrap();
        hostile.server.take_sent()
    };
    assert!(sent_after >= hostile.size() - kept, "{sent_after}");
    let log = hostile.server.take_log();
    assert_eq!(log[0].header("range"), Some(&*format!("bytes={kept}-")));
}

#[test]
fn another_version_or_a_wrong_part_never_mixes_with_what_is_there() {
    let hostile = Hostile::new();
    let other = hostile.other.clone();
    let raw = |head: &str| {
        let start = "HTTP/1.1 206 Partial Content\r\nconnection: close\r\n";
        Hook::Raw(format!("{start}{head}\r\n\r\n!!").into_bytes())
    };
    let cut = |name| Scenario::new(name).times(1, Hook::CutAfter(30_000));
    hostile.run([
        cut("changed between the parts")
            .times(1, Hook::Then(other.clone()))
            .changed()
            .sent(|size| size..=size + 40_000)
            .requests(2..=2),
        Scenario::new("changed after the first answer, which was complete")
            .times(1, Hook::Then(other)),
        cut("a part that begins too early")
            .always(Hook::ContentRange("bytes 0-65535/65536".to_owned()))
            .sent(|size| size + 30_000..=2 * size + 30_000)
            .requests(3..=3),
        cut("a part that overlaps what is there")
            .always(Hook::ContentRange("bytes 29999-65535/65536".to_owned()))
            .sent(|size| size + 30_000..=2 * size + 30_000)
            .requests(3..=3),
        cut("a part that leaves a hole")
            .always(Hook::ContentRange("bytes 30001-65535/65536".to_owned()))
            .sent(|size| size + 30_000..=2 * size + 30_000)
            .requests(3..=3),
        cut("a part that says nothing of itself")
            .always(Hook::ContentRange("bytes".to_owned()))
            .sent(|size| size + 30_000..=2 * size + 30_000)
            .requests(3..=3),
        Scenario::new("a part nobody asked for")
            .always(raw("content-range: bytes 0-1/2\r\ncontent-length: 2"))
            .fails("bad HTTP status code: 206"),
        Scenario::new("nothing to satisfy where no part was asked for")
            .always(Hook::Status(416))
            .fails("bad HTTP status code: 416"),
        Scenario::new("a length beyond the body, which the next answer corrects")
            .times(1, Hook::Length(1_000_000))
            .requests(2..=2),
    ]);
}

#[test]
fn bodies_of_another_length_or_form_are_no_images() {
    let hostile = Hostile::new();
    let zeros = gzip_of_zeros();
    let bomb = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        zeros.len()
    );
    let bomb = Hook::Raw([bomb.as_bytes(), &zeros].concat());
    hostile.run([
        Scenario::new("a length within the body")
            .always(Hook::Length(5000))
            .fails("cannot extract image")
            .sent(|_| 5000..=1_000_000),
        Scenario::new("a gzip bomb as the encoding")
            .always(bomb)
            .fails("cannot extract image"),
        Scenario::new("a body without end")
            .always(Hook::Endless)
            .fails("answer is larger than the limit of 1048576 bytes"),
        Scenario::new("chunks without end")
            .always(Hook::EndlessChunks)
            .fails("answer is larger than the limit of 1048576 bytes"),
        Scenario::new("a length beyond the limit")
            .always(Hook::Length(2 << 20))
            .fails("answer is larger than the limit of 1048576 bytes")
            .sent(|size| 0..=size),
    ]);
}

/// 64 MiB of zeros in a few bytes.
fn gzip_of_zeros() -> Vec<u8> {
    use std::io::Write as _;
    let mut child = std::process::Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for _ in 0..64 {
            input.write_all(&vec![0; 1 << 20]).unwrap();
        }
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}
