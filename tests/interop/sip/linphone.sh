#!/bin/sh
# A linphonec 5.1, in the foreground, that registers by itself.
#
#   linphone.sh RUN_DIR USER PASSWORD SERVER LOCAL [answer=auto|manual] [srtp=none|optional|mandatory]
#               [codecs=opus/48000,PCMU/8000] [play=FILE.wav] [digits=rtp|info]
#
# RUN_DIR  this run's folder: rc, HOME, log (what it prints), lib.log (SIP and all), heard.wav, and the FIFO `in`
# SERVER   registrar, host:port or host:port;transport=tcp
# LOCAL    own address and port of SIP
# play     what it says, a WAV file, over and over
#
# Control: lines into RUN_DIR/in; see README.md.
set -eu
mkdir -p "$1"
run=$(cd "$1" && pwd)
user=$2 password=$3 server=$4 local=$5
shift 5
answer=manual srtp=none codecs=opus/48000,G722/8000,PCMU/8000,PCMA/8000 play=/usr/share/sounds/linphone/hello8000.wav digits=rtp
for option in "$@"; do
	case $option in
	answer=* | srtp=* | codecs=* | play=* | digits=*) export "${option%%=*}=${option#*=}" ;;
	*) echo "unknown: $option" >&2; exit 2 ;;
	esac
done
case $digits in
rtp) info=0 ;;
info) info=1 ;;
*) echo "unknown: digits=$digits" >&2; exit 2 ;;
esac
mandatory=0
case $srtp in
none) media=none ;;
optional) media=srtp ;;
mandatory) media=srtp mandatory=1 ;;
*) echo "unknown: srtp=$srtp" >&2; exit 2 ;;
esac
address=${local%:*} port=${local##*:}
rtp=$((20000 + port % 1000 * 10))

umask 077
# Without this folder it has no database and starts nothing.
mkdir -p "$run/.local/share/linphone"
cat >"$run/rc" <<END
[sip]
bind_address=$address
sip_port=$port
sip_tcp_port=$port
sip_tls_port=-1
use_info=$info
use_rfc2833=$((1 - info))
media_encryption=$media
media_encryption_mandatory=$mandatory
[net]
mtu=1300
[rtp]
bind_address=$address
nortp_timeout=600
audio_rtp_port=$rtp-$((rtp + 98))
END
number=0
# codec NAME/RATE ENABLED: the order of the sections is the order of the offer.
codec() {
	channels=1
	[ "${1%/*}" != opus ] || channels=2
	printf '[audio_codec_%s]\nmime=%s\nrate=%s\nchannels=%s\nenabled=%s\n' \
		$number "${1%/*}" "${1#*/}" $channels "$2" >>"$run/rc"
	number=$((number + 1))
}
for name in $(echo "$codecs" | tr , ' '); do codec "$name" 1; done
for name in opus/48000 speex/8000 speex/16000 speex/32000 PCMU/8000 PCMA/8000 GSM/8000 G722/8000 G729/8000 \
	G726-16/8000 G726-24/8000 G726-32/8000 G726-40/8000 AAL2-G726-16/8000 AAL2-G726-24/8000 AAL2-G726-32/8000 \
	AAL2-G726-40/8000; do
	case ",$codecs," in
	*",$name,"*) ;;
	*) codec "$name" 0 ;;
	esac
done

[ -p "$run/in" ] || mkfifo "$run/in"
# Open for both, so that it does not end when a writer goes; the first commands wait in it.
exec 3<>"$run/in"
{
	echo 'soundcard use files'
	echo "play $play"
	echo "record $run/heard.wav"
	[ "$answer" = manual ] || echo 'autoanswer enable'
	echo "register sip:$user@${server%%:*} sip:$server $password"
} >&3
HOME=$run exec linphonec -c "$run/rc" -l "$run/lib.log" -d 5 <&3 >"$run/log" 2>&1
