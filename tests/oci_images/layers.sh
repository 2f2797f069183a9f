# Images of Debian packages and of what tools do to layers, in the layout `img` of the working directory.
set -eu
# tree DIR PACKAGE...: files of installed Debian packages as a tree
tree() {
	to=$1; shift; mkdir -p "$to/usr/bin" "$to/usr/sbin" "$to/usr/lib" "$to/usr/lib64"
	dpkg -L "$@" | sort -u | while read -r f; do
		if [ -e "$f" ] || [ -L "$f" ]; then printf '.%s\n' "$f"; fi
	done | tar -C / --no-recursion --numeric-owner -T - -cf - | tar --numeric-owner -xpf - -C "$to"
}
layer() { # DIR: the next layer
	n=$((n + 1))
	tar -C "$1" --numeric-owner --xattrs --xattrs-include='*' --format=pax -cf "$n.tar" .
	add
}
add() { umoci raw add-layer --image "img:$image" "$n.tar" >/dev/null; }
begin() { image=$1; n=0; rm -rf -- *.tar one two three; umoci new --image "img:$image"; }

umoci init --layout img >/dev/null

begin deletions # of a file, a directory, a link and one name of a hard link
tree one bash debianutils
layer one
mkdir -p two/usr/share/bash-completion two/usr/bin
touch two/usr/bin/.wh.run-parts two/usr/share/.wh.bash-completion
ls one/usr/share/bash-completion >/dev/null 2>&1 || touch two/usr/share/.wh.doc
layer two

begin setuid # programs, whose mode and owner change above
tree one passwd mount
layer one
mkdir -p two/usr/bin; cp -p one/usr/bin/passwd two/usr/bin/; chown 7:8 two/usr/bin/passwd; chmod 6755 two/usr/bin/passwd
cp -p one/usr/bin/chage two/usr/bin/new-chage; touch two/usr/bin/.wh.chage
layer two

begin opaque # a directory emptied and filled again
tree one tzdata
layer one
mkdir -p two/usr/share/zoneinfo/Europe two/usr/share/zoneinfo/Asia
touch two/usr/share/zoneinfo/Europe/.wh..wh..opq; echo x >two/usr/share/zoneinfo/Europe/Berlin
touch two/usr/share/zoneinfo/.wh.Asia; echo y >two/usr/share/zoneinfo/Asia/Tokyo
layer two
mkdir -p three/usr/share/zoneinfo/Europe; echo z >three/usr/share/zoneinfo/Europe/Paris
touch three/usr/share/zoneinfo/.wh.Asia
layer three

begin hard-links # to files of a lower layer, in a layer that has neither them nor their directories
tree one perl-base gzip
layer one
n=2
python3 - "$n.tar" <<'P'
import sys, tarfile
with tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT) as tar:
    for name, target in [("usr/bin/pearl", "usr/bin/perl"), ("opt/deep/gzip", "usr/bin/gzip"), ("opt/again", "usr/bin/gzip")]:
        if name.startswith("opt") and name.count("/") == 2:
            d = tarfile.TarInfo("opt/deep"); d.type = tarfile.DIRTYPE; d.mode = 0o750; d.mtime = 5; tar.addfile(d)
        if name == "opt/deep/gzip":
            d = tarfile.TarInfo("opt"); d.type = tarfile.DIRTYPE; d.mode = 0o711; d.mtime = 6; tar.addfile(d)
        entry = tarfile.TarInfo(name); entry.type = tarfile.LNKTYPE; entry.linkname = target; tar.addfile(entry)
P
add

begin directory-to-link # and to a file
tree one coreutils dash
layer one
mkdir -p two/usr/share/doc; ln -s /etc two/usr/share/doc/coreutils; echo file >two/usr/share/doc/dash
layer two

begin link-to-directory # and a file to a directory
tree one base-files netbase
layer one
mkdir -p two/var/run/lock two/etc/protocols; echo x >two/etc/protocols/new; chmod 1777 two/var/run/lock
layer two

begin implied # a layer of one file, whose directories come from below
tree one util-linux
chmod 2755 one/usr/share; chown 0:5 one/usr/share
layer one
mkdir -p two/usr/share/util-linux; echo x >two/usr/share/util-linux/new; n=2
tar -C two --numeric-owner --format=pax -cf 2.tar usr/share/util-linux/new
add

begin attributes # capabilities, attributes of users, access control lists, devices, pipes
tree one findutils hostname
setcap cap_net_raw+ep one/usr/bin/find; setfattr -n user.note -v text one/usr/bin/xargs
mkfifo one/pipe; mknod one/null c 1 3; mknod one/disk b 8 1
layer one
mkdir -p two/usr/bin; cp one/usr/bin/find two/usr/bin/; touch two/.wh.disk
layer two

begin names # long ones, of any bytes, times with fractions, holes
tree one sed
long=$(printf 'n%.0s' $(seq 200)); mkdir -p "one/$long/$long"; echo x >"one/$long/$long/$long"
printf x >"$(printf 'one/\377\n name')"; ln -s "$long/$long/$long" one/link
truncate -s 5M one/hole; printf end >>one/hole; touch -d '2001-02-03 04:05:06.789012345' one/hole
layer one
mkdir -p "two/$long"; touch "two/$long/.wh.$long"
layer two

begin many # layers, each of which changes the ones below
tree one login bsdutils
layer one
for i in 1 2 3 4 5 6 7 8 9 10 11; do
	rm -rf two; mkdir -p "two/etc/$i" two/usr/bin
	echo "$i" >"two/etc/$i/file"; echo "$i" >two/etc/same; ln two/etc/same "two/etc/$i/linked"
	[ "$i" -lt 3 ] || touch "two/etc/.wh.$((i - 2))"
	layer two
done

begin whiteouts-of-nothing # in the lowest layer, and of what never was
tree one grep
touch one/usr/.wh.nothing; mkdir -p one/usr/share/grep; touch one/usr/share/grep/.wh..wh..opq
layer one
mkdir -p two/usr/bin; touch two/usr/bin/.wh.never two/.wh.absent
layer two
