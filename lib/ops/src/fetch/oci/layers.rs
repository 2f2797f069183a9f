//! All layers of an image: several on their way at a time, then each put over those below it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use gantry_archive::layer::{Marks, complete};
use gantry_store::{Ingest, Layer, Publication, StoreError, TreeId};
use gantry_types::oci::{Descriptor, Digest};

use super::OciFetchError;
use super::layer::{Brought, Wanted, Way};

/// How often somebody is told how far it has got.
const REPORT: Duration = Duration::from_millis(200);

/// The layers of an image, lowest first.
pub(super) struct Layers<'a> {
    pub(super) way: Way<'a>,
    pub(super) descriptors: &'a [Descriptor],
    pub(super) diff_ids: &'a [Digest],
    /// How many may be on their way at once.
    pub(super) parallel: usize,
}

/// What became of them.
pub(super) struct InPlace {
    /// Lowest first.
    pub(super) layers: Vec<Layer>,
    /// Topmost first, down to one that hides all below it.
    pub(super) trees: Vec<TreeId>,
}

/// Layers that wait for their turn, each with its place.
type Queue<'a> = Mutex<VecDeque<(usize, Wanted<'a>)>>;

/// What is known of one layer before it is brought in.
struct Plan {
    /// Its tree, if the store has that.
    tree: Option<TreeId>,
    /// What the store's copy of the very same layer says of it.
    known: Option<Layer>,
}

impl Layers<'_> {
    /// Brings in what the store does not have, and adds it to the publication; calls `on_way` again and again with
    /// the bytes read so far.
    pub(super) fn bring(
        &self,
        publication: &mut Publication<'_>,
        on_way: &mut dyn FnMut(u64),
    ) -> Result<InPlace, OciFetchError> {
        let firsts = self.firsts()?;
        let mut ingests = self.ingests(&firsts, publication)?;
        let known = self.known(&firsts, &ingests)?;
        let mut plans = HashMap::new();
        let mut jobs = VecDeque::new();
        for &index in firsts.values() {
            let (descriptor, diff_id) = (&self.descriptors[index], &self.diff_ids[index]);
            let plan = Plan {
                tree: self.shared_tree(index, publication)?,
                known: known.get(&(&descriptor.digest, diff_id)).cloned(),
            };
            let ingest = ingests.remove(&descriptor.digest);
            // Nobody but a record says that the blob is this layer; without one it is read for that alone.
            if ingest.is_some() || plan.tree.is_none() || plan.known.is_none() {
                let extract = plan.tree.is_none();
                let wanted = Wanted {
                    descriptor,
                    diff_id,
                    ingest,
                    extract,
                };
                jobs.push_back((index, wanted));
            }
            plans.insert(index, plan);
        }
        let queue = Mutex::new(jobs);
        let mut brought = HashMap::new();
        let done = self.run(&queue, &mut brought, on_way);
        let in_place = match done {
            Ok(()) => self.put_in_place(&firsts, &plans, &mut brought, publication),
            Err(error) => Err(error),
        };
        let in_place = match in_place {
            Ok(in_place) => in_place,
            Err(error) => {
                let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
                let waiting = queue.into_iter().map(|(_, wanted)| wanted.ingest);
                self.give_up(waiting.chain(brought.into_values().map(|one| one.ingest)))?;
                return Err(error);
            }
        };
        for (index, one) in brought {
            if let Some(ingest) = one.ingest {
                publication.blob(self.descriptors[index].digest.clone(), ingest);
            }
        }
        Ok(in_place)
    }

    /// The first place of every blob, in the order in which everybody takes their locks.
    fn firsts(&self) -> Result<BTreeMap<&Digest, usize>, OciFetchError> {
        let mut firsts = BTreeMap::new();
        for (index, descriptor) in self.descriptors.iter().enumerate() {
            let first = *firsts.entry(&descriptor.digest).or_insert(index);
            let same = (&self.diff_ids[index], descriptor.size)
                == (&self.diff_ids[first], self.descriptors[first].size);
            if !same {
                return Err(OciFetchError::TwoContents {
                    image: self.way.image.to_owned(),
                    digest: descriptor.digest.clone(),
                });
            }
        }
        Ok(firsts)
    }

    /// What there is of the blobs that the store does not have; nobody else downloads them meanwhile.
    fn ingests(
        &self,
        firsts: &BTreeMap<&Digest, usize>,
        publication: &mut Publication<'_>,
    ) -> Result<HashMap<Digest, Ingest>, OciFetchError> {
        let mut ingests = HashMap::new();
        for (digest, &index) in firsts {
            let size = self.descriptors[index].size;
            if publication.share_blob(digest, size)? {
                continue;
            }
            let ingest = self.way.store.ingest(&format!("blob {digest}"))?;
            // Whoever had it has brought it in meanwhile.
            match publication.share_blob(digest, size)? {
                true => ingest.discard()?,
                false => drop(ingests.insert((*digest).clone(), ingest)),
            }
        }
        Ok(ingests)
    }

    /// The layers of which a record says that blob and tree belong together.
    fn known(
        &self,
        firsts: &BTreeMap<&Digest, usize>,
        ingests: &HashMap<Digest, Ingest>,
    ) -> Result<HashMap<(&Digest, &Digest), Layer>, OciFetchError> {
        let mut known = HashMap::new();
        if ingests.len() == firsts.len() {
            return Ok(known);
        }
        for record in self.way.store.list()?.images {
            for layer in record.layers {
                if let Some(&index) = firsts.get(&layer.digest)
                    && self.diff_ids[index] == layer.diff_id
                {
                    let digest = &self.descriptors[index].digest;
                    known.insert((digest, &self.diff_ids[index]), layer);
                }
            }
        }
        Ok(known)
    }

    /// The tree of the layer at a place, if the store has it.
    fn shared_tree(
        &self,
        index: usize,
        publication: &mut Publication<'_>,
    ) -> Result<Option<TreeId>, StoreError> {
        let ids = [
            TreeId::of_layer(&self.diff_ids[index]),
            TreeId::of_chain(&self.diff_ids[..=index]),
        ];
        for id in ids {
            if publication.share_tree(&id)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Removes what is of no use to the next try: bytes that lie on this machine anyway, and files without any.
    fn give_up(&self, ingests: impl Iterator<Item = Option<Ingest>>) -> Result<(), StoreError> {
        for ingest in ingests.flatten() {
            if ingest.is_empty() || !self.way.source.is_remote() {
                ingest.discard()?;
            }
        }
        Ok(())
    }

    /// Brings layers in, several at a time; the first failure ends all.
    fn run(
        &self,
        queue: &Queue<'_>,
        brought: &mut HashMap<usize, Brought>,
        on_way: &mut dyn FnMut(u64),
    ) -> Result<(), OciFetchError> {
        let jobs = queue.lock().unwrap_or_else(PoisonError::into_inner).len();
        let workers = self.parallel.clamp(1, jobs.max(1));
        let (done, results) = mpsc::channel();
        let work = |done: mpsc::Sender<_>| {
            while !self.way.stop.load(Ordering::Relaxed) {
                let next = queue
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front();
                let Some((index, wanted)) = next else { return };
                let result = self.way.bring(wanted);
                if result.is_err() {
                    self.way.stop.store(true, Ordering::Relaxed);
                }
                if done.send((index, result)).is_err() {
                    return;
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..workers {
                let done = done.clone();
                let spawned = thread::Builder::new()
                    .name("layer".to_owned())
                    .spawn_scoped(scope, || work(done));
                if spawned.is_err() {
                    break;
                }
            }
            drop(done);
            let mut failure = None;
            loop {
                match results.recv_timeout(REPORT) {
                    Ok((index, Ok(one))) => drop(brought.insert(index, one)),
                    Ok((_, Err(error))) => drop(failure.get_or_insert(error)),
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                }
                on_way(self.way.count.load(Ordering::Relaxed));
            }
            match failure {
                Some(error) => Err(error),
                None => Ok(()),
            }
        })
    }

    /// Completes the trees from below, and adds the new ones to the publication.
    fn put_in_place(
        &self,
        firsts: &BTreeMap<&Digest, usize>,
        plans: &HashMap<usize, Plan>,
        brought: &mut HashMap<usize, Brought>,
        publication: &mut Publication<'_>,
    ) -> Result<InPlace, OciFetchError> {
        let store = self.way.store;
        let mut below: Vec<File> = Vec::new();
        let mut trees: Vec<TreeId> = Vec::new();
        let mut layers = Vec::new();
        for (index, descriptor) in self.descriptors.iter().enumerate() {
            let diff_id = &self.diff_ids[index];
            let first = firsts.get(&descriptor.digest).copied().unwrap_or(index);
            let alone = TreeId::of_layer(diff_id);
            let kept = match first == index {
                true => plans.get(&index).and_then(|plan| plan.tree.clone()),
                // The same layer further down is the same tree, unless that has something from below it.
                false if trees[first] == alone => Some(alone.clone()),
                false => self.shared_tree(index, publication)?,
            };
            let id = match kept {
                Some(id) => {
                    let again = trees.iter().position(|known| *known == id);
                    let directory = match again {
                        Some(place) => below[place]
                            .try_clone()
                            .map_err(opening(&store.tree_path(&id)))?,
                        None => open(&store.tree_path(&id))?,
                    };
                    below.push(directory);
                    id
                }
                None => {
                    let fresh = brought.get_mut(&first).filter(|_| first == index);
                    let made = match fresh.and_then(|one| one.tree.take()) {
                        Some(made) => made,
                        None => {
                            let ingest = brought.get(&first).and_then(|one| one.ingest.as_ref());
                            self.way.again(descriptor, diff_id, ingest)?
                        }
                    };
                    let (staging, needs) = made;
                    let lower: Vec<_> = below.iter().rev().map(AsFd::as_fd).collect();
                    let completed = complete(staging.dir(), &lower, &needs, self.way.ownership);
                    completed.map_err(|source| OciFetchError::Layer {
                        image: self.way.image.to_owned(),
                        digest: descriptor.digest.clone(),
                        source: Box::new(source),
                    })?;
                    let id = match needs.is_empty() {
                        true => alone,
                        false => TreeId::of_chain(&self.diff_ids[..=index]),
                    };
                    below.push(open(staging.path())?);
                    publication.tree(id.clone(), staging);
                    id
                }
            };
            trees.push(id);
            let unpacked = match brought.get(&first).map(|one| one.unpacked) {
                Some(unpacked) if unpacked > 0 => unpacked,
                _ => plans
                    .get(&first)
                    .and_then(|plan| plan.known.as_ref())
                    .map_or(0, |known| known.unpacked),
            };
            layers.push(Layer {
                digest: descriptor.digest.clone(),
                diff_id: diff_id.clone(),
                size: descriptor.size,
                unpacked,
            });
        }
        let mut shown = Vec::new();
        for (id, directory) in trees.into_iter().zip(&below).rev() {
            shown.push(id);
            // The kernel does not heed the mark on the root of a layer.
            if hides_all(directory).map_err(opening(&store.root().join("trees")))? {
                break;
            }
        }
        Ok(InPlace {
            layers,
            trees: shown,
        })
    }
}

fn hides_all(tree: &File) -> io::Result<bool> {
    let flags = rustix::fs::OFlags::RDONLY
        | rustix::fs::OFlags::DIRECTORY
        | rustix::fs::OFlags::NOFOLLOW
        | rustix::fs::OFlags::CLOEXEC;
    let root = rustix::fs::openat(tree, "rootfs", flags, rustix::fs::Mode::empty())?;
    Ok(Marks::here().is_opaque(root.as_fd())?)
}

fn open(path: &Path) -> Result<File, StoreError> {
    File::open(path).map_err(opening(path))
}

fn opening(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io {
        operation: "open",
        path,
        source,
    }
}
