/*
 * What a hostile program, as root in a pod, tries in order to reach the host.
 *
 *     attack NAME…      tries each and prints "NAME reached" or "NAME denied ERROR"
 *     attack list       prints the names
 *     attack euid       prints the effective user
 *     attack handle P   prints the handle of the file P, for the attempt that opens it
 *
 * An attempt returns 0 if it got what it wanted, -1 with errno if not. ENOSYS, ENOENT, ENODEV and the like
 * say that the kernel lacks the thing as much as that it was denied, which only the same attempt outside
 * the pod can tell: the test compares the two. Each runs in a process of its own, since it may be killed.
 *
 * In the environment: VICTIM, the number of a process of the host; MARK, a file of the host; SOCKET and
 * PORT, where the host listens; DEVICE, MAJOR:MINOR of a disk; HANDLE, of MARK; VOLUME, a directory of the
 * host that is given to the pod.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEW_USER 0x10000000
/* Statuses beside the numbers of errors. */
#define MISSING 200
#define UNKNOWN 201

static const char *want(const char *name)
{
	const char *value = getenv(name);
	if (value == NULL || *value == 0) {
		fprintf(stderr, "attack: %s is not set\n", name);
		exit(MISSING);
	}
	return value;
}

static int number(const char *name) { return atoi(want(name)); }

/* An error that only says that the call was let through to where it looks at its arguments. */
static int but(long result, int error)
{
	return result >= 0 || errno == error ? 0 : -1;
}

static int closed(int fd)
{
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int openable(const char *path, int flags) { return closed(open(path, flags | O_CLOEXEC)); }

/* Opens and gets at least a byte: a masked file opens, and is empty. */
static int readable(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t length = read(fd, &byte, 1);
	if (length == 0)
		errno = ENODATA;
	int error = errno;
	close(fd);
	errno = error;
	return length == 1 ? 0 : -1;
}

/* A directory with something in it. */
static int listable(const char *path)
{
	DIR *dir = opendir(path);
	if (dir == NULL)
		return -1;
	int entries = 0;
	while (readdir(dir) != NULL)
		entries++;
	closedir(dir);
	errno = ENODATA;
	return entries > 2 ? 0 : -1;
}

static int writable(const char *path) { return openable(path, O_WRONLY); }

/* A path below the volume, in one of a few buffers. */
static const char *in_volume(const char *name)
{
	static char paths[4][4096];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof *paths, "%s/%s", want("VOLUME"), name);
	return path;
}

static int marked(const char *prefix)
{
	char path[8192];
	snprintf(path, sizeof path, "%s%s", prefix, want("MARK"));
	return access(path, F_OK);
}

/* ---- processes ---- */
static int see_host_process(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/stat", number("VICTIM"));
	return readable(path);
}
static int signal_host_process(void) { return kill(number("VICTIM"), SIGCONT); }
static int pidfd_of_host_process(void) { return closed(syscall(SYS_pidfd_open, number("VICTIM"), 0)); }
static int trace_host_process(void) { return ptrace(PTRACE_SEIZE, number("VICTIM"), 0, 0); }
static int trace_init(void) { return ptrace(PTRACE_SEIZE, 1, 0, 0); }
static int trace_own_child(void)
{
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	int result = ptrace(PTRACE_SEIZE, child, 0, 0), error = errno;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	errno = error;
	return result;
}
static int vm_read(pid_t pid)
{
	/* Let through, it fails for the address. */
	char byte;
	struct iovec local = {&byte, 1}, remote = {(void *)8, 1};
	return but(process_vm_readv(pid, &local, 1, &remote, 1, 0), EFAULT);
}
static int read_memory_of_host_process(void) { return vm_read(number("VICTIM")); }
static int read_memory_of_init(void) { return vm_read(1); }
static int init_environment(void) { return readable("/proc/1/environ"); }
static int init_root(void) { return listable("/proc/1/root/"); }
static int init_cwd(void) { return listable("/proc/1/cwd/"); }
static int init_program(void) { return openable("/proc/1/exe", O_RDONLY); }
static int init_memory(void) { return openable("/proc/1/mem", O_RDONLY); }
static int init_maps(void) { return readable("/proc/1/maps"); }
static int init_namespace(void) { return openable("/proc/1/ns/mnt", O_RDONLY); }
static int init_descriptor(void) { return openable("/proc/1/fd/1", O_RDONLY | O_NONBLOCK | O_PATH); }
static int compare_with_init(void) { return syscall(SYS_kcmp, getpid(), 1, 2, 0, 0) >= 0 ? 0 : -1; }
static int find_supervisor(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int found = 0;
	while (dir && (entry = readdir(dir)) != NULL) {
		char path[300], name[32] = "";
		snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
		FILE *file = fopen(path, "re");
		if (file == NULL)
			continue;
		if (fgets(name, sizeof name, file) && strcmp(name, "stage1\n") == 0)
			found = 1;
		fclose(file);
	}
	errno = ESRCH;
	return found ? 0 : -1;
}
static int fetch_descriptor_of_init(void)
{
	int pidfd = syscall(SYS_pidfd_open, 1, 0);
	return pidfd < 0 ? -1 : closed(syscall(SYS_pidfd_getfd, pidfd, 1, 0));
}

/* ---- protected and hidden files ---- */
#define WRITE(name, path) static int name(void) { return writable(path); }
#define READ(name, path) static int name(void) { return readable(path); }
#define LIST(name, path) static int name(void) { return listable(path); }
WRITE(write_core_pattern, "/proc/sys/kernel/core_pattern")
WRITE(write_modprobe, "/proc/sys/kernel/modprobe")
WRITE(write_panic_on_oom, "/proc/sys/vm/panic_on_oom")
WRITE(write_overcommit, "/proc/sys/vm/overcommit_memory")
WRITE(write_sysrq_trigger, "/proc/sysrq-trigger")
WRITE(write_sysrq, "/proc/sys/kernel/sysrq")
WRITE(write_irq_affinity, "/proc/irq/default_smp_affinity")
WRITE(write_uevent_helper, "/sys/kernel/uevent_helper")
WRITE(write_hugepages, "/sys/kernel/mm/transparent_hugepage/enabled")
WRITE(write_device_uevent, "/sys/devices/virtual/mem/null/uevent")
WRITE(write_class, "/sys/class/mem/null/uevent")
WRITE(write_bus, "/sys/bus/cpu/uevent")
WRITE(write_power_state, "/sys/power/state")
WRITE(write_pid_of_next, "/proc/sys/kernel/ns_last_pid")
WRITE(write_binfmt, "/proc/sys/fs/binfmt_misc/register")
WRITE(write_file_max, "/proc/sys/fs/file-max")
READ(read_kcore, "/proc/kcore")
READ(read_kallsyms, "/proc/kallsyms")
READ(read_kmsg, "/proc/kmsg")
READ(read_keys, "/proc/keys")
READ(read_timer_list, "/proc/timer_list")
READ(read_config, "/proc/config.gz")
LIST(list_firmware, "/sys/firmware")
LIST(list_module, "/sys/module")
LIST(list_sys_fs, "/sys/fs")
LIST(list_acpi, "/proc/acpi")
static int write_release_agent(void)
{
	/* Wherever the hierarchies of version 1 may be seen. */
	const char *at[] = {"/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/systemd/release_agent",
			    "/sys/fs/cgroup/devices/release_agent", "/sys/fs/cgroup/rdma/release_agent"};
	for (int i = 0; i < 4; i++)
		if (writable(at[i]) == 0)
			return 0;
	return -1;
}
static int write_device_group(void) { return writable("/sys/fs/cgroup/devices/devices.allow"); }
static int remount_over_masks(void)
{
	umount2("/proc/sys", MNT_DETACH);
	return writable("/proc/sys/kernel/core_pattern");
}

/* ---- mounts ---- */
static int mount_tmpfs(void) { return mount("none", "/tmp", "tmpfs", 0, NULL); }
static int mount_proc(void) { return mount("none", "/tmp", "proc", 0, NULL); }
static int mount_sysfs(void) { return mount("none", "/tmp", "sysfs", 0, NULL); }
static int mount_cgroup(void) { return mount("none", "/tmp", "cgroup2", 0, NULL); }
static int mount_bind(void) { return mount("/", "/tmp", NULL, MS_BIND | MS_REC, NULL); }
static int mount_shared(void) { return mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL); }
static int mount_remount(void) { return mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL); }
static int mount_move(void)
{
	int tree = syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */);
	return tree < 0 ? -1 : syscall(SYS_move_mount, tree, "", AT_FDCWD, "/tmp", 4);
}
static int clone_tree(void) { return closed(syscall(SYS_open_tree, AT_FDCWD, "/", 1)); }
static int open_file_system(void) { return closed(syscall(SYS_fsopen, "tmpfs", 0)); }
static int pick_file_system(void) { return closed(syscall(SYS_fspick, AT_FDCWD, "/", 0)); }
static int mount_attributes(void)
{
	uint64_t attributes[4] = {1 /* MOUNT_ATTR_RDONLY */, 0, 0, 0};
	return syscall(SYS_mount_setattr, AT_FDCWD, "/proc", 0, attributes, sizeof attributes);
}
static int unmount_proc(void) { return umount2("/proc", MNT_DETACH); }
static int pivot(void) { return but(syscall(SYS_pivot_root, "/tmp", "/tmp"), EINVAL); }
static int escape_chroot(void)
{
	/* A directory outside of the new root stays open: the classic way out of a chroot. */
	int top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0 || (mkdir("/tmp/jail", 0700) && errno != EEXIST) || chroot("/tmp/jail") || fchdir(top))
		return -1;
	for (int i = 0; i < 64; i++)
		if (chdir(".."))
			return -1;
	return chroot(".") ? -1 : marked("");
}

/* ---- namespaces ---- */
static int join_init(void)
{
	int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : setns(fd, CLONE_NEWNS);
}
static int join_own(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : setns(fd, CLONE_NEWUTS);
}
static int unshare_mounts(void) { return unshare(CLONE_NEWNS); }
static int unshare_user(void) { return unshare(CLONE_NEWUSER); }
static int unshare_network(void) { return unshare(CLONE_NEWNET); }
static int reap(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -1;
	waitpid(pid, NULL, 0);
	return 0;
}
static int clone_user(void) { return reap(syscall(SYS_clone, NEW_USER | SIGCHLD, 0, 0, 0, 0)); }
static int clone3_user(void)
{
	uint64_t args[8] = {NEW_USER, 0, 0, 0, SIGCHLD, 0, 0, 0};
	return reap(syscall(SYS_clone3, args, sizeof args));
}

/* ---- the kernel ---- */
static int load_module(void) { return but(syscall(SYS_init_module, "", 0, ""), ENOEXEC); }
static int load_module_file(void) { return but(syscall(SYS_finit_module, -1, "", 0), EBADF); }
static int unload_module(void) { return but(syscall(SYS_delete_module, "ponies", O_NONBLOCK), ENOENT); }
static int load_kernel(void) { return syscall(SYS_kexec_load, 0, 0, NULL, 0); }
static int load_kernel_file(void) { return but(syscall(SYS_kexec_file_load, -1, -1, 0, "", 0), EBADF); }
static int reboot_machine(void) { return but(syscall(SYS_reboot, 1, 2, 0, NULL), EINVAL); }
static int bpf_map(void)
{
	uint32_t attributes[32] = {2 /* array */, 4, 4, 1};
	return closed(syscall(SYS_bpf, 0, attributes, sizeof attributes));
}
static int read_keyring(void) { return but(syscall(SYS_keyctl, 0, -3, 0), ENOKEY); }
static int add_key(void) { return syscall(SYS_add_key, "user", "ponies", "x", 1, -3) < 0 ? -1 : 0; }
static int request_key(void) { return but(syscall(SYS_request_key, "user", "none", NULL, 0), ENOKEY); }
static int user_faults(void) { return closed(syscall(SYS_userfaultfd, O_CLOEXEC)); }
static int count_performance(void)
{
	uint32_t attributes[32] = {1 /* software */, sizeof attributes};
	return closed(syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0));
}
static int ring(void)
{
	uint32_t parameters[30] = {0};
	return closed(syscall(SYS_io_uring_setup, 4, parameters));
}
static int swap_on(void) { return but(swapon("/none", 0), ENOENT); }
static int account(void) { return acct(NULL); }
static int quota(void) { return but(syscall(SYS_quotactl, 0x80000100 /* Q_SYNC */, NULL, 0, NULL), ENOTSUP); }
static int set_clock(void)
{
	struct timespec time = {0, 2000000000};
	return but(syscall(SYS_clock_settime, 1 /* monotonic */, &time), EINVAL);
}
static int adjust_clock(void)
{
	unsigned char timex[256] = {0};
	return syscall(SYS_adjtimex, timex) < 0 ? -1 : 0;
}
static int read_log(void)
{
	char text[64];
	return klogctl(3, text, sizeof text) < 0 ? -1 : 0;
}
static int ports(void) { return syscall(SYS_iopl, 3); }
static int one_port(void) { return syscall(SYS_ioperm, 0x80, 1, 1); }
static int memory_policy(void) { return syscall(SYS_set_mempolicy, 0, NULL, 0); }
static int hang_up(void) { return vhangup(); }
static int host_name(void) { return sethostname("ponies", 6); }

/* ---- other ways into the kernel ---- */
static int by_i386(long call, long first, long second)
{
#ifdef __x86_64__
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(call), "b"(first), "c"(second), "d"(0L) : "memory",
			 "r8", "r9", "r10", "r11");
	if (result < 0 && result > -4096) {
		errno = -result;
		return -1;
	}
	return 0;
#else
	errno = ENOSYS;
	return -1;
#endif
}
static int i386_unshare(void) { return by_i386(310, CLONE_NEWUTS, 0); }
static int i386_add_key(void) { return but(by_i386(286, 0, 0), EFAULT); }
static int i386_mount(void) { return but(by_i386(21, 0, 0), EFAULT); }
static int i386_ptrace(void) { return but(by_i386(26, 16, 0x7ffffff), ESRCH); }
static int i386_clone_user(void)
{
	int result = by_i386(120, NEW_USER | SIGCHLD, 0);
	return result;
}
static int x32_unshare(void) { return syscall(0x40000000 | SYS_unshare, CLONE_NEWUTS); }
static int x32_getpid(void) { return syscall(0x40000000 | SYS_getpid) < 0 ? -1 : 0; }

/* ---- files of the host ---- */
static int open_handle(void)
{
	struct {
		struct file_handle head;
		unsigned char bytes[128];
	} handle;
	int kind, at = 0, length = 0;
	const char *text = want("HANDLE");
	if (sscanf(text, "%d:%n", &kind, &at) < 1)
		exit(MISSING);
	for (unsigned byte; sscanf(text + at + 2 * length, "%2x", &byte) == 1; length++)
		handle.bytes[length] = byte;
	handle.head.handle_bytes = length;
	handle.head.handle_type = kind;
	memmove(handle.head.f_handle, handle.bytes, length);
	int mount = open(in_volume("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return mount < 0 ? -1 : closed(open_by_handle_at(mount, &handle.head, O_PATH));
}
static dev_t device(void)
{
	unsigned major = 0, minor = 0;
	if (sscanf(want("DEVICE"), "%u:%u", &major, &minor) != 2)
		exit(MISSING);
	return makedev(major, minor);
}
static int node_in(const char *path, mode_t kind, dev_t number)
{
	unlink(path);
	if (mknod(path, kind | 0600, number))
		return -1;
	int result = readable(path), error = errno;
	unlink(path);
	errno = error;
	return result;
}
static int disk_in_root(void) { return node_in("/tmp/disk", S_IFBLK, device()); }
static int disk_in_dev(void) { return node_in("/dev/disk", S_IFBLK, device()); }
static int disk_in_shm(void) { return node_in("/dev/shm/disk", S_IFBLK, device()); }
static int disk_in_volume(void) { return node_in(in_volume("disk"), S_IFBLK, device()); }
static int kernel_log_device(void) { return node_in("/tmp/kmsg", S_IFCHR, makedev(1, 11)); }
static int memory_device(void)
{
	unlink("/tmp/mem");
	return mknod("/tmp/mem", S_IFCHR | 0600, makedev(1, 1)) ? -1 : openable("/tmp/mem", O_RDONLY);
}
static int mark_by_path(void) { return marked(""); }
static int mark_by_volume(void) { return marked(in_volume("../../../../../../..")); }
static int mark_by_cwd(void) { return marked("../../../../../../../.."); }
static int mark_by_init(void) { return marked("/proc/1/root"); }
static int mark_by_init_cwd(void) { return marked("/proc/1/cwd/../../../../.."); }
static int mark_by_parent(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/root", getppid());
	return marked(path);
}
static int mark_by_descriptor(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/self/fd/%d/../../../../../../../..", fd);
		if (marked(path) == 0)
			return 0;
	}
	return -1;
}
static int leaked_descriptor(void)
{
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return 0;
	return -1;
}
static int overwrite_init_program(void) { return openable("/proc/1/exe", O_WRONLY); }
static int immutable_file(void)
{
	int flags = FS_IMMUTABLE_FL, fd = open(in_volume("immutable"), O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	int result = fd < 0 ? -1 : ioctl(fd, FS_IOC_SETFLAGS, &flags), error = errno;
	flags = 0;
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
	unlink(in_volume("immutable"));
	errno = error;
	return result;
}

/* ---- network ---- */
static int abstract_socket(void)
{
	struct sockaddr_un address = {AF_UNIX, ""};
	const char *name = want("SOCKET");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path + 1, name, strlen(name));
	return connect(fd, (void *)&address, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}
static int host_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(number("PORT"))};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(fd, (void *)&address, sizeof address);
}
static int bring_down_network(void)
{
	/* Down and up again. */
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCGIFFLAGS, &request))
		return -1;
	return ioctl(fd, SIOCSIFFLAGS, &request);
}

/* ---- limits ---- */
static int raise_limit(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_max += 1;
	return setrlimit(RLIMIT_NOFILE, &limit);
}
static int be_spared_by_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, "-1000", 5) < 0 ? -1 : 0;
}
static int gain_priority(void)
{
	errno = 0;
	return setpriority(PRIO_PROCESS, 0, -20);
}
static int gain_real_time(void)
{
	struct sched_param parameter = {1};
	return sched_setscheduler(0, SCHED_FIFO, &parameter);
}

/* ---- the caller's terminal ---- */
static int type_into_terminal(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (ioctl(fd, TIOCSTI, "!") == 0)
			return 0;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	return fd < 0 ? -1 : ioctl(fd, TIOCSTI, "!");
}

static const struct {
	const char *name;
	int (*attempt)(void);
} attempts[] = {
#define A(name) {#name, name}
	A(see_host_process), A(signal_host_process), A(pidfd_of_host_process), A(trace_host_process),
	A(trace_init), A(trace_own_child), A(read_memory_of_host_process), A(read_memory_of_init),
	A(init_environment), A(init_root), A(init_cwd), A(init_program), A(init_memory), A(init_maps),
	A(init_namespace), A(init_descriptor), A(compare_with_init), A(find_supervisor),
	A(fetch_descriptor_of_init),
	A(write_core_pattern), A(write_modprobe), A(write_panic_on_oom), A(write_overcommit),
	A(write_sysrq_trigger), A(write_sysrq), A(write_irq_affinity), A(write_uevent_helper),
	A(write_hugepages), A(write_device_uevent), A(write_class), A(write_bus), A(write_power_state),
	A(write_pid_of_next), A(write_binfmt), A(write_file_max), A(read_kcore), A(read_kallsyms),
	A(read_kmsg), A(read_keys), A(read_timer_list), A(read_config), A(list_firmware), A(list_module),
	A(list_sys_fs), A(list_acpi), A(write_release_agent), A(write_device_group), A(remount_over_masks),
	A(mount_tmpfs), A(mount_proc), A(mount_sysfs), A(mount_cgroup), A(mount_bind), A(mount_shared),
	A(mount_remount), A(mount_move), A(clone_tree), A(open_file_system), A(pick_file_system), A(mount_attributes),
	A(unmount_proc), A(pivot), A(escape_chroot),
	A(join_init), A(join_own), A(unshare_mounts), A(unshare_user), A(unshare_network), A(clone_user),
	A(clone3_user),
	A(load_module), A(load_module_file), A(unload_module), A(load_kernel), A(load_kernel_file),
	A(reboot_machine), A(bpf_map), A(read_keyring), A(add_key), A(request_key), A(user_faults),
	A(count_performance), A(ring), A(swap_on), A(account), A(quota), A(set_clock), A(adjust_clock),
	A(read_log), A(ports), A(one_port), A(memory_policy), A(hang_up), A(host_name),
	A(i386_unshare), A(i386_add_key), A(i386_mount), A(i386_ptrace), A(i386_clone_user), A(x32_unshare),
	A(x32_getpid),
	A(open_handle), A(disk_in_root), A(disk_in_dev), A(disk_in_shm), A(disk_in_volume),
	A(kernel_log_device), A(memory_device), A(mark_by_path), A(mark_by_volume), A(mark_by_cwd),
	A(mark_by_init), A(mark_by_init_cwd), A(mark_by_parent), A(mark_by_descriptor), A(leaked_descriptor),
	A(overwrite_init_program), A(immutable_file),
	A(abstract_socket), A(host_port), A(bring_down_network),
	A(raise_limit), A(be_spared_by_oom), A(gain_priority), A(gain_real_time),
	A(type_into_terminal),
};
#define COUNT (sizeof attempts / sizeof *attempts)

static int try(size_t i)
{
	pid_t child = fork();
	if (child == 0) {
		alarm(10);
		/* Outside of a pod, and in one without protection, nothing that is mounted here is to stay. */
		if (getenv("OPEN") && unshare(CLONE_NEWNS) == 0)
			mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL);
		errno = 0;
		int result = attempts[i].attempt();
		if (result == 0)
			_exit(0);
		_exit(errno > 0 && errno < MISSING ? errno : UNKNOWN);
	}
	int status;
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s denied signal %d\n", attempts[i].name, WTERMSIG(status));
	else if (WEXITSTATUS(status) == 0)
		printf("%s reached\n", attempts[i].name);
	else
		printf("%s denied %s\n", attempts[i].name,
		       WEXITSTATUS(status) < MISSING ? strerrorname_np(WEXITSTATUS(status)) : "?");
	fflush(stdout);
	return WIFEXITED(status) && WEXITSTATUS(status) == MISSING;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "handle") == 0) {
		struct {
			struct file_handle head;
			unsigned char bytes[128];
		} handle = {.head.handle_bytes = 128};
		int mount;
		if (name_to_handle_at(AT_FDCWD, argv[2], &handle.head, &mount, 0))
			return 1;
		printf("%d:", handle.head.handle_type);
		for (unsigned i = 0; i < handle.head.handle_bytes; i++)
			printf("%02x", handle.head.f_handle[i]);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "euid") == 0)
		return !printf("%d\n", geteuid());
	int broken = 0;
	for (size_t i = 0; i < COUNT; i++) {
		if (argc == 2 && strcmp(argv[1], "list") == 0)
			puts(attempts[i].name);
		else if (argc == 2 && strcmp(argv[1], "all") == 0)
			broken |= try(i);
		else
			for (int a = 1; a < argc; a++)
				if (strcmp(argv[a], attempts[i].name) == 0)
					broken |= try(i);
	}
	return broken;
}
