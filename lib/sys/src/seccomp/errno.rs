//! Numbers of errors, by name.

/// Pairs every name with its number here.
macro_rules! numbers {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), libc::$name)),*] };
}

/// Sorted by name. Source: errno(3).
#[rustfmt::skip]
static NUMBERS: [(&str, libc::c_int); 133] = numbers![
    E2BIG, EACCES, EADDRINUSE, EADDRNOTAVAIL, EADV, EAFNOSUPPORT, EAGAIN, EALREADY, EBADE,
    EBADF, EBADFD, EBADMSG, EBADR, EBADRQC, EBADSLT, EBFONT, EBUSY, ECANCELED, ECHILD, ECHRNG,
    ECOMM, ECONNABORTED, ECONNREFUSED, ECONNRESET, EDEADLK, EDEADLOCK, EDESTADDRREQ, EDOM,
    EDOTDOT, EDQUOT, EEXIST, EFAULT, EFBIG, EHOSTDOWN, EHOSTUNREACH, EIDRM, EILSEQ, EINPROGRESS,
    EINTR, EINVAL, EIO, EISCONN, EISDIR, EISNAM, EKEYEXPIRED, EKEYREJECTED, EKEYREVOKED, EL2HLT,
    EL2NSYNC, EL3HLT, EL3RST, ELIBACC, ELIBBAD, ELIBEXEC, ELIBMAX, ELIBSCN, ELNRNG, ELOOP,
    EMEDIUMTYPE, EMFILE, EMLINK, EMSGSIZE, EMULTIHOP, ENAMETOOLONG, ENAVAIL, ENETDOWN,
    ENETRESET, ENETUNREACH, ENFILE, ENOANO, ENOBUFS, ENOCSI, ENODATA, ENODEV, ENOENT, ENOEXEC,
    ENOKEY, ENOLCK, ENOLINK, ENOMEDIUM, ENOMEM, ENOMSG, ENONET, ENOPKG, ENOPROTOOPT, ENOSPC,
    ENOSR, ENOSTR, ENOSYS, ENOTBLK, ENOTCONN, ENOTDIR, ENOTEMPTY, ENOTNAM, ENOTRECOVERABLE,
    ENOTSOCK, ENOTSUP, ENOTTY, ENOTUNIQ, ENXIO, EOPNOTSUPP, EOVERFLOW, EOWNERDEAD, EPERM,
    EPFNOSUPPORT, EPIPE, EPROTO, EPROTONOSUPPORT, EPROTOTYPE, ERANGE, EREMCHG, EREMOTE,
    EREMOTEIO, ERESTART, ERFKILL, EROFS, ESHUTDOWN, ESOCKTNOSUPPORT, ESPIPE, ESRCH, ESRMNT,
    ESTALE, ESTRPIPE, ETIME, ETIMEDOUT, ETOOMANYREFS, ETXTBSY, EUCLEAN, EUNATCH, EUSERS,
    EWOULDBLOCK, EXDEV, EXFULL,
];

/// The number of the error of this name, such as `EPERM`; `None` if there is none.
#[must_use]
pub fn number(name: &str) -> Option<u16> {
    let found = NUMBERS
        .binary_search_by(|(known, _)| (*known).cmp(name))
        .ok()?;
    u16::try_from(NUMBERS[found].1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(NUMBERS.is_sorted_by(|a, b| a.0 < b.0));
        for (name, found) in [
            ("EPERM", Some(1)),
            ("E2BIG", Some(7)),
            ("ENOSYS", Some(38)),
            ("EWOULDBLOCK", Some(11)),
            ("EXFULL", Some(54)),
            ("E", None),
            ("", None),
            ("EPONIES", None),
        ] {
            assert_eq!(number(name), found, "{name}");
        }
    }
}
