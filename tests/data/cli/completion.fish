function __headroom_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        switch $line
            case ':0'
                __fish_complete_path (commandline -ct)
            case ':4'
            case '*'
                echo $line
        end
    end
end
complete -c headroom -f -a '(__headroom_complete)'
