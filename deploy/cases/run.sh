#!/bin/bash
# Tries every case against the program named in BIN, one after the other, and prints a line for each. It exits with 1
# if one shows its fault. CASES="12 17" tries these alone.
BIN=$(realpath "${BIN:?set BIN to the spool program}") || exit 1
export BIN
cd "$(dirname "$0")" || exit 1
bad=0; said=$(mktemp); trap 'rm -f "$said"' EXIT
for case in ${CASES:-$(printf '%s\n' case-*.sh | grep -o '[0-9]*')}; do
	timeout 300 bash "case-$case.sh" >"$said" 2>&1
	status=$?
	case $status in
	0) verdict="as expected" ;;
	1) verdict="SHOWS ITS FAULT" ;;
	2) verdict="cannot be tried here" ;;
	*) verdict="ENDED WITH $status" ;;
	esac
	echo "case $case: $verdict (tried: $(sed -n '2s/^# //p' "case-$case.sh"))"
	[ $status = 0 ] || sed 's/^/    /' "$said"
	[ $status = 0 ] || [ $status = 2 ] || bad=1
done
exit $bad
