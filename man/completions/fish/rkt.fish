# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_rkt_global_optspecs
    string join \n debug dir= system-config= local-config= user-config= insecure-options= trust-keys-from-https cpuprofile= memprofile= connect-to= h/help
end

function __fish_rkt_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_rkt_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_rkt_using_subcommand
    set -l cmd (__fish_rkt_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c rkt -n "__fish_rkt_needs_command" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_needs_command" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_needs_command" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_needs_command" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_needs_command" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_needs_command" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_needs_command" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_needs_command" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_needs_command" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_needs_command" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_needs_command" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "attach" -d 'Attach to the streams or the terminal of a running app'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "cat-manifest" -d 'Print the manifest of a pod'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "config" -d 'Print the configuration as the files in all configuration directories make it, with credentials'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "doctor" -d 'Find out what this host can and cannot do for pods, with what follows and what to do'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "export" -d 'Make an image file of an app of a pod that has ended, with the files as the app left them'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "enter" -d 'Run a command in an app of a running pod'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "fetch" -d 'Fetch images, verify their signatures and store them; prints their IDs'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "gc" -d 'Collect pods that have ended, were never finished or never run'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "image" -d 'Look after images in the store'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "list" -d 'List pods'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "logs" -d 'Show what the apps of a pod wrote'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "metadata-service" -d 'Tell apps about their pod and its images, and sign for them'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "net" -d 'Look after the networks that pods join'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "rm" -d 'Remove pods that have ended or never ran'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "run-prepared" -d 'Run a pod that was prepared before'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "status" -d 'Show the state of a pod'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "stop" -d 'Stop running pods'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "trust" -d 'Trust keys to sign images'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "version" -d 'Print the version'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "completion" -d 'Print the completion code for a shell'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "prepare" -d 'Prepare a pod of the given images, to be run by run-prepared; prints its UUID'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "run" -d 'Run a pod of the given images, fetching those that are not in the store'
complete -c rkt -n "__fish_rkt_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l app -d 'Name of the app, where the pod has several' -r
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l mode -d 'What to attach to: auto, list (print what there is), or some of stdin, stdout, stderr, or some of tty, tty-in, tty-out, separated by commas' -r
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand attach" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand attach" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l uuid-file -d 'File that holds the UUID' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l pretty-print -d 'Indent the JSON'
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand cat-manifest" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand config" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand config" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand config" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand config" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand config" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand config" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand config" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand config" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand config" -l pretty-print -d 'Indent the JSON'
complete -c rkt -n "__fish_rkt_using_subcommand config" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand config" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand config" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l format -d 'Data for programs in place of lines' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand export" -l app -d 'App of the pod, where it has several' -r
complete -c rkt -n "__fish_rkt_using_subcommand export" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand export" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand export" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand export" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand export" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand export" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand export" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand export" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand export" -l overwrite -d 'Replace the file if it is there'
complete -c rkt -n "__fish_rkt_using_subcommand export" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand export" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l app -d 'App to enter; not needed where the pod has one' -r
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand enter" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand enter" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l pull-policy -d 'When to look for images elsewhere than in the store' -r
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l platform -d 'Machine that OCI and Docker images are for, such as linux/arm64 [default: this one]' -r
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l max-parallel -d 'Layers of an image of a registry to download at a time' -r
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l full -d 'Print IDs in full'
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l quiet -d 'Show no progress'
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l store-only -d 'The same as --pull-policy=never'
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l no-store -d 'The same as --pull-policy=update'
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand fetch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l grace-period -d 'How long a pod stays after it was found to have ended' -r
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l expire-prepared -d 'How long a prepared pod may wait to be run' -r
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l mark-only -d 'Only mark pods, remove nothing'
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand gc" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand gc" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -f -a "cat-manifest" -d 'Print the manifest of an image'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -f -a "export" -d 'Write an image to an image file'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -f -a "extract" -d 'Write an image to a directory, without what it depends on'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -f -a "gc" -d 'Remove images that were not used for long, and all that nothing refers to'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -f -a "import" -d 'Bring images into the store without a network: from files, a pipe, or the store of rkt 1.x'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -f -a "list" -d 'List images'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -f -a "render" -d 'Write an image to a directory, together with all that it depends on'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -f -a "rm" -d 'Remove images'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -f -a "verify" -d 'Compare images with what was fetched, and rebuild damaged trees'
complete -c rkt -n "__fish_rkt_using_subcommand image; and not __fish_seen_subcommand_from cat-manifest export extract gc import list render rm verify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l pretty-print -d 'Indent the JSON'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from cat-manifest" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l overwrite -d 'Replace the file if it is there'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l as-received -l compressed -d 'The very bytes that were fetched, which the signature covers, in place of an uncompressed archive'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l overwrite -d 'Replace the directory if it is there'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l rootfs-only -d 'Only the root file system, which the directory becomes'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from extract" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l grace-period -d 'How long an image may go unused; 24h, or for ever with --keep-storage alone' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l keep-storage -d 'Remove the least recently used images until the store takes at most so much of the disk: bytes, or 10G, 10GiB' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from gc" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l signature -d 'The signature; for an old store a directory with KEY.asc of its images' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l full -d 'Print IDs in full'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l fields -d 'Columns to show: id, name, size, importtime, lastused, verdict' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l sort -d 'Columns to sort by, the first that differs counts: name, importtime, lastused, size' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l order -d 'asc or desc' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l format -d 'Data for programs in place of the table' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l no-legend -d 'Leave the headings out'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l full -d 'Whole IDs, bytes and exact times'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l overwrite -d 'Replace the directory if it is there'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l rootfs-only -d 'Only the root file system, which the directory becomes'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from render" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l format -d 'Data for programs in place of messages' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l repair -d 'Fetch damaged blobs again from where they came from'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "cat-manifest" -d 'Print the manifest of an image'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write an image to an image file'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "extract" -d 'Write an image to a directory, without what it depends on'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "gc" -d 'Remove images that were not used for long, and all that nothing refers to'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "import" -d 'Bring images into the store without a network: from files, a pipe, or the store of rkt 1.x'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "list" -d 'List images'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "render" -d 'Write an image to a directory, together with all that it depends on'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove images'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Compare images with what was fetched, and rebuild damaged trees'
complete -c rkt -n "__fish_rkt_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rkt -n "__fish_rkt_using_subcommand list" -l format -d 'Data for programs in place of the table' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c rkt -n "__fish_rkt_using_subcommand list" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand list" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand list" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand list" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand list" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand list" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand list" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand list" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand list" -l no-legend -d 'Leave the headings out'
complete -c rkt -n "__fish_rkt_using_subcommand list" -l full -d 'Whole UUIDs, image IDs and exact times'
complete -c rkt -n "__fish_rkt_using_subcommand list" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand list" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l app -d 'Only what this app wrote' -r
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l since -d 'Only what is younger: a time (2006-01-02T15:04:05Z) or how long ago (10m)' -r
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l lines -d 'Only the last lines' -r
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l format -d 'Data for programs in place of lines: one object per line' -r -f -a "json\t''"
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l uuid-file -d 'File that holds the UUID' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l follow -d 'Go on with what is written from now on, until the pod ends'
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand logs" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand logs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l listen-port -d 'Port for apps, on all addresses of the host, unless a service manager hands over a TCP socket' -r
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand metadata-service" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -f -a "gc" -d 'Remove what pods that are gone left: network namespaces, leases of addresses, rules of the packet filter'
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -f -a "inspect" -d 'Show networks and pods\' attachments in detail; for a running pod the plugins are asked to check them'
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -f -a "ls" -d 'List the networks that are defined, and how many pods use them'
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -f -a "list" -d 'List the networks that are defined, and how many pods use them'
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -f -a "reload" -d 'Read all definitions, tell what is wrong with them and which pods run with older ones'
complete -c rkt -n "__fish_rkt_using_subcommand net; and not __fish_seen_subcommand_from gc inspect ls list reload help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l format -d 'Data for programs in place of lines' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l dry-run -d 'Only tell what is left and whose it is, remove nothing'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from gc" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l format -d 'Data for programs in place of lines' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l format -d 'Data for programs in place of the table' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l no-legend -d 'Leave the headings out'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l format -d 'Data for programs in place of the table' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l no-legend -d 'Leave the headings out'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l format -d 'Data for programs in place of lines' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from help" -f -a "gc" -d 'Remove what pods that are gone left: network namespaces, leases of addresses, rules of the packet filter'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from help" -f -a "inspect" -d 'Show networks and pods\' attachments in detail; for a running pod the plugins are asked to check them'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List the networks that are defined, and how many pods use them'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from help" -f -a "reload" -d 'Read all definitions, tell what is wrong with them and which pods run with older ones'
complete -c rkt -n "__fish_rkt_using_subcommand net; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l uuid-file -d 'File that holds the UUID' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand rm" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand rm" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l hostname -d 'Host name in the pod; rkt-UUID if none is given' -r
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l dns -d 'Name servers for /etc/resolv.conf; host for the host\'s file, none for the image\'s whatever networks say' -r
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l dns-search -d 'Domain that short names are looked up in' -r
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l dns-opt -d 'Option for /etc/resolv.conf' -r
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l dns-domain -d 'Domain of the pod' -r
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l hosts-entry -d 'Further lines for /etc/hosts, names of one address over several entries; host for the host\'s file' -r
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l ipc -d 'System V and POSIX message queues, semaphores and shared memory: the pod\'s own, or the caller\'s' -r
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l net -d 'Networks that the pod joins: host, none, all, or names with arguments NAME:KEY=VALUE;KEY=VALUE'
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l interactive -d 'Give the one app the terminal and standard input of the caller'
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l mds-register -d 'Make the pod known to the metadata service'
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand run-prepared" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand status" -l format -d 'Data for programs in place of lines' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c rkt -n "__fish_rkt_using_subcommand status" -l uuid-file -d 'File that holds the UUID' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand status" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand status" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand status" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand status" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand status" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand status" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand status" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand status" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand status" -l wait -d 'Wait until the pod has ended: true, false, or for how long'
complete -c rkt -n "__fish_rkt_using_subcommand status" -l wait-ready -d 'Wait until the pod takes orders: true, false, or for how long'
complete -c rkt -n "__fish_rkt_using_subcommand status" -l isolators -d 'Also what was done about each isolator: enforced, narrowed or ignored'
complete -c rkt -n "__fish_rkt_using_subcommand status" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand status" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l uuid-file -d 'File that holds the UUID' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l force -d 'Kill the apps at once'
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand stop" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand stop" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l prefix -d 'Names that the keys may sign: this one and those beneath it' -r
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l root -d 'The keys may sign every image'
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l skip-fingerprint-review -d 'Do not ask'
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l insecure-allow-http -d 'Take keys over plain http, too'
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand trust" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand trust" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand version" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand version" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand version" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand version" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand version" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand version" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand version" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand version" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand version" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand version" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand version" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand completion" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand completion" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand completion" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand completion" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand completion" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand completion" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand completion" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand completion" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand completion" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand completion" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l volume -d 'Volume: NAME,kind=host,source=PATH[,readOnly=BOOL][,recursive=BOOL] or NAME,kind=empty[,mode=MODE][,uid=N][,gid=N]' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l mount -d 'Mount point: volume=NAME,target=PATH; before the first image for all apps' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l port -d 'Port of the host that leads to the app\'s port NAME' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l set-env -d 'Variable of all apps' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l set-env-file -d 'File of variables of all apps, one NAME=VALUE a line' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l isolators -d 'What an isolator that cannot be enforced means: a warning, or that the pod does not run' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l pod-manifest -d 'Manifest of the whole pod, whose images are in the store, in place of images and what belongs to them' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l pull-policy -d 'When to look for images elsewhere than in the store' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l platform -d 'Machine that OCI and Docker images are for, such as linux/arm64 [default: this one]' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l max-parallel -d 'Layers of an image of a registry to download at a time' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l stage1-url -d 'Image that runs the pod: a URL' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l stage1-path -d 'Image that runs the pod: a file' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l stage1-name -d 'Image that runs the pod: a name; coreos.com/rkt/stage1-coreos and the like stand for the usual way' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l stage1-hash -d 'Image that runs the pod: an image ID' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l stage1-from-dir -d 'Image that runs the pod: a file in the directory of stage1 images' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l name -d 'Name of the app; the last part of the image\'s name if none is given' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l exec -d 'Program in place of the image\'s, whose arguments are dropped too' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l user -d 'User in place of the image\'s: name, number or path' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l group -d 'Group in place of the image\'s: name, number or path' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l supplementary-gids -d 'Further groups in place of the image\'s' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l working-dir -d 'Working directory in place of the image\'s' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l environment -d 'Variable of this app' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l readonly-rootfs -d 'Mount the app\'s root read-only' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l memory -d 'Most memory the app may use' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l cpu -d 'Most CPU the app may use, in cores' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l cpu-shares -d 'Share of the CPU: 2 to 262144' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l pids-limit -d 'Most processes and threads the app may have; the whole pod has 4096 if none says more' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l oom-score-adj -d 'Who is killed first when memory is short: -1000 to 1000' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l caps-retain -d 'Capabilities to keep, all others are dropped' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l caps-remove -d 'Capabilities to drop from the default ones' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l seccomp -d 'System calls the app may make, or not: mode=retain|remove[,errno=NAME],CALL,… where a set such as @rkt/default-whitelist stands for its calls' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l annotation -d 'Annotation of the app' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l user-annotation -d 'Free annotation of the app' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l user-label -d 'Free label of the app' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l signature -d 'Signature of the image; FILE.asc beside a local image if none is given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l stdin -d 'Standard input: empty, from whoever attaches, or a terminal' -r -f -a "null\t''
stream\t''
tty\t''"
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l stdout -d 'Standard output: kept and shown, dropped, for whoever attaches, or a terminal' -r -f -a "log\t''
null\t''
stream\t''
tty\t''"
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l stderr -d 'Standard error, likewise' -r -f -a "log\t''
null\t''
stream\t''
tty\t''"
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l inherit-env -d 'Give the apps the caller\'s environment, below their own'
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l no-overlay -d 'Copy the images instead of laying an overlay over them'
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l private-users -d 'Give the pod users of its own: its root is nobody on the host'
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l store-only -d 'The same as --pull-policy=never'
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l no-store -d 'The same as --pull-policy=update'
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l quiet -d 'Print nothing but the UUID'
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand prepare" -s h -l help -d 'Print help'
complete -c rkt -n "__fish_rkt_using_subcommand run" -l volume -d 'Volume: NAME,kind=host,source=PATH[,readOnly=BOOL][,recursive=BOOL] or NAME,kind=empty[,mode=MODE][,uid=N][,gid=N]' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l mount -d 'Mount point: volume=NAME,target=PATH; before the first image for all apps' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l port -d 'Port of the host that leads to the app\'s port NAME' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l set-env -d 'Variable of all apps' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l set-env-file -d 'File of variables of all apps, one NAME=VALUE a line' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run" -l isolators -d 'What an isolator that cannot be enforced means: a warning, or that the pod does not run' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l pod-manifest -d 'Manifest of the whole pod, whose images are in the store, in place of images and what belongs to them' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run" -l pull-policy -d 'When to look for images elsewhere than in the store' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l platform -d 'Machine that OCI and Docker images are for, such as linux/arm64 [default: this one]' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l max-parallel -d 'Layers of an image of a registry to download at a time' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l stage1-url -d 'Image that runs the pod: a URL' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l stage1-path -d 'Image that runs the pod: a file' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l stage1-name -d 'Image that runs the pod: a name; coreos.com/rkt/stage1-coreos and the like stand for the usual way' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l stage1-hash -d 'Image that runs the pod: an image ID' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l stage1-from-dir -d 'Image that runs the pod: a file in the directory of stage1 images' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l hostname -d 'Host name in the pod; rkt-UUID if none is given' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l dns -d 'Name servers for /etc/resolv.conf; host for the host\'s file, none for the image\'s whatever networks say' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l dns-search -d 'Domain that short names are looked up in' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l dns-opt -d 'Option for /etc/resolv.conf' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l dns-domain -d 'Domain of the pod' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l hosts-entry -d 'Further lines for /etc/hosts, names of one address over several entries; host for the host\'s file' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l ipc -d 'System V and POSIX message queues, semaphores and shared memory: the pod\'s own, or the caller\'s' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l uuid-file-save -d 'Write the pod\'s UUID to this file' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run" -l name -d 'Name of the app; the last part of the image\'s name if none is given' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l exec -d 'Program in place of the image\'s, whose arguments are dropped too' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l user -d 'User in place of the image\'s: name, number or path' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l group -d 'Group in place of the image\'s: name, number or path' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l supplementary-gids -d 'Further groups in place of the image\'s' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l working-dir -d 'Working directory in place of the image\'s' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l environment -d 'Variable of this app' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l readonly-rootfs -d 'Mount the app\'s root read-only' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l memory -d 'Most memory the app may use' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l cpu -d 'Most CPU the app may use, in cores' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l cpu-shares -d 'Share of the CPU: 2 to 262144' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l pids-limit -d 'Most processes and threads the app may have; the whole pod has 4096 if none says more' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l oom-score-adj -d 'Who is killed first when memory is short: -1000 to 1000' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l caps-retain -d 'Capabilities to keep, all others are dropped' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l caps-remove -d 'Capabilities to drop from the default ones' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l seccomp -d 'System calls the app may make, or not: mode=retain|remove[,errno=NAME],CALL,… where a set such as @rkt/default-whitelist stands for its calls' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l annotation -d 'Annotation of the app' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l user-annotation -d 'Free annotation of the app' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l user-label -d 'Free label of the app' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l signature -d 'Signature of the image; FILE.asc beside a local image if none is given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run" -l stdin -d 'Standard input: empty, from whoever attaches, or a terminal' -r -f -a "null\t''
stream\t''
tty\t''"
complete -c rkt -n "__fish_rkt_using_subcommand run" -l stdout -d 'Standard output: kept and shown, dropped, for whoever attaches, or a terminal' -r -f -a "log\t''
null\t''
stream\t''
tty\t''"
complete -c rkt -n "__fish_rkt_using_subcommand run" -l stderr -d 'Standard error, likewise' -r -f -a "log\t''
null\t''
stream\t''
tty\t''"
complete -c rkt -n "__fish_rkt_using_subcommand run" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run" -l insecure-options -d 'Checks to waive, separated by commas: none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l cpuprofile -d 'Taken and of no effect: profiles of the original\'s own' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run" -l memprofile -d 'The same' -r -F
complete -c rkt -n "__fish_rkt_using_subcommand run" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c rkt -n "__fish_rkt_using_subcommand run" -l inherit-env -d 'Give the apps the caller\'s environment, below their own'
complete -c rkt -n "__fish_rkt_using_subcommand run" -l no-overlay -d 'Copy the images instead of laying an overlay over them'
complete -c rkt -n "__fish_rkt_using_subcommand run" -l private-users -d 'Give the pod users of its own: its root is nobody on the host'
complete -c rkt -n "__fish_rkt_using_subcommand run" -l store-only -d 'The same as --pull-policy=never'
complete -c rkt -n "__fish_rkt_using_subcommand run" -l no-store -d 'The same as --pull-policy=update'
complete -c rkt -n "__fish_rkt_using_subcommand run" -l net -d 'Networks that the pod joins: host, none, all, or names with arguments NAME:KEY=VALUE;KEY=VALUE'
complete -c rkt -n "__fish_rkt_using_subcommand run" -l interactive -d 'Give the one app the terminal and standard input of the caller'
complete -c rkt -n "__fish_rkt_using_subcommand run" -l mds-register -d 'Make the pod known to the metadata service'
complete -c rkt -n "__fish_rkt_using_subcommand run" -l debug -d 'Show every level of an error, and what is done'
complete -c rkt -n "__fish_rkt_using_subcommand run" -l trust-keys-from-https -d 'Trust keys that discovery finds over https without asking'
complete -c rkt -n "__fish_rkt_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "attach" -d 'Attach to the streams or the terminal of a running app'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "cat-manifest" -d 'Print the manifest of a pod'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "config" -d 'Print the configuration as the files in all configuration directories make it, with credentials'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "doctor" -d 'Find out what this host can and cannot do for pods, with what follows and what to do'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "export" -d 'Make an image file of an app of a pod that has ended, with the files as the app left them'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "enter" -d 'Run a command in an app of a running pod'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "fetch" -d 'Fetch images, verify their signatures and store them; prints their IDs'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "gc" -d 'Collect pods that have ended, were never finished or never run'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "image" -d 'Look after images in the store'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "list" -d 'List pods'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "logs" -d 'Show what the apps of a pod wrote'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "metadata-service" -d 'Tell apps about their pod and its images, and sign for them'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "net" -d 'Look after the networks that pods join'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "rm" -d 'Remove pods that have ended or never ran'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "run-prepared" -d 'Run a pod that was prepared before'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "status" -d 'Show the state of a pod'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "stop" -d 'Stop running pods'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "trust" -d 'Trust keys to sign images'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "version" -d 'Print the version'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "completion" -d 'Print the completion code for a shell'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "prepare" -d 'Prepare a pod of the given images, to be run by run-prepared; prints its UUID'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "run" -d 'Run a pod of the given images, fetching those that are not in the store'
complete -c rkt -n "__fish_rkt_using_subcommand help; and not __fish_seen_subcommand_from attach cat-manifest config doctor export enter fetch gc image list logs metadata-service net rm run-prepared status stop trust version completion prepare run help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "cat-manifest" -d 'Print the manifest of an image'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "export" -d 'Write an image to an image file'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "extract" -d 'Write an image to a directory, without what it depends on'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "gc" -d 'Remove images that were not used for long, and all that nothing refers to'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "import" -d 'Bring images into the store without a network: from files, a pipe, or the store of rkt 1.x'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "list" -d 'List images'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "render" -d 'Write an image to a directory, together with all that it depends on'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "rm" -d 'Remove images'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "verify" -d 'Compare images with what was fetched, and rebuild damaged trees'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from net" -f -a "gc" -d 'Remove what pods that are gone left: network namespaces, leases of addresses, rules of the packet filter'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from net" -f -a "inspect" -d 'Show networks and pods\' attachments in detail; for a running pod the plugins are asked to check them'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from net" -f -a "ls" -d 'List the networks that are defined, and how many pods use them'
complete -c rkt -n "__fish_rkt_using_subcommand help; and __fish_seen_subcommand_from net" -f -a "reload" -d 'Read all definitions, tell what is wrong with them and which pods run with older ones'
