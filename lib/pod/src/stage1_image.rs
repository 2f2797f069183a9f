//! A stage1 that comes as an image, and the interface by which it is called.
//!
//! It lies in the pod's directory, a whole copy, and is called as rkt calls it; a pod without such an image
//! is run by our own stage1. Source: rkt 1.30, Documentation/devel/stage1-implementors-guide.md.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Component, Path, PathBuf};

use gantry_archive::copy::{CopyOptions, copy_tree};
use gantry_archive::extract::Ownership;
use gantry_types::{ImageManifest, Uuid, pod_layout};

use crate::file;
use crate::image::StoredImage;
use crate::metadata::Registered;
use crate::pod::Pod;
use crate::prepare_error::PrepareError;
use crate::run::RunOptions;

/// What the names of the annotations begin with.
const PREFIX: &str = "coreos.com/rkt/stage1/";

/// The stage1 of a pod, if it is an image.
#[derive(Debug)]
pub(crate) struct Stage1Image {
    manifest: ImageManifest,
}

impl Stage1Image {
    /// That of a pod; `None` if our own stage1 runs it.
    pub(crate) fn of(pod: &Pod) -> io::Result<Option<Self>> {
        let Some(json) = pod.read(pod_layout::STAGE1_MANIFEST)? else {
            return Ok(None);
        };
        let manifest = ImageManifest::from_json(&json)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Some(Self { manifest }))
    }

    /// The program of an entrypoint; `None` if the image has none, or none inside of itself.
    pub(crate) fn program(&self, pod: &Pod, entrypoint: &str) -> Option<PathBuf> {
        let path = entrypoint_of(&self.manifest, entrypoint)?;
        Some(pod.path().join(pod_layout::STAGE1_ROOTFS).join(path))
    }

    /// The version of the interface that the image was made for.
    pub(crate) fn version(&self) -> u32 {
        let text = self
            .manifest
            .annotations
            .get(&format!("{PREFIX}interface-version"));
        text.and_then(|text| text.parse().ok()).unwrap_or(1)
    }

    /// The arguments of `run` and what the image's version of the interface has no argument for.
    pub(crate) fn arguments(
        &self,
        options: &RunOptions,
        private_users: Option<&str>,
        registered: Option<&Registered>,
        uuid: Uuid,
    ) -> (Vec<OsString>, Vec<&'static str>) {
        let version = self.version();
        let mut arguments: Vec<OsString> = Vec::new();
        let mut lost = Vec::new();
        let text = |value: &Option<String>| value.clone().map(OsString::from);
        let on = |is: bool| is.then(OsString::new);
        let token = registered.map(|registered| registered.token.as_str().into());
        let net = match options.net.as_str() {
            "" => "default",
            net => net,
        };
        let rows: [(&'static str, u32, Option<OsString>); 12] = [
            ("--debug", 1, on(options.debug)),
            ("--net", 1, Some(net.into())),
            ("--interactive", 1, on(options.interactive)),
            ("--private-users", 1, private_users.map(Into::into)),
            ("--mds-token", 1, token),
            (
                "--local-config",
                1,
                Some(options.local_config.clone().into()),
            ),
            ("--hostname", 2, text(&options.hostname)),
            (
                "--disable-capabilities-restriction",
                3,
                on(options.disable_capabilities),
            ),
            ("--disable-paths", 3, on(options.disable_paths)),
            ("--disable-seccomp", 3, on(options.disable_seccomp)),
            (
                "--dns-conf-mode",
                4,
                options.conf_files.mode().map(Into::into),
            ),
            ("--ipc", 6, text(&options.ipc)),
        ];
        for (name, since, value) in rows {
            let Some(value) = value else { continue };
            if version < since {
                lost.push(name);
                continue;
            }
            let mut argument = OsString::from(name);
            if !value.is_empty() {
                argument.push("=");
                argument.push(value);
            }
            arguments.push(argument);
        }
        arguments.push(uuid.to_string().into());
        (arguments, lost)
    }

    /// Those of the arguments of another entrypoint that the image understands.
    pub(crate) fn understands(&self, argument: &OsStr) -> bool {
        self.version() >= 5 || !argument.to_string_lossy().starts_with("--local-config=")
    }
}

/// Where in the image the program of an entrypoint is.
fn entrypoint_of<'a>(manifest: &'a ImageManifest, entrypoint: &str) -> Option<&'a Path> {
    let path = manifest.annotations.get(&format!("{PREFIX}{entrypoint}"))?;
    let path = Path::new(path.trim_start_matches('/'));
    let inside = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (inside && path.components().next().is_some()).then_some(path)
}

/// Puts the image into the pod's directory as its stage1.
pub(crate) fn place(pod: &Pod, image: &StoredImage) -> Result<(), PrepareError> {
    if entrypoint_of(&image.manifest, "run").is_none() {
        return Err(PrepareError::NoStage1 {
            image: image.id,
            annotation: format!("{PREFIX}run"),
        });
    }
    let failed = |path: &str| {
        let path = pod.path().join(path);
        move |source| PrepareError::Write { path, source }
    };
    file::make_dir(pod.as_fd(), Path::new(pod_layout::STAGE1), 0o755).map_err(failed("stage1"))?;
    let to = file::open_dir(pod.as_fd(), pod_layout::STAGE1).map_err(failed("stage1"))?;
    let target = (to.as_fd(), "rootfs".as_ref());
    match image.trees.as_slice() {
        [tree] => copy_tree(
            (tree.dir.as_fd(), Path::new("rootfs")),
            target,
            &CopyOptions::default(),
        )
        .map_err(|source| PrepareError::CopyStage1 { source })?,
        _ => image.parts.render(target, Ownership::Keep)?,
    }
    file::create(
        pod.as_fd(),
        Path::new(pod_layout::STAGE1_MANIFEST),
        0o640,
        &image.manifest_json,
    )
    .map_err(failed(pod_layout::STAGE1_MANIFEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf_files::ResolvConf;

    fn image(version: &str, run: &str) -> Stage1Image {
        let json = format!(
            r#"{{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.test/stage1","annotations":[
            {{"name":"coreos.com/rkt/stage1/interface-version","value":"{version}"}},
            {{"name":"coreos.com/rkt/stage1/run","value":"{run}"}}]}}"#
        );
        Stage1Image {
            manifest: ImageManifest::from_json(json.as_bytes()).unwrap(),
        }
    }

    fn words(version: &str) -> (String, Vec<&'static str>) {
        let mut options = RunOptions::new("/own".into(), "/etc/rkt".into());
        options.hostname = Some("h".into());
        options.debug = true;
        options.disable_paths = true;
        options.ipc = Some("parent".into());
        options.conf_files.resolv_conf = ResolvConf::Host;
        let registered = Registered {
            token: "t".parse().unwrap(),
            port: 18112,
        };
        let uuid = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".parse().unwrap();
        let (arguments, lost) =
            image(version, "/init").arguments(&options, Some("65536:9"), Some(&registered), uuid);
        (arguments.join(OsStr::new(" ")).into_string().unwrap(), lost)
    }

    #[test]
    fn an_image_gets_the_arguments_of_its_version_of_the_interface() {
        let uuid = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
        let first =
            "--debug --net=default --private-users=65536:9 --mds-token=t --local-config=/etc/rkt";
        let (text, lost) = words("1");
        assert_eq!(text, format!("{first} {uuid}"));
        assert_eq!(
            lost,
            ["--hostname", "--disable-paths", "--dns-conf-mode", "--ipc"]
        );
        let (text, lost) = words("4");
        let more = "--hostname=h --disable-paths --dns-conf-mode=resolv=host,hosts=default";
        assert_eq!(text, format!("{first} {more} {uuid}"));
        assert_eq!(lost, ["--ipc"]);
        let (text, lost) = words("6");
        assert_eq!(text, format!("{first} {more} --ipc=parent {uuid}"));
        assert!(lost.is_empty());
        assert_eq!(image("x", "/init").version(), 1);
    }

    #[test]
    fn an_entrypoint_lies_inside_the_image() {
        for (run, expected) in [
            ("/init", Some("init")),
            ("usr/bin/init", Some("usr/bin/init")),
            ("/../../bin/sh", None),
            ("/", None),
            ("", None),
        ] {
            let image = image("6", run);
            let found = entrypoint_of(&image.manifest, "run");
            assert_eq!(found, expected.map(Path::new), "{run:?}");
            assert_eq!(entrypoint_of(&image.manifest, "stop"), None);
        }
    }
}
