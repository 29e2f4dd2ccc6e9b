#!/bin/sh
# One SIPp scenario, in the foreground; ends with 0 when all calls went as written, 1 if not.
#
#   sipp.sh RUN_DIR SCENARIO LOCAL [REMOTE] [option of sipp ...]
#
# RUN_DIR   gets SCENARIO.messages (all SIP), SCENARIO.errors (why it failed), SCENARIO.screen
# SCENARIO  a file of sipp/ without .xml; `uas*` waits for one call (so no REMOTE), others make one
# LOCAL     own address and port
# REMOTE    address and port of the proxy or the phone
#
# Names of -key and what they are without: see below.
# Options worth knowing: -s USER to call, -t t1 for TCP, -au USER -ap PASSWORD, -key NAME VALUE, -m 2 for two calls,
# -timeout 60s, -r 10 -l 10. RTP that comes is sent back.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
run=$(cd "$1" && pwd) scenario=$2 local=$3
shift 3
case $scenario in
uas*) ;;
*) remote=$1; shift; set -- "$remote" "$@" ;;
esac
port=${local##*:}
cd "$run"
# Of two equal keys the first holds, of two equal options the last.
exec sipp -sf "$here/sipp/$scenario.xml" -i "${local%:*}" -p "$port" -mp $((30000 + port % 1000 * 10)) -rtp_echo \
	-m 1 -timeout 30s -timeout_error -nostdin -trace_msg -message_file "$scenario.messages" \
	-trace_err -error_file "$scenario.errors" "$@" \
	-key target sip:1002@127.0.0.2 -key realm 127.0.0.2 -key user 1001 -key password secret \
	-key second 127.0.0.39:5060 -key waiting yes -key new 1 -key old 0 -key reboot false -key replaces none \
	-key event message-summary -key state confirmed \
	-key sound_port 30700 -key sound_profile RTP/AVP -key sound_formats 0 -key sound_attribute a=ptime:20 -key sound_key a=sendrecv \
	>"$scenario.screen" 2>&1
