//! What is in files: holes, links to sockets, changes while they are read.

use std::os::unix::fs::FileExt;

use super::*;

/// Changes the tree as soon as the header of `file` is written.
struct Meddle<F>(F);

impl<F: FnMut() -> io::Result<()>> Write for Meddle<F> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.windows(11).any(|window| window == b"rootfs/file") {
            (self.0)()?;
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    type Change = fn(&Path) -> io::Result<()>;
    let changes: [Change; 3] = [
        |file| fs::write(file, "more than four"),
        |file| fs::write(file, "4"),
        |file| fs::write(file, "FOUR"),
    ];
    for change in changes {
        let temporary = TempDir::new().unwrap();
        let file = temporary.path().join("file");
        fs::write(&file, "four").unwrap();
        set_times(temporary.path(), 1);
        let rootfs = File::open(temporary.path()).unwrap();
        let mut archive = Meddle(|| change(&file));
        let error = walk(rootfs.as_fd(), &mut archive, &plain()).unwrap_err();
        assert!(matches!(error, WriteError::Changed { .. }));
        assert_eq!(error.to_string(), "rootfs/file changed while it was read");
    }
}

#[test]
fn a_file_that_goes_away_is_named() {
    let temporary = TempDir::new().unwrap();
    fs::write(temporary.path().join("file"), "").unwrap();
    fs::write(temporary.path().join("later"), "").unwrap();
    let rootfs = File::open(temporary.path()).unwrap();
    let mut archive = Meddle(|| fs::remove_file(temporary.path().join("later")));
    let error = walk(rootfs.as_fd(), &mut archive, &plain()).unwrap_err();
    assert_eq!(error.to_string(), "cannot inspect rootfs/later");
}

#[test]
fn a_socket_with_two_names_is_left_out_with_both() {
    let temporary = TempDir::new().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(temporary.path().join("a")).unwrap();
    fs::hard_link(temporary.path().join("a"), temporary.path().join("b")).unwrap();
    let (image, _) = write(temporary.path(), &plain());
    let target = TempDir::new().unwrap();
    extract(&image, target.path());
    assert_eq!(
        fs::read_dir(target.path().join("rootfs")).unwrap().count(),
        0
    );
}

#[test]
fn of_a_hard_link_with_a_name_outside_the_content_is_written() {
    let temporary = TempDir::new().unwrap();
    let root = temporary.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::write(temporary.path().join("outside"), "content").unwrap();
    fs::hard_link(temporary.path().join("outside"), root.join("inside")).unwrap();
    let (image, _) = write(&root, &plain());
    let target = TempDir::new().unwrap();
    extract(&image, target.path());
    let inside = target.path().join("rootfs/inside");
    assert_eq!(fs::read_to_string(inside).unwrap(), "content");
}

/// A file above 8 GiB with a little data at both ends, and one that ends with a hole.
fn sparse_tree(root: &Path) {
    let name = "d".repeat(120);
    fs::create_dir_all(root.join(&name)).unwrap();
    let large = File::create(root.join(&name).join("large")).unwrap();
    large.write_all_at(b"begin", 0).unwrap();
    large.write_all_at(b"end", (9 << 30) - 3).unwrap();
    let tail = File::create(root.join("tail")).unwrap();
    tail.write_all_at(b"x", 5 << 20).unwrap();
    tail.set_len(20 << 20).unwrap();
    set_times(root, 1_234_567_890);
}

fn check_sparse(root: &Path) {
    let large = File::open(root.join("d".repeat(120)).join("large")).unwrap();
    let metadata = large.metadata().unwrap();
    assert_eq!(metadata.len(), 9 << 30);
    assert!(metadata.blocks() < 16 << 10, "the holes are back");
    let mut ends = [0; 8];
    large.read_exact_at(&mut ends[..5], 0).unwrap();
    large.read_exact_at(&mut ends[5..], (9 << 30) - 3).unwrap();
    assert_eq!(&ends, b"beginend");
    let tail = fs::read(root.join("tail")).unwrap();
    assert_eq!(tail.len(), 20 << 20);
    assert_eq!(tail.iter().position(|byte| *byte != 0), Some(5 << 20));
}

#[test]
fn holes_survive_us_gnu_tar_and_bsdtar() {
    let temporary = TempDir::new().unwrap();
    let root = temporary.path().join("root");
    sparse_tree(&root);
    let (image, _) = write(&root, &plain());
    assert!(image.len() < 8 << 20);
    crate::aci::validate(image.as_slice()).unwrap();
    let ours = TempDir::new().unwrap();
    extract(&image, ours.path());
    check_sparse(&ours.path().join("rootfs"));
    assert_eq!(
        listing_without_content(ours.path()),
        listing_without_content(&root)
    );

    let file = temporary.path().join("image.tar");
    fs::write(&file, &image).unwrap();
    for program in ["tar", "bsdtar"] {
        if Command::new(program).arg("--version").output().is_err() {
            continue;
        }
        let theirs = TempDir::new().unwrap();
        let status = Command::new(program)
            .arg("-xpf")
            .arg(&file)
            .arg("-C")
            .arg(theirs.path())
            .status()
            .unwrap();
        assert!(status.success(), "{program}");
        check_sparse(&theirs.path().join("rootfs"));
    }
}

/// Names, modes, sizes and times; `root` may hold the tree or an image's layout.
fn listing_without_content(root: &Path) -> Vec<String> {
    let root = match root.join("rootfs") {
        rootfs if rootfs.exists() => rootfs,
        _ => root.to_owned(),
    };
    let directory = fs::read_dir(&root).unwrap();
    let mut lines: Vec<String> = directory
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let (mode, time) = (metadata.mode(), metadata.mtime());
            format!("{:?} {mode:o} {time}", entry.file_name())
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn zeros_on_disk_and_holes_give_the_same_bytes() {
    let temporary = TempDir::new().unwrap();
    let [holes, zeros] = ["holes", "zeros"].map(|name| temporary.path().join(name));
    for root in [&holes, &zeros] {
        fs::create_dir(root).unwrap();
    }
    let mut content = vec![0; 9 << 20];
    content[3 << 20] = 1;
    content[8 << 20..].fill(2);
    fs::write(zeros.join("file"), &content).unwrap();
    let file = File::create(holes.join("file")).unwrap();
    file.set_len(9 << 20).unwrap();
    file.write_all_at(&[1], 3 << 20).unwrap();
    file.write_all_at(&content[8 << 20..], 8 << 20).unwrap();
    for root in [&holes, &zeros] {
        set_times(root, 1_600_000_000);
    }
    assert!(write(&holes, &plain()) == write(&zeros, &plain()));
}
