# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_acbuild_global_optspecs
    string join \n debug work-path= modify-appc= modify-oci= no-history h/help
end

function __fish_acbuild_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_acbuild_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_acbuild_using_subcommand
    set -l cmd (__fish_acbuild_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c acbuild -n "__fish_acbuild_needs_command" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_needs_command" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_needs_command" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_needs_command" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_needs_command" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "annotation" -d 'Manage annotations'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "begin" -d 'Start a new build'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "cat-manifest" -d 'Print the manifest'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "copy" -d 'Copy a file or directory into the image'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "copy-to-dir" -d 'Copy files and directories into a directory of the image'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "dependency" -d 'Manage dependencies'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "end" -d 'End the build in progress'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "environment" -d 'Manage environment variables'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "isolator" -d 'Manage isolators'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "label" -d 'Manage labels'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "layer" -d 'Add a layer to an OCI image'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "mount" -d 'Manage mount points'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "volume" -d 'Manage mount points'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "port" -d 'Manage ports'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "replace-manifest" -d 'Replace the manifest'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "run" -d 'Run a command in the image, and keep what it writes'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "script" -d 'Run the commands in a file'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "set-event-handler" -d 'Set a command that is run before or after the app'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "set-eh" -d 'Set a command that is run before or after the app'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "set-exec" -d 'Set the command that is the app'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "set-group" -d 'Set the group the app runs as'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "set-name" -d 'Set the name of the image'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "set-supp-groups" -d 'Set the supplementary groups the app runs with'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "set-tag" -d 'Set the version of the image'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "set-user" -d 'Set the user the app runs as'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "set-working-directory" -d 'Set the directory the app runs in'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "set-wd" -d 'Set the directory the app runs in'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "version" -d 'Print the versions of this tool and of the App Container specification'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "write" -d 'Write the image to a file'
complete -c acbuild -n "__fish_acbuild_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and not __fish_seen_subcommand_from add remove rm help" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and not __fish_seen_subcommand_from add remove rm help" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and not __fish_seen_subcommand_from add remove rm help" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and not __fish_seen_subcommand_from add remove rm help" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and not __fish_seen_subcommand_from add remove rm help" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and not __fish_seen_subcommand_from add remove rm help" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and not __fish_seen_subcommand_from add remove rm help" -f -a "add" -d 'Set an annotation'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and not __fish_seen_subcommand_from add remove rm help" -f -a "remove" -d 'Remove an annotation'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and not __fish_seen_subcommand_from add remove rm help" -f -a "rm" -d 'Remove an annotation'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and not __fish_seen_subcommand_from add remove rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from add" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from add" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from add" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from add" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from add" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from remove" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from remove" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from remove" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from remove" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from remove" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from rm" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from rm" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from rm" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from rm" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from rm" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from help" -f -a "add" -d 'Set an annotation'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove an annotation'
complete -c acbuild -n "__fish_acbuild_using_subcommand annotation; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l build-mode -d 'What is built: `appc` or `oci`' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l dir -d 'Data directory of rkt, whose images are used and added to' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l insecure -d 'Fetch images without their signatures, and without https and its certificates'
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand begin" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand cat-manifest" -l file -d 'What to print: `manifest`, or `config` of an OCI image' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand cat-manifest" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand cat-manifest" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand cat-manifest" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand cat-manifest" -l pretty-print -d 'Print it over several lines, indented'
complete -c acbuild -n "__fish_acbuild_using_subcommand cat-manifest" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand cat-manifest" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand cat-manifest" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand copy" -l chown -d 'User and group of the copies, names of the image or numbers; without a group its number is the user\'s' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand copy" -l exclude -d 'Leave out files of a directory, in addition to those that its file `.acbuildignore` names; may be repeated' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand copy" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand copy" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand copy" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand copy" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand copy" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand copy" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand copy-to-dir" -l chown -d 'User and group of the copies, names of the image or numbers; without a group its number is the user\'s' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand copy-to-dir" -l exclude -d 'Leave out files of a directory, in addition to those that its file `.acbuildignore` names; may be repeated' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand copy-to-dir" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand copy-to-dir" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand copy-to-dir" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand copy-to-dir" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand copy-to-dir" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand copy-to-dir" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and not __fish_seen_subcommand_from add remove rm help" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and not __fish_seen_subcommand_from add remove rm help" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and not __fish_seen_subcommand_from add remove rm help" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and not __fish_seen_subcommand_from add remove rm help" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and not __fish_seen_subcommand_from add remove rm help" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and not __fish_seen_subcommand_from add remove rm help" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and not __fish_seen_subcommand_from add remove rm help" -f -a "add" -d 'Add a dependency'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and not __fish_seen_subcommand_from add remove rm help" -f -a "remove" -d 'Remove a dependency'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and not __fish_seen_subcommand_from add remove rm help" -f -a "rm" -d 'Remove a dependency'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and not __fish_seen_subcommand_from add remove rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from add" -l image-id -d 'ID the image must have, such as `sha512-...`' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from add" -l label -d 'Label the image must have; may be repeated' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from add" -l size -d 'Size of the image file, in bytes' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from add" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from add" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from add" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from add" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from add" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from remove" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from remove" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from remove" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from remove" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from remove" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from rm" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from rm" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from rm" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from rm" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from rm" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a dependency'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a dependency'
complete -c acbuild -n "__fish_acbuild_using_subcommand dependency; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand end" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand end" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand end" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand end" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand end" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand end" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and not __fish_seen_subcommand_from add remove rm help" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and not __fish_seen_subcommand_from add remove rm help" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and not __fish_seen_subcommand_from add remove rm help" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and not __fish_seen_subcommand_from add remove rm help" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and not __fish_seen_subcommand_from add remove rm help" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and not __fish_seen_subcommand_from add remove rm help" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and not __fish_seen_subcommand_from add remove rm help" -f -a "add" -d 'Set an environment variable'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and not __fish_seen_subcommand_from add remove rm help" -f -a "remove" -d 'Remove an environment variable'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and not __fish_seen_subcommand_from add remove rm help" -f -a "rm" -d 'Remove an environment variable'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and not __fish_seen_subcommand_from add remove rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from add" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from add" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from add" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from add" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from add" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from remove" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from remove" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from remove" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from remove" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from remove" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from rm" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from rm" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from rm" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from rm" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from rm" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from help" -f -a "add" -d 'Set an environment variable'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove an environment variable'
complete -c acbuild -n "__fish_acbuild_using_subcommand environment; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and not __fish_seen_subcommand_from add remove rm help" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and not __fish_seen_subcommand_from add remove rm help" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and not __fish_seen_subcommand_from add remove rm help" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and not __fish_seen_subcommand_from add remove rm help" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and not __fish_seen_subcommand_from add remove rm help" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and not __fish_seen_subcommand_from add remove rm help" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and not __fish_seen_subcommand_from add remove rm help" -f -a "add" -d 'Set an isolator'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and not __fish_seen_subcommand_from add remove rm help" -f -a "remove" -d 'Remove an isolator'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and not __fish_seen_subcommand_from add remove rm help" -f -a "rm" -d 'Remove an isolator'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and not __fish_seen_subcommand_from add remove rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from add" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from add" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from add" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from add" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from add" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from remove" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from remove" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from remove" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from remove" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from remove" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from rm" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from rm" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from rm" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from rm" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from rm" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from help" -f -a "add" -d 'Set an isolator'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove an isolator'
complete -c acbuild -n "__fish_acbuild_using_subcommand isolator; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and not __fish_seen_subcommand_from add remove rm help" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and not __fish_seen_subcommand_from add remove rm help" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and not __fish_seen_subcommand_from add remove rm help" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and not __fish_seen_subcommand_from add remove rm help" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and not __fish_seen_subcommand_from add remove rm help" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and not __fish_seen_subcommand_from add remove rm help" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and not __fish_seen_subcommand_from add remove rm help" -f -a "add" -d 'Set a label'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and not __fish_seen_subcommand_from add remove rm help" -f -a "remove" -d 'Remove a label'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and not __fish_seen_subcommand_from add remove rm help" -f -a "rm" -d 'Remove a label'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and not __fish_seen_subcommand_from add remove rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from add" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from add" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from add" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from add" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from add" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from remove" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from remove" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from remove" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from remove" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from remove" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from rm" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from rm" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from rm" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from rm" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from rm" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from help" -f -a "add" -d 'Set a label'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a label'
complete -c acbuild -n "__fish_acbuild_using_subcommand label; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand layer" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand layer" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand layer" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand layer" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand layer" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand layer" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and not __fish_seen_subcommand_from add remove rm help" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and not __fish_seen_subcommand_from add remove rm help" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and not __fish_seen_subcommand_from add remove rm help" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and not __fish_seen_subcommand_from add remove rm help" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and not __fish_seen_subcommand_from add remove rm help" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and not __fish_seen_subcommand_from add remove rm help" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and not __fish_seen_subcommand_from add remove rm help" -f -a "add" -d 'Add a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and not __fish_seen_subcommand_from add remove rm help" -f -a "remove" -d 'Remove a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and not __fish_seen_subcommand_from add remove rm help" -f -a "rm" -d 'Remove a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and not __fish_seen_subcommand_from add remove rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from add" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from add" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from add" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from add" -l read-only -d 'The app only reads what is mounted there'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from add" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from add" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from remove" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from remove" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from remove" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from remove" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from remove" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from rm" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from rm" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from rm" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from rm" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from rm" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand mount; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and not __fish_seen_subcommand_from add remove rm help" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and not __fish_seen_subcommand_from add remove rm help" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and not __fish_seen_subcommand_from add remove rm help" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and not __fish_seen_subcommand_from add remove rm help" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and not __fish_seen_subcommand_from add remove rm help" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and not __fish_seen_subcommand_from add remove rm help" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and not __fish_seen_subcommand_from add remove rm help" -f -a "add" -d 'Add a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and not __fish_seen_subcommand_from add remove rm help" -f -a "remove" -d 'Remove a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and not __fish_seen_subcommand_from add remove rm help" -f -a "rm" -d 'Remove a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and not __fish_seen_subcommand_from add remove rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from add" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from add" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from add" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from add" -l read-only -d 'The app only reads what is mounted there'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from add" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from add" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from remove" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from remove" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from remove" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from remove" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from remove" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from rm" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from rm" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from rm" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from rm" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from rm" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and not __fish_seen_subcommand_from add remove rm help" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and not __fish_seen_subcommand_from add remove rm help" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and not __fish_seen_subcommand_from add remove rm help" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and not __fish_seen_subcommand_from add remove rm help" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and not __fish_seen_subcommand_from add remove rm help" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and not __fish_seen_subcommand_from add remove rm help" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and not __fish_seen_subcommand_from add remove rm help" -f -a "add" -d 'Add a port'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and not __fish_seen_subcommand_from add remove rm help" -f -a "remove" -d 'Remove a port'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and not __fish_seen_subcommand_from add remove rm help" -f -a "rm" -d 'Remove a port'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and not __fish_seen_subcommand_from add remove rm help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from add" -l count -d 'How many ports there are, from PORT on' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from add" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from add" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from add" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from add" -l socket-activated -d 'The app gets the listening socket when it is started'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from add" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from add" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from remove" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from remove" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from remove" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from remove" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from remove" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from rm" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from rm" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from rm" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from rm" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from rm" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a port'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a port'
complete -c acbuild -n "__fish_acbuild_using_subcommand port; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand replace-manifest" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand replace-manifest" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand replace-manifest" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand replace-manifest" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand replace-manifest" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand replace-manifest" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l engine -d 'What keeps the command from the host: `ns`, namespaces as those of a pod; `chroot`, another root alone. `systemd-nspawn` means `ns`' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l net -d 'Network of the command: `host`, `none`, or for root networks as those of a pod' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l working-dir -d 'Directory in the image to run the command in' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l dir -d 'Data directory of rkt, whose images are used and added to' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l user-config -d 'Directory of the user\'s configuration, used only when given' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l connect-to -d 'Where a name leads, as curl\'s option: HOST1:PORT1:HOST2:PORT2; also in GANTRY_CONNECT_TO' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l insecure -d 'Fetch images without their signatures, and without https and its certificates'
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c acbuild -n "__fish_acbuild_using_subcommand script" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand script" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand script" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand script" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand script" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand script" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and not __fish_seen_subcommand_from pre-start post-stop help" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and not __fish_seen_subcommand_from pre-start post-stop help" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and not __fish_seen_subcommand_from pre-start post-stop help" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and not __fish_seen_subcommand_from pre-start post-stop help" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and not __fish_seen_subcommand_from pre-start post-stop help" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and not __fish_seen_subcommand_from pre-start post-stop help" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and not __fish_seen_subcommand_from pre-start post-stop help" -f -a "pre-start" -d 'Set the command that is run before the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and not __fish_seen_subcommand_from pre-start post-stop help" -f -a "post-stop" -d 'Set the command that is run after the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and not __fish_seen_subcommand_from pre-start post-stop help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from pre-start" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from pre-start" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from pre-start" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from pre-start" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from pre-start" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from pre-start" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from post-stop" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from post-stop" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from post-stop" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from post-stop" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from post-stop" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from post-stop" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from help" -f -a "pre-start" -d 'Set the command that is run before the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from help" -f -a "post-stop" -d 'Set the command that is run after the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-event-handler; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and not __fish_seen_subcommand_from pre-start post-stop help" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and not __fish_seen_subcommand_from pre-start post-stop help" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and not __fish_seen_subcommand_from pre-start post-stop help" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and not __fish_seen_subcommand_from pre-start post-stop help" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and not __fish_seen_subcommand_from pre-start post-stop help" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and not __fish_seen_subcommand_from pre-start post-stop help" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and not __fish_seen_subcommand_from pre-start post-stop help" -f -a "pre-start" -d 'Set the command that is run before the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and not __fish_seen_subcommand_from pre-start post-stop help" -f -a "post-stop" -d 'Set the command that is run after the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and not __fish_seen_subcommand_from pre-start post-stop help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from pre-start" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from pre-start" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from pre-start" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from pre-start" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from pre-start" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from pre-start" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from post-stop" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from post-stop" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from post-stop" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from post-stop" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from post-stop" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from post-stop" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from help" -f -a "pre-start" -d 'Set the command that is run before the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from help" -f -a "post-stop" -d 'Set the command that is run after the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-eh; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-exec" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-exec" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-exec" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-exec" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-exec" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-exec" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-group" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-group" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-group" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-group" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-group" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-group" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-name" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-name" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-name" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-name" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-name" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-name" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-supp-groups" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-supp-groups" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-supp-groups" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-supp-groups" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-supp-groups" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-supp-groups" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-tag" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-tag" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-tag" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-tag" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-tag" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-tag" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-user" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-user" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-user" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-user" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-user" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-user" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-working-directory" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-working-directory" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-working-directory" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-working-directory" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-working-directory" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-working-directory" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-wd" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-wd" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-wd" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand set-wd" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-wd" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand set-wd" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand version" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand version" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand version" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand version" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand version" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand version" -s h -l help -d 'Print help'
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -l compression -d 'Compression of FILE: gzip, zstd, xz or none' -r
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -l work-path -d 'Directory that holds the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -l modify-appc -d 'Change this ACI instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -l modify-oci -d 'Change this OCI image instead of the build in progress' -r -F
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -l overwrite -d 'Replace FILE if it exists'
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -l rewrite-timestamps -d 'Give every file the time of SOURCE_DATE_EPOCH, or 1970'
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -l squash -d 'Write one layer, in place of those that an OCI image has'
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -l sign -d 'Sign the image with gpg: FILE.asc. What stands after -- goes to gpg'
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -l debug -d 'Say on standard error what is done'
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -l no-history -d 'Do not record the command in the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand write" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "annotation" -d 'Manage annotations'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "begin" -d 'Start a new build'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "cat-manifest" -d 'Print the manifest'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "copy" -d 'Copy a file or directory into the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "copy-to-dir" -d 'Copy files and directories into a directory of the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "dependency" -d 'Manage dependencies'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "end" -d 'End the build in progress'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "environment" -d 'Manage environment variables'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "isolator" -d 'Manage isolators'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "label" -d 'Manage labels'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "layer" -d 'Add a layer to an OCI image'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "mount" -d 'Manage mount points'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "port" -d 'Manage ports'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "replace-manifest" -d 'Replace the manifest'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "run" -d 'Run a command in the image, and keep what it writes'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "script" -d 'Run the commands in a file'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "set-event-handler" -d 'Set a command that is run before or after the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "set-exec" -d 'Set the command that is the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "set-group" -d 'Set the group the app runs as'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "set-name" -d 'Set the name of the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "set-supp-groups" -d 'Set the supplementary groups the app runs with'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "set-tag" -d 'Set the version of the image'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "set-user" -d 'Set the user the app runs as'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "set-working-directory" -d 'Set the directory the app runs in'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "version" -d 'Print the versions of this tool and of the App Container specification'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "write" -d 'Write the image to a file'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and not __fish_seen_subcommand_from annotation begin cat-manifest copy copy-to-dir dependency end environment isolator label layer mount port replace-manifest run script set-event-handler set-exec set-group set-name set-supp-groups set-tag set-user set-working-directory version write help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from annotation" -f -a "add" -d 'Set an annotation'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from annotation" -f -a "remove" -d 'Remove an annotation'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from dependency" -f -a "add" -d 'Add a dependency'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from dependency" -f -a "remove" -d 'Remove a dependency'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from environment" -f -a "add" -d 'Set an environment variable'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from environment" -f -a "remove" -d 'Remove an environment variable'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from isolator" -f -a "add" -d 'Set an isolator'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from isolator" -f -a "remove" -d 'Remove an isolator'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from label" -f -a "add" -d 'Set a label'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from label" -f -a "remove" -d 'Remove a label'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from mount" -f -a "add" -d 'Add a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from mount" -f -a "remove" -d 'Remove a mount point'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from port" -f -a "add" -d 'Add a port'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from port" -f -a "remove" -d 'Remove a port'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from set-event-handler" -f -a "pre-start" -d 'Set the command that is run before the app'
complete -c acbuild -n "__fish_acbuild_using_subcommand help; and __fish_seen_subcommand_from set-event-handler" -f -a "post-stop" -d 'Set the command that is run after the app'
