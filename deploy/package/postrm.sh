#!/bin/sh
# /var/lib/spool stays, also on purge: jobs, results and the key of secrets are in it, and in no package.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
if [ "$1" = purge ] && [ -d /var/lib/spool ]; then
	echo "spool: /var/lib/spool and the user spool are left; remove them by hand"
fi
