//! How much of a stranger's archive is read before it is refused.

/// Bounds on what one archive may make the reader spend.
///
/// The defaults let every image pass that a machine of this decade can hold, and keep the memory used
/// for an archive under 64 MiB. The exception is a stream of xz or zstd that asks for a dictionary or
/// window of more than 32 MiB, as `xz -9` and `zstd --long=26` do, and is not a bomb: it may fill
/// [`Limits::decoder_memory`], so that it takes up to 80 MiB in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest uncompressed stream, and largest size of all files together with their holes, in bytes.
    pub max_output: u64,
    /// Largest expansion by decompression, in bytes out per byte in. Deflate reaches 1032 at most.
    pub max_ratio: u64,
    /// Output up to this many bytes is never held against [`Limits::max_ratio`]; 32 MiB at most for a
    /// stream with a larger window than that, which would fill with it.
    pub ratio_floor: u64,
    /// Largest memory a decompressor may ask for, in bytes (the window of zstd, the dictionary of xz).
    pub decoder_memory: u64,
    /// Largest number of entries and global headers.
    pub max_entries: u64,
    /// Largest number of directories below one another.
    pub max_depth: usize,
    /// Longest path and link target, in bytes. Linux takes 4095 (`PATH_MAX` less the final zero).
    pub max_path: usize,
    /// Largest extension header (PAX record set or GNU long name) of one entry, in bytes.
    pub max_extension: u64,
    /// Largest number of extents in the map of one sparse file.
    pub max_extents: usize,
    /// Largest manifest, in bytes.
    pub max_manifest: u64,
    /// Memory for what must wait until the end of the archive: attributes of directories, hard links
    /// that precede their target; in bytes.
    pub max_deferred: usize,
    /// Largest list of an archive's files ([`crate::list`]), in bytes of memory.
    pub max_list: usize,
    /// Largest size of all holes together, in bytes, where content is hashed: a hole takes no room in an
    /// archive, but as long to hash as data.
    pub max_hashed_holes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_output: 256 << 30,
            max_ratio: 1100,
            ratio_floor: 256 << 20,
            // `xz -9` needs 65 MiB.
            decoder_memory: 68 << 20,
            // Validation keeps nine bytes for each, in a table that is half empty at worst.
            max_entries: 3_000_000,
            max_depth: 512,
            max_path: 4095,
            // Linux lets one file hold 64 KiB in each extended attribute.
            max_extension: 1 << 20,
            max_extents: 1 << 18,
            max_manifest: 4 << 20,
            max_deferred: 32 << 20,
            // Two and a half million files with ordinary names.
            max_list: 512 << 20,
            // About a minute.
            max_hashed_holes: 16 << 30,
        }
    }
}
