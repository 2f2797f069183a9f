//! A hostile image, run as root in a pod, tries to reach the host, and fails.
//!
//! The attempts are system calls, written in C in `hostile/attack.c`; each is a test. It is made four times: in
//! a pod; by a command that enters it; in a pod without protection; and by root outside of any pod. What neither
//! of the latter two can do shows nothing, and is reported as skipped; everything else must be denied in both
//! of the former. A report of the attempt goes to the output of the test.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]
#![expect(
    clippy::print_stderr,
    reason = "the report is what one looks at when a test fails"
)]

mod support;

#[path = "hostile/lab.rs"]
mod lab;

/// A test of each attempt: `sure` ones, which some root on any machine can make, and those that not every
/// kernel or machine knows, which may show nothing.
macro_rules! attempts {
    ($($(#[$only:meta])* $aim:ident { sure: $($sure:ident)*; maybe: $($maybe:ident)*; })*) => {
        $($(#[$only])* mod $aim {
            $(#[test] fn $sure() { crate::lab::check(stringify!($sure), true); })*
            $(#[test] fn $maybe() { crate::lab::check(stringify!($maybe), false); })*
        })*
    };
}

attempts! {
    other_processes_are_neither_seen_nor_signalled_nor_read {
        sure: see_host_process signal_host_process pidfd_of_host_process init_environment init_root init_cwd
            init_program init_memory init_maps init_namespace;
        maybe: trace_host_process trace_init trace_own_child read_memory_of_host_process read_memory_of_init
            init_descriptor compare_with_init find_supervisor fetch_descriptor_of_init overwrite_init_program;
    }
    protected_files_are_not_written {
        sure: write_core_pattern write_panic_on_oom write_overcommit write_file_max;
        maybe: write_modprobe write_sysrq_trigger write_sysrq write_irq_affinity write_uevent_helper
            write_hugepages write_device_uevent write_class write_bus write_power_state write_pid_of_next
            write_binfmt write_release_agent write_device_group remount_over_masks;
    }
    hidden_files_are_not_read {
        sure: read_kallsyms list_module list_sys_fs;
        maybe: read_kcore read_kmsg read_keys read_timer_list read_config list_firmware list_acpi;
    }
    nothing_is_mounted_or_unmounted {
        sure: mount_tmpfs mount_proc mount_sysfs mount_bind mount_shared mount_move clone_tree open_file_system
            mount_attributes;
        maybe: mount_cgroup mount_remount pick_file_system unmount_proc pivot;
    }
    no_namespace_is_made_or_joined {
        sure: join_init join_own unshare_mounts unshare_network;
        maybe: unshare_user clone_user clone3_user;
    }
    the_kernel_takes_no_orders {
        sure: set_clock adjust_clock hang_up host_name;
        maybe: load_module load_module_file unload_module load_kernel load_kernel_file reboot_machine bpf_map
            read_keyring add_key request_key user_faults count_performance ring swap_on account quota read_log
            ports one_port memory_policy;
    }
    #[cfg(target_arch = "x86_64")]
    other_ways_into_the_kernel_are_closed_as_well {
        sure: ;
        maybe: i386_unshare i386_add_key i386_mount i386_ptrace i386_clone_user x32_unshare x32_getpid;
    }
    files_and_devices_of_the_host_are_out_of_reach {
        sure: escape_chroot mark_by_path mark_by_cwd leaked_descriptor;
        maybe: open_handle disk_in_root disk_in_dev disk_in_shm disk_in_volume kernel_log_device memory_device
            mark_by_volume mark_by_init mark_by_init_cwd mark_by_parent mark_by_descriptor immutable_file;
    }
    the_network_of_the_host_is_out_of_reach {
        sure: abstract_socket host_port;
        maybe: bring_down_network;
    }
    limits_and_priorities_are_not_raised {
        sure: gain_priority;
        maybe: raise_limit be_spared_by_oom gain_real_time;
    }
}

#[test]
fn every_attempt_belongs_to_a_test() {
    let here = include_str!("hostile.rs");
    let listed = lab::names();
    assert!(listed.len() > 100);
    for name in listed {
        let word = |text: &str| text == name;
        let mentioned = here
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(word);
        assert!(mentioned, "{name}");
    }
}

#[test]
fn setuid_programs_of_the_image_gain_nothing_without_new_privileges() {
    if !support::can_run_pods() {
        return;
    }
    let none = serde_json::json!([]);
    let promise = serde_json::json!([{"name": "os/linux/no-new-privileges", "value": true}]);
    let open = &["--net=host", "--disable-seccomp"];
    assert_eq!(lab::setuid(open, none.clone()), "0\n");
    assert_eq!(lab::setuid(open, promise), "33\n");
    // A filter means the promise for everybody but root.
    assert_eq!(lab::setuid(&["--net=host"], none), "33\n");
}

#[test]
fn nothing_is_typed_into_the_callers_terminal() {
    // `type_into_terminal`, by a command that enters from a terminal.
    lab::check_terminal();
}
