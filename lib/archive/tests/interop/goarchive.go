// Writes and reads archives with Go's archive/tar, for comparison:
//
//	goarchive write USTAR|PAX|GNU >ARCHIVE    of manifest and rootfs in the working directory
//	goarchive read <ARCHIVE                   to the working directory
package main

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const xattrPrefix = "SCHILY.xattr."

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	if os.Args[1] == "write" {
		formats := map[string]tar.Format{"USTAR": tar.FormatUSTAR, "PAX": tar.FormatPAX, "GNU": tar.FormatGNU}
		write(formats[os.Args[2]])
	} else {
		read()
	}
}

type inode struct{ dev, ino uint64 }

func write(format tar.Format) {
	archive := tar.NewWriter(os.Stdout)
	links := map[inode]string{}
	add := func(path string, info os.FileInfo, err error) error {
		check(err)
		target := ""
		if info.Mode()&os.ModeSymlink != 0 {
			target, err = os.Readlink(path)
			check(err)
		}
		header, err := tar.FileInfoHeader(info, target)
		check(err)
		header.Name = path
		header.Format = format
		header.Uname, header.Gname = "", ""
		header.AccessTime, header.ChangeTime = time.Time{}, time.Time{}
		stat := info.Sys().(*syscall.Stat_t)
		if !info.IsDir() && stat.Nlink > 1 {
			key := inode{uint64(stat.Dev), stat.Ino}
			if first, ok := links[key]; ok {
				header.Typeflag, header.Linkname, header.Size = tar.TypeLink, first, 0
			} else {
				links[key] = path
			}
		}
		if format == tar.FormatPAX && header.Typeflag != tar.TypeLink {
			for name, value := range attributes(path) {
				if header.PAXRecords == nil {
					header.PAXRecords = map[string]string{}
				}
				header.PAXRecords[xattrPrefix+name] = value
			}
		}
		check(archive.WriteHeader(header))
		if header.Typeflag == tar.TypeReg {
			file, err := os.Open(path)
			check(err)
			_, err = io.Copy(archive, file)
			check(err)
			check(file.Close())
		}
		return nil
	}
	check(filepath.Walk("manifest", add))
	check(filepath.Walk("rootfs", add))
	check(archive.Close())
}

func read() {
	archive := tar.NewReader(os.Stdin)
	var directories []*tar.Header
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		check(err)
		name := filepath.Clean(header.Name)
		mode := uint32(header.Mode) & 07777
		switch header.Typeflag {
		case tar.TypeReg:
			file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0600)
			check(err)
			_, err = io.Copy(file, archive)
			check(err)
			check(file.Close())
		case tar.TypeDir:
			check(os.Mkdir(name, 0700))
			directories = append(directories, header)
			continue
		case tar.TypeLink:
			check(os.Link(header.Linkname, name))
			continue
		case tar.TypeSymlink:
			check(os.Symlink(header.Linkname, name))
		case tar.TypeFifo:
			check(syscall.Mkfifo(name, 0600))
		case tar.TypeChar:
			check(syscall.Mknod(name, syscall.S_IFCHR|0600, device(header)))
		case tar.TypeBlock:
			check(syscall.Mknod(name, syscall.S_IFBLK|0600, device(header)))
		default:
			check(fmt.Errorf("%q: type %q", header.Name, header.Typeflag))
		}
		finish(name, mode, header)
	}
	sort.Slice(directories, func(i, j int) bool { return directories[i].Name > directories[j].Name })
	for _, header := range directories {
		finish(filepath.Clean(header.Name), uint32(header.Mode)&07777, header)
	}
}

func device(header *tar.Header) int {
	major, minor := uint64(header.Devmajor), uint64(header.Devminor)
	return int((major&0xfff)<<8 | (major&^0xfff)<<32 | minor&0xff | (minor&^0xff)<<12)
}

func finish(name string, mode uint32, header *tar.Header) {
	check(os.Lchown(name, header.Uid, header.Gid))
	if header.Typeflag != tar.TypeSymlink {
		check(syscall.Chmod(name, mode))
	}
	for key, value := range header.PAXRecords {
		if strings.HasPrefix(key, xattrPrefix) {
			setAttribute(name, strings.TrimPrefix(key, xattrPrefix), value)
		}
	}
	times := [2]syscall.Timespec{syscall.NsecToTimespec(0), {Sec: header.ModTime.Unix(), Nsec: int64(header.ModTime.Nanosecond())}}
	path, err := syscall.BytePtrFromString(name)
	check(err)
	const noFollow = 0x100
	cwd := -100
	_, _, errno := syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(cwd), uintptr(unsafe.Pointer(path)),
		uintptr(unsafe.Pointer(&times[0])), noFollow, 0, 0)
	if errno != 0 {
		check(errno)
	}
}

// GNU tar and we write = and % in names of attributes as %3D and %25, which Go leaves as it is.
var escape = strings.NewReplacer("%", "%25", "=", "%3D")
var unescape = strings.NewReplacer("%25", "%", "%3D", "=")

func call(number uintptr, name string, attribute *byte, buffer []byte, flags uintptr) (int, syscall.Errno) {
	path, err := syscall.BytePtrFromString(name)
	check(err)
	var start unsafe.Pointer
	if len(buffer) > 0 {
		start = unsafe.Pointer(&buffer[0])
	}
	if attribute == nil {
		length, _, errno := syscall.Syscall(number, uintptr(unsafe.Pointer(path)), uintptr(start), uintptr(len(buffer)))
		return int(length), errno
	}
	length, _, errno := syscall.Syscall6(number, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(attribute)),
		uintptr(start), uintptr(len(buffer)), flags, 0)
	return int(length), errno
}

func attributes(name string) map[string]string {
	found := map[string]string{}
	names := make([]byte, 65536)
	length, errno := call(syscall.SYS_LLISTXATTR, name, nil, names, 0)
	if errno != 0 {
		check(errno)
	}
	for _, attribute := range strings.Split(string(names[:length]), "\x00") {
		if attribute == "" || attribute == "security.selinux" {
			continue
		}
		pointer, err := syscall.BytePtrFromString(attribute)
		check(err)
		value := make([]byte, 65536)
		length, errno := call(syscall.SYS_LGETXATTR, name, pointer, value, 0)
		if errno != 0 {
			check(errno)
		}
		found[escape.Replace(attribute)] = string(value[:length])
	}
	return found
}

func setAttribute(name, attribute, value string) {
	pointer, err := syscall.BytePtrFromString(unescape.Replace(attribute))
	check(err)
	if _, errno := call(syscall.SYS_LSETXATTR, name, pointer, []byte(value), 0); errno != 0 {
		check(fmt.Errorf("%q: attribute %q: %w", name, attribute, errno))
	}
}
