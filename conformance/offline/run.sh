#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the programs that have not run yet. To be started again after a reboot: what was under way then is not run again.
case $0 in */*) cd "${0%/*}" || exit ;; esac
start=1 ran=0 new=0 boot='' taint=''
[ ! -e traces ] || while read -r line; do
	case $line in
	'{"start":'*'}') start=$((start + 1)) new=0 ;;
	'{"hello":'*'}' | '{"end":'*'}') new=1 ;; # up to here one more was begun, or ended
	'{"sum":'*'}') ran=$((ran + new)) new=0 ;;
	'{"finish":'*'}') echo "All programs have run."; exit ;;
	esac
done <traces
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
printf '\n{"start":%d,"boot":"%s"}\n' "$start" "$boot" >>traces || exit # the first line ends one that was cut
exec <programs.txt || exit
while [ "$ran" -gt 0 ] && read -r line; do [ "$line" != end ] || ran=$((ran - 1)); done
./lockproof-probe >>traces || { echo "It ended early: start this again, it goes on behind." >&2; exit 1; }
{ read -r taint </proc/sys/kernel/tainted; } 2>/dev/null
printf '{"finish":%d,"taint":%s}\n' "$start" "${taint:-null}" >>traces && echo "All programs have run."
