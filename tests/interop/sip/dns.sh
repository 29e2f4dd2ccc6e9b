#!/bin/sh
# The name server of hotel.test, in the foreground: `dns.sh RUN_DIR [ADDRESS] [option of dnsmasq ...]`.
#
# RUN_DIR  gets `log`, where every question is
# ADDRESS  127.0.0.53:53 unless said
#
# Options add records or take their place: --host-record=sip1.hotel.test,127.0.0.9
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
run=$(cd "$1" && pwd)
address=${2:-127.0.0.53:53}
shift
[ $# -eq 0 ] || shift
exec dnsmasq --conf-file="$here/dns/hotel.test.conf" --listen-address="${address%:*}" --port="${address##*:}" \
	--user="$(id -un)" --group= --pid-file= --log-facility=- "$@" >"$run/log" 2>&1
