//! What `rkt gc` says of pods that it cannot collect.

mod support;

use support::{World, can_run_pods};

#[test]
fn a_pod_that_cannot_be_collected_is_told_of_and_fails_nothing() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let image = world.build("app", "1.0.0", &["/bin/busybox", "true"]);
    let id = world.import(&image);
    for _ in 0..2 {
        world.rkt(["run", "--net=host", &id]).expect(0);
    }
    let pods = world.pods();
    let [stays, goes] = pods.as_slice() else {
        panic!("two pods: {pods:?}")
    };
    let uuid = |pod: &str| {
        pod.trim_end_matches('/')
            .rsplit('/')
            .next()
            .expect("a UUID")
            .to_owned()
    };
    let stays = uuid(stays);
    world.rkt(["gc", "--grace-period=1h"]).expect(0);
    let file = world
        .env
        .path(format!("rkt/pods/exited-garbage/{stays}/pod"));
    let file = file.to_str().expect("UTF-8");
    // Not every file system has the attribute.
    if world.env.run("chattr", ["+i", file]).status != 0 {
        return;
    }
    let collected = world.rkt(["gc", "--grace-period=0s"]);
    let left = world.pods();
    world.env.run("chattr", ["-i", file]).expect(0);
    let collected = collected.expect(0).says(&stays).says("not permitted");
    assert!(!collected.stderr.contains(&uuid(goes)), "{collected}");
    assert_eq!(left.len(), 1, "{left:?}");
    world.gc();
    assert_eq!(world.pods(), Vec::<String>::new());
}
