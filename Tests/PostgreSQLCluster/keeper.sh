#!/usr/bin/env bash
# Keeps one PostgreSQL cluster for the tests: makes its directory, starts and ends its server when told to, and removes
# all of it when standard input ends. The other end of that socket is held by the process that runs the tests alone, so
# it ends with that process, however that happens: nothing has to be left in order for the cluster to go.
#
# A command a line, each answered by one line: `ok`, with what was asked for, or `error` and why.
#
# usage: keeper.sh ROOT DATA USER DISK POSTGRES
#   ROOT      the directory of the cluster; must not exist
#   DATA      the data directory: within ROOT, or elsewhere, and then it must not exist either
#   USER      whom the server runs as; empty: whoever runs this
#   DISK      size in megabytes of a file system of its own for ROOT/disk; empty: none
#   POSTGRES  the server's executable
set -u
trap '' HUP INT QUIT TERM PIPE
shopt -s nullglob
cd /

root=$1 data=$2 user=$3 disk=$4 postgres=$5
run=()
[[ -z $user ]] || run=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups --inh-caps=-all --)
# Shared memory that a killed server could not give back itself.
declare -A memory=()

# Finds the processes that work in one of the directories. Every process of a server works in its data directory, also
# those that have lost their parent; what runs beside the server, such as initdb, works in the root.
find_in() {
    found=()
    local process directory
    for process in /proc/[0-9]*; do
        for directory in "$@"; do
            if [[ $process/cwd -ef $directory ]]; then
                found+=("${process#/proc/}")
                break
            fi
        done
    done
    ((${#found[@]} > 0))
}

find_servers() { find_in "$data"; }

# In this order: programs that begin in the root go on to the data directory, and would be missed by looking there first.
find_all() { find_in "$root" "$data"; }

signal_found() { kill "-$1" "${found[@]}" 2>/dev/null; }

# Ends those that the function named finds, until it finds no more.
kill_until_none() {
    local process segment
    while "$1"; do
        # Who is stopped starts no others while the list is walked.
        signal_found STOP
        for process in "${found[@]}"; do
            while read -r segment; do
                memory[$segment]=1
            done < <(grep -hoE '/dev/shm/PostgreSQL\.[0-9]+' "/proc/$process/maps" 2>/dev/null)
        done
        signal_found KILL
        sleep 0.01
    done
}

# Fails with 1 where the root, with 2 where the data directory was not made here.
make() {
    mkdir -m 700 -- "$root" || return 1
    if [[ -n $disk ]]; then
        mkdir -- "$root/disk" || return 2
        mount -t tmpfs -o "size=${disk}m,mode=755" rejoin-tests "$root/disk" || return 2
    fi
    mkdir -m 700 -- "$data" || return 2
    [[ -z $user ]] || chown -- "$user" "$root" "$data"
}

# The segment with which a server guards its data directory outlives its kill. Its key is the directory's inode, or, where
# that is taken, one of the next. Without users it is of no use to anybody.
remove_guard() {
    local inode key id size users _
    inode=$(stat --format=%i "$data") || return
    while read -r key id _ size _ _ users _; do
        if ((users == 0 && size == 56 && ((key - inode) & 0xFFFFFFFF) < 4)); then ipcrm --shmem-id "$id"; fi
    done < <(tail -n +2 /proc/sysvipc/shm)
}

remove() {
    kill_until_none find_all
    remove_guard
    # Again for a program that was only just being started when its like were killed.
    while
        ((made == 2)) || rm -rf --one-file-system -- "$data"
        find_all
    do
        kill_until_none find_all
    done
    ((${#memory[@]} == 0)) || rm -f -- "${!memory[@]}"
    if [[ -n $disk ]]; then umount "$root/disk" || umount --lazy "$root/disk"; fi
    rm -rf --one-file-system -- "$root"
} 2>/dev/null

fault=$(make 2>&1)
made=$?
if ((made == 0)); then echo ok; else echo "error ${fault//$'\n'/; }"; fi
((made != 1)) || exit 1

postmaster=

while read -r command argument; do
    case $command in
    start)
        (cd "$data" && exec "${run[@]}" "$postgres" -D "$data" </dev/null >>"$root/log" 2>&1) &
        postmaster=$!
        echo "ok $postmaster"
        ;;
    signal)
        # To the server's first process.
        kill "-$argument" "$postmaster" 2>/dev/null && echo ok || echo "error the server does not run"
        ;;
    signal-all)
        find_servers && signal_found "$argument"
        echo ok
        ;;
    kill)
        kill_until_none find_servers
        wait "$postmaster" 2>/dev/null
        echo ok
        ;;
    *) echo "error no such command: $command" ;;
    esac
done

remove
[[ ! -e $root && ! -e $data ]]
