#!/bin/sh
# Makes the user and the folders. Spool is neither started nor restarted: that is for whoever knows what runs.
set -e
if command -v systemd-sysusers >/dev/null 2>&1; then
	systemd-sysusers spool.conf
elif ! id spool >/dev/null 2>&1; then
	nologin=$(command -v nologin || echo /bin/false)
	useradd --system --user-group --home-dir /var/lib/spool --no-create-home --shell "$nologin" spool
fi
if command -v systemd-tmpfiles >/dev/null 2>&1; then
	systemd-tmpfiles --create spool.conf
else
	install -d -m 0750 -o root -g spool /etc/spool
	install -d -m 0700 -o spool -g spool /var/lib/spool /var/backups/spool
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	if systemctl is-active --quiet spool.service; then
		echo "spool: the new version runs after: systemctl restart spool"
	else
		echo "spool: start it by: systemctl enable --now spool"
	fi
fi
