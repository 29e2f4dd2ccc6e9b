#!/bin/sh
# Makes the certificates of a TLS test in a directory: `certificates.sh DIR`. Each is NAME.crt with NAME.key (P-256).
#
#   ca        the root; trust this one
#   server    hotel.test, sip.hotel.test, 127.0.0.2, 127.0.0.3, ::1
#   expired   as server, ended in 2020
#   future    as server, begins in 2100
#   wrong     another name and no address: other.test
#   stranger  as server, of a CA nobody trusts (stranger-ca)
#   client    a phone's: its CN is a MAC address
set -eu
mkdir -p "$1"
cd "$1"
umask 077

# authority NAME: a root of its own.
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 -subj "/CN=$1" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
		-keyout "$1.key" -out "$1.crt" 2>/dev/null
	mkdir -p "$1.d"
	: >"$1.d/index.txt"
	echo 1000 >"$1.d/serial"
	cat >"$1.cnf" <<-END
		[ca]
		default_ca = this
		[this]
		database = $1.d/index.txt
		serial = $1.d/serial
		new_certs_dir = $1.d
		certificate = $1.crt
		private_key = $1.key
		default_md = sha256
		policy = any
		unique_subject = no
		copy_extensions = none
		[any]
		commonName = supplied
	END
}

# issue CA NAME CN USAGE SAN [START END]: a certificate, ten years from yesterday unless said.
issue() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$3" -keyout "$2.key" -out "$2.csr" \
		2>/dev/null
	printf '%s\n' basicConstraints=CA:FALSE keyUsage=digitalSignature "extendedKeyUsage=$4" "subjectAltName=$5" \
		authorityKeyIdentifier=keyid subjectKeyIdentifier=hash >"$2.ext"
	openssl ca -batch -notext -config "$1.cnf" -extfile "$2.ext" -in "$2.csr" -out "$2.crt" \
		-startdate "${6:-$(date -u -d yesterday +%Y%m%d000000Z)}" \
		-enddate "${7:-$(date -u -d '+3650 days' +%Y%m%d000000Z)}" 2>"$2.log" || { cat "$2.log" >&2; exit 1; }
	rm "$2.ext" "$2.csr" "$2.log"
}

names=DNS:hotel.test,DNS:sip.hotel.test,IP:127.0.0.2,IP:127.0.0.3,IP:::1
authority ca
authority stranger-ca
issue ca server hotel.test serverAuth "$names"
issue ca expired hotel.test serverAuth "$names" 20190101000000Z 20200101000000Z
issue ca future hotel.test serverAuth "$names" 21000101000000Z 21100101000000Z
issue ca wrong other.test serverAuth DNS:other.test
issue stranger-ca stranger hotel.test serverAuth "$names"
issue ca client c074ad010203 clientAuth DNS:c074ad010203
rm -r ca.cnf ca.d stranger-ca.cnf stranger-ca.d
