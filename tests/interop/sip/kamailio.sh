#!/bin/sh
# A Kamailio with deploy/kamailio/kamailio.cfg, in the foreground.
#
#   kamailio.sh RUN_DIR ADDRESS [define ...] -- USER=PASSWORD ...
#
# RUN_DIR   empty or not yet there; this run's tables, log and control socket (`kamcmd -s unix:RUN_DIR/ctl ul.dump`)
# ADDRESS   host:port of UDP and TCP (TLS: give LISTEN_TLS=... and certificates among the defines)
# define    as in kamailio.cfg's head: WITH_SHA256, WITH_PROXY_AUTH, WITH_EVENTS, MAX_EXPIRES=10, UDP_ONLY ...
set -eu
mkdir -p "$1"
run=$(cd "$1" && pwd)
address=$2
shift 2
config=$(cd "$(dirname "$0")/../../../deploy/kamailio" && pwd)/kamailio.cfg
tables=/usr/share/kamailio/dbtext/kamailio

tcp=yes events=
count=$#
while [ "$count" -gt 0 ] && [ "$1" != -- ]; do
	case $1 in
	UDP_ONLY) tcp= ;;
	*)
		[ "$1" != WITH_EVENTS ] || events=yes
		set -- "$@" -A "$1"
		;;
	esac
	shift
	count=$((count - 1))
done
[ "$count" -eq 0 ] || { shift; count=$((count - 1)); }

umask 077
if [ -n "$events" ]; then
	for table in version presentity active_watchers watchers pua; do cp "$tables/$table" "$run/"; done
else
	echo 'table_name(string) table_version(int)' >"$run/version"
fi
echo "${events:+999:}credentials:2" >>"$run/version"
echo 'id(int,auto) key_name(string) key_type(int) value_type(int) key_value(string) expires(int)' >"$run/credentials"
id=0
while [ "$count" -gt 0 ]; do
	id=$((id + 1))
	password=$(printf %s "${1#*=}" | sed 's/:/\\:/g')
	printf '%s\n' "$id:${1%%=*}:0:0:$password:0" >>"$run/credentials"
	shift
	count=$((count - 1))
done
[ -z "$events" ] || set -- "$@" -A "EVENTS_DOMAIN=\"${address%:*}\"" -A "EVENTS_PROXY=\"sip:$address\""
[ -z "$tcp" ] || set -- "$@" -A "LISTEN_TCP=tcp:$address"
exec kamailio -f "$config" -DD -E -m 64 -M 8 -w "$run" -Y "$run" -P "$run/kamailio.pid" \
	-A "LISTEN=udp:$address" -A "CREDENTIALS=\"text://$run\"" -A "CONTROL=\"unix:$run/ctl\"" "$@" >"$run/log" 2>&1
