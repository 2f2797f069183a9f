# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_actool_global_optspecs
    string join \n help debug
end

function __fish_actool_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_actool_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_actool_using_subcommand
    set -l cmd (__fish_actool_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c actool -n "__fish_actool_needs_command" -o help -l help -d 'Print usage information and exit'
complete -c actool -n "__fish_actool_needs_command" -o debug -l debug -d 'Print verbose (debug) output'
complete -c actool -n "__fish_actool_needs_command" -f -a "build" -d 'Build an ACI from an Image Layout (experimental)'
complete -c actool -n "__fish_actool_needs_command" -f -a "cat-manifest" -d 'Print the manifest from an ACI'
complete -c actool -n "__fish_actool_needs_command" -f -a "diff" -d 'Show what differs between two images'
complete -c actool -n "__fish_actool_needs_command" -f -a "discover" -d 'Discover the download URLs for one or more app container images'
complete -c actool -n "__fish_actool_needs_command" -f -a "inspect" -d 'Show what an image is, holds and needs'
complete -c actool -n "__fish_actool_needs_command" -f -a "patch-manifest" -d 'Copy an ACI and patch its manifest (experimental)'
complete -c actool -n "__fish_actool_needs_command" -f -a "validate" -d 'Validate that one or more images or manifests meet the AppContainer specification'
complete -c actool -n "__fish_actool_needs_command" -f -a "version" -d 'Print the version and exit'
complete -c actool -n "__fish_actool_needs_command" -f -a "help" -d 'Show a list of commands or help for one command'
complete -c actool -n "__fish_actool_using_subcommand build" -o overwrite -l overwrite -d 'Overwrite target file if it already exists'
complete -c actool -n "__fish_actool_using_subcommand build" -o owner-root -l owner-root -d 'Force ownership to root:root on all files'
complete -c actool -n "__fish_actool_using_subcommand build" -o no-compression -l no-compression -d 'Do not gzip-compress the produced ACI'
complete -c actool -n "__fish_actool_using_subcommand cat-manifest" -o pretty-print -l pretty-print -d 'Print with better style'
complete -c actool -n "__fish_actool_using_subcommand diff" -o format -l format -d 'Form of the output: text or json' -r -f -a "text\t''
json\t''"
complete -c actool -n "__fish_actool_using_subcommand diff" -o ignore -l ignore -d 'What files may differ in: mode, owner, size, content, target, device, hardlinks, xattrs, mtime' -r
complete -c actool -n "__fish_actool_using_subcommand diff" -o order -l order -d 'Take another order of the entries for a difference'
complete -c actool -n "__fish_actool_using_subcommand diff" -o manifest-only -l manifest-only -d 'Compare the manifests alone'
complete -c actool -n "__fish_actool_using_subcommand diff" -o files-only -l files-only -d 'Compare the files alone'
complete -c actool -n "__fish_actool_using_subcommand diff" -s q -o quiet -l quiet -d 'Print nothing, the exit status says it all'
complete -c actool -n "__fish_actool_using_subcommand discover" -o port -l port -d 'Port to connect to when performing discovery' -r
complete -c actool -n "__fish_actool_using_subcommand discover" -o connect-to -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c actool -n "__fish_actool_using_subcommand discover" -o json -l json -d 'Output result as JSON'
complete -c actool -n "__fish_actool_using_subcommand discover" -o insecure -l insecure -d 'Don\'t check TLS certificates and allow insecure non-TLS downloads over http'
complete -c actool -n "__fish_actool_using_subcommand inspect" -o format -l format -d 'Form of the output: text or json' -r -f -a "text\t''
json\t''"
complete -c actool -n "__fish_actool_using_subcommand inspect" -o depth -l depth -d 'Show sizes of directories down to this level' -r
complete -c actool -n "__fish_actool_using_subcommand inspect" -o top -l top -d 'Show so many of the largest files' -r
complete -c actool -n "__fish_actool_using_subcommand inspect" -o dependency -l dependency -d 'An image file that may be a dependency, again and again' -r -F
complete -c actool -n "__fish_actool_using_subcommand inspect" -o signature -l signature -d 'The signature, in place of IMAGE.asc' -r -F
complete -c actool -n "__fish_actool_using_subcommand inspect" -o key -l key -d 'A public key to check the signature with, again and again' -r -F
complete -c actool -n "__fish_actool_using_subcommand inspect" -o system-config -l system-config -d 'Directory of the system\'s configuration with its trusted keys' -r -F
complete -c actool -n "__fish_actool_using_subcommand inspect" -o local-config -l local-config -d 'Directory of the machine\'s own configuration with its trusted keys' -r -F
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o manifest -l manifest -d 'Replace image manifest with this file. Incompatible with other replace options.' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o name -l name -d 'Replace name' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o exec -l exec -d 'Replace the command line to launch the executable' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o user -l user -d 'Replace user' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o group -l group -d 'Replace group' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o supplementary-groups -l supplementary-groups -d 'Replace supplementary groups, expects a comma-separated list.' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o capability -l capability -d 'Set the capability remain set' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o revoke-capability -l revoke-capability -d 'Set the capability remove set' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o mounts -l mounts -d 'Replace mount points' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o ports -l ports -d 'Replace ports' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o isolators -l isolators -d 'Replace isolators' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o seccomp-mode -l seccomp-mode -d 'Enable and configure seccomp isolator' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o seccomp-set -l seccomp-set -d 'Set of syscalls for seccomp isolator enforcing' -r
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o overwrite -l overwrite -d 'Overwrite target file if it already exists'
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o no-compression -l no-compression -d 'Do not gzip-compress the produced ACI'
complete -c actool -n "__fish_actool_using_subcommand patch-manifest" -o replace -l replace -d 'Replace the input file'
complete -c actool -n "__fish_actool_using_subcommand validate" -o type -l type -d 'Type of file to validate. If unset, actool will try to detect the type. One of "appimage,layout,manifest"' -r
complete -c actool -n "__fish_actool_using_subcommand validate" -o format -l format -d 'Form of the output: text or json' -r -f -a "text\t''
json\t''"
