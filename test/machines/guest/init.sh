#!/bin/sh
# The first process of a guest: mounts what a system has, does what the boot's order says, powers off.
#
# The console has what programs say, and the kernel. Results go to the second serial line, where nothing else is written:
# JSON, an object a line (results.ts).
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
export RESULTS=/dev/ttyS1
mkdir -p /dev/pts /dev/shm /run /tmp
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=755 run /run
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
mount -t cgroup2 cgroup /sys/fs/cgroup 2>/dev/null
mount -o remount,rw / 2>/dev/null
ip link set lo up
hostname guest
stty -F "$RESULTS" raw -echo
dmesg -n 4 # errors and warnings alone reach the console

uptime() { cut -d' ' -f1 /proc/uptime; }

# job NAME SECONDS WORD...: runs words in a session of their own, as from a login, and says how they ended.
job() {
	name=$1 seconds=$2
	shift 2
	echo "--- job $name"
	echo "{\"job\":\"$name\",\"began\":$(uptime)}" >"$RESULTS"
	JOB=$name setsid -w timeout -k 10 "$seconds" "$@" </dev/null 2>&1
	status=$?
	echo "--- job $name: status $status"
	echo "{\"job\":\"$name\",\"status\":$status,\"ended\":$(uptime)}" >"$RESULTS"
}

# setting PATH VALUE: one of /proc/sys; the boot is of no use where it does not take.
setting() {
	echo "$2" >"/proc/sys/$1" && [ "$(cat "/proc/sys/$1")" = "$2" ] && return
	echo "init: /proc/sys/$1 is not $2"
	sync
	/bin/busybox poweroff -f
}

echo "{\"release\":\"$(uname -r)\",\"version\":\"$(uname -v)\",\"lsm\":\"$(cat /sys/kernel/security/lsm)\"}" >"$RESULTS"
. /boot-order/order.sh
sync
/bin/busybox poweroff -f
