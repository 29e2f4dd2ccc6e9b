#!/bin/sh
# A baresip 1.0 without a screen, in the foreground.
#
#   baresip.sh RUN_DIR USER PASSWORD SERVER LOCAL [answer=auto|manual] [srtp=none|optional|mandatory|dtls]
#              [codecs=opus/48000/2,PCMU] [tone=440|FILE.wav] [rate=16000] [account=more;account;parameters]
#
# RUN_DIR  this run's folder: config, accounts, log, and the call's sound (dump-*-dec.wav heard, dump-*-enc.wav sent)
# SERVER   registrar, host:port or host:port;transport=tcp
# LOCAL    own address and port of SIP, like 127.0.0.11:5060; TLS is on port + 1, the control socket on port + 2
# tone     Hz, or a WAV file of mono, whose end ends the call
# rate     of that file, Hz
#
# Control: netstrings of JSON on the control socket; see README.md.
set -eu
mkdir -p "$1"
run=$(cd "$1" && pwd)
user=$2 password=$3 server=$4 local=$5
shift 5
answer=manual srtp=none codecs=opus/48000/2,G722/16000/1,PCMU/8000/1,PCMA/8000/1 tone=440 rate=16000 account=
for option in "$@"; do
	case $option in
	answer=* | srtp=* | codecs=* | tone=* | rate=* | account=*) export "${option%%=*}=${option#*=}" ;;
	*) echo "unknown: $option" >&2; exit 2 ;;
	esac
done
case $srtp in
none) media= ;;
optional) media=';mediaenc=srtp' ;;
mandatory) media=';mediaenc=srtp-mand' ;;
dtls) media=';mediaenc=dtls_srtp' ;;
*) echo "unknown: srtp=$srtp" >&2; exit 2 ;;
esac
case $tone in
*.wav) source=aufile,$tone channels=1 ;;
*) source=ausine,$tone rate=48000 channels=2 ;; # the only rate it has
esac
address=${local%:*} port=${local##*:}

umask 077
# `net_interface lo` finds no address; its address works. stdio.so fails without a terminal; mwi.so spins when refused.
cat >"$run/config" <<END
poll_method epoll
sip_listen $local
net_interface $address
ctrl_tcp_listen $address:$((port + 2))
module_path /usr/lib/baresip/modules
module opus.so
module g711.so
module g722.so
module g726.so
module l16.so
module aufile.so
module ausine.so
module aubridge.so
module sndfile.so
module srtp.so
module_tmp uuid.so
module_tmp account.so
module_app ctrl_tcp.so
module_app menu.so
module dtls_srtp.so
module_app rtcpsummary.so
audio_source $source
audio_player aubridge,null_$user
audio_alert aubridge,alert_$user
ausrc_srate $rate
ausrc_channels $channels
snd_path $run
rtp_ports $((10000 + port % 1000 * 10))-$((10000 + port % 1000 * 10 + 99))
rtcp_mux no
jitter_buffer_delay 5-50
call_local_timeout 120
call_max_calls 4
END
echo "<sip:$user@$server>;auth_user=$user;auth_pass=\"$password\";answermode=$answer;regint=60;\
audio_codecs=$codecs;ptime=20$media${account:+;$account}" >"$run/accounts"
: >"$run/contacts"
exec baresip -f "$run" -s </dev/null >"$run/log" 2>&1
