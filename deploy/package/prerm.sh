#!/bin/sh
# On removal, not on upgrade (dpkg says "upgrade", rpm counts what is left), everything of it stops.
set -e
case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl disable --now spool.service spool-backup.timer spool-backup-verify.timer 'spool@*.service' >/dev/null 2>&1 || true
fi
