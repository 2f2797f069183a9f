# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_actrust_global_optspecs
    string join \n debug dir= system-config= local-config= user-config= h/help V/version
end

function __fish_actrust_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_actrust_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_actrust_using_subcommand
    set -l cmd (__fish_actrust_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c actrust -n "__fish_actrust_needs_command" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_needs_command" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_needs_command" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_needs_command" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_needs_command" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_needs_command" -s V -l version -d 'Print version'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "add" -d 'Trust the keys in files'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "check" -d 'Look for keys and files that need somebody\'s attention'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "disable" -d 'Take the trust in a key back, also in one of the vendor'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "enable" -d 'Undo `actrust disable`'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "explain" -d 'Explain which keys speak for a name or file, and why others do not'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "export" -d 'Write the trusted keys into one file, for hosts without a network'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "import" -d 'Trust the keys of a file made by `actrust export`'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "list" -d 'List the keys of the keystore'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "remove" -d 'Remove a key from this host\'s keystore'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "show" -d 'Show one key, and everywhere it is trusted'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "verify" -d 'Verify a file against its signature and the keys trusted for its name'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "verify-image" -d 'Verify an image of the store again, with the keys that are trusted today'
complete -c actrust -n "__fish_actrust_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c actrust -n "__fish_actrust_using_subcommand add" -l prefix -d 'Names that the key may sign: this one and those beneath it' -r
complete -c actrust -n "__fish_actrust_using_subcommand add" -l format -d 'Data for programs' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand add" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand add" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand add" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand add" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand add" -l root -d 'The key may sign every image'
complete -c actrust -n "__fish_actrust_using_subcommand add" -l skip-fingerprint-review -d 'Do not ask'
complete -c actrust -n "__fish_actrust_using_subcommand add" -l legacy -d 'Accept the old algorithms of these keys: SHA-1, DSA, RSA from 1024 bits'
complete -c actrust -n "__fish_actrust_using_subcommand add" -l user -d 'Change the directory of --user-config, not that of --local-config'
complete -c actrust -n "__fish_actrust_using_subcommand add" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand check" -l within -d 'Warn about keys that expire within this time: a number and one of h, d, w, y' -r
complete -c actrust -n "__fish_actrust_using_subcommand check" -l format -d 'Data for programs' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand check" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand check" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand check" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand check" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand check" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand disable" -l prefix -d 'Names that the key may sign: this one and those beneath it' -r
complete -c actrust -n "__fish_actrust_using_subcommand disable" -l format -d 'Data for programs' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand disable" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand disable" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand disable" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand disable" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand disable" -l root -d 'The key may sign every image'
complete -c actrust -n "__fish_actrust_using_subcommand disable" -l user -d 'Change the directory of --user-config, not that of --local-config'
complete -c actrust -n "__fish_actrust_using_subcommand disable" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand disable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand enable" -l prefix -d 'Names that the key may sign: this one and those beneath it' -r
complete -c actrust -n "__fish_actrust_using_subcommand enable" -l format -d 'Data for programs' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand enable" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand enable" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand enable" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand enable" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand enable" -l root -d 'The key may sign every image'
complete -c actrust -n "__fish_actrust_using_subcommand enable" -l user -d 'Change the directory of --user-config, not that of --local-config'
complete -c actrust -n "__fish_actrust_using_subcommand enable" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand enable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand explain" -l signature -d 'The signature of the file; by default FILE.asc, FILE.aci.asc or FILE.sig' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand explain" -l format -d 'Data for programs' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand explain" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand explain" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand explain" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand explain" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand explain" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand export" -s o -l output -d 'Where to write; by default to standard output' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand export" -l format -d 'Print for programs what was written; needs --output' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand export" -l prefix -d 'Only keys trusted for this name or names beneath it' -r
complete -c actrust -n "__fish_actrust_using_subcommand export" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand export" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand export" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand export" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand export" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand import" -l fingerprint -d 'Accept this key without asking, and leave those out that are not named' -r
complete -c actrust -n "__fish_actrust_using_subcommand import" -l format -d 'Data for programs' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand import" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand import" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand import" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand import" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand import" -l yes -d 'Accept all keys without asking'
complete -c actrust -n "__fish_actrust_using_subcommand import" -l root -d 'Accept without asking that keys may sign every name'
complete -c actrust -n "__fish_actrust_using_subcommand import" -l legacy -d 'Accept without asking that old algorithms of keys are accepted'
complete -c actrust -n "__fish_actrust_using_subcommand import" -l dry-run -d 'Show what would be done, and do nothing'
complete -c actrust -n "__fish_actrust_using_subcommand import" -l user -d 'Change the directory of --user-config, not that of --local-config'
complete -c actrust -n "__fish_actrust_using_subcommand import" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand list" -l format -d 'Data for programs in place of the table' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand list" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand list" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand list" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand list" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand list" -l full -d 'Whole fingerprints'
complete -c actrust -n "__fish_actrust_using_subcommand list" -l no-legend -d 'Leave the headings out'
complete -c actrust -n "__fish_actrust_using_subcommand list" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand remove" -l prefix -d 'Names that the key may sign: this one and those beneath it' -r
complete -c actrust -n "__fish_actrust_using_subcommand remove" -l format -d 'Data for programs' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand remove" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand remove" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand remove" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand remove" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand remove" -l root -d 'The key may sign every image'
complete -c actrust -n "__fish_actrust_using_subcommand remove" -l legacy -d 'Leave the key, but accept its old algorithms no more'
complete -c actrust -n "__fish_actrust_using_subcommand remove" -l user -d 'Change the directory of --user-config, not that of --local-config'
complete -c actrust -n "__fish_actrust_using_subcommand remove" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand show" -l format -d 'Data for programs' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand show" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand show" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand show" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand show" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand show" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand verify" -l signature -d 'The signature; by default FILE.asc, FILE.aci.asc or FILE.sig' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand verify" -l name -d 'The name whose keys count; an image has to have this name' -r
complete -c actrust -n "__fish_actrust_using_subcommand verify" -l format -d 'Data for programs' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand verify" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand verify" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand verify" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand verify" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand verify" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand verify-image" -l format -d 'Data for programs' -r -f -a "json\t'One line'
json-pretty\t'Indented with tabs'"
complete -c actrust -n "__fish_actrust_using_subcommand verify-image" -l dir -d 'Data directory; for a user without root the default is $XDG_DATA_HOME/rkt' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand verify-image" -l system-config -d 'Directory of the vendor\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand verify-image" -l local-config -d 'Directory of this host\'s configuration and keys' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand verify-image" -l user-config -d 'Directory of the user\'s configuration and keys, used only when given' -r -F
complete -c actrust -n "__fish_actrust_using_subcommand verify-image" -l debug -d 'Show every level of an error'
complete -c actrust -n "__fish_actrust_using_subcommand verify-image" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "add" -d 'Trust the keys in files'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "check" -d 'Look for keys and files that need somebody\'s attention'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "disable" -d 'Take the trust in a key back, also in one of the vendor'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "enable" -d 'Undo `actrust disable`'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "explain" -d 'Explain which keys speak for a name or file, and why others do not'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "export" -d 'Write the trusted keys into one file, for hosts without a network'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "import" -d 'Trust the keys of a file made by `actrust export`'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "list" -d 'List the keys of the keystore'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "remove" -d 'Remove a key from this host\'s keystore'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "show" -d 'Show one key, and everywhere it is trusted'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "verify" -d 'Verify a file against its signature and the keys trusted for its name'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "verify-image" -d 'Verify an image of the store again, with the keys that are trusted today'
complete -c actrust -n "__fish_actrust_using_subcommand help; and not __fish_seen_subcommand_from add check disable enable explain export import list remove show verify verify-image help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
