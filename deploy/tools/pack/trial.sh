# What somebody does who has installed the package, under the systemd of boot.sh.
set -x
end() {
	journalctl --no-pager -u 'spool*' >/out/journal 2>&1
	echo "$1" >/out/status.new
	mv /out/status.new /out/status
}
trap 'end 1' EXIT
set -e
as() { runuser -u spool -- "$@"; } # who owns the data folder
systemctl enable --now spool
spool ready --wait 60s
curl -s http://127.0.0.1:8080/readyz >/out/readyz
grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$(systemctl show -p MainPID --value spool)/status" >/out/process

# A file is processed, by a flow that says what it sees.
mkdir -p /var/lib/spool/drives/admin/repo/fs/Office/in
chown -R spool: /var/lib/spool/drives
as spool jobs create hello --data /var/lib/spool --input admin/repo/fs/Office/in --output-folder admin/repo/fs/Office/out \
	--command 'cat "$SPOOL_FILE" && cp "$SPOOL_FILE" copy && ls -d /proc/self && ls / && { cat /etc/shadow || echo refused; }'
echo "hello from a package" >/tmp/hello.txt
as spool files put /tmp/hello.txt --job hello --data /var/lib/spool
for _ in $(seq 900); do
	as spool runs list hello --data /var/lib/spool -o json >/out/runs.json
	! grep -q '"outcome": *"ok"' /out/runs.json || break
	sleep 0.2
done
as spool runs logs hello --data /var/lib/spool >/out/run.log 2>&1

# What the unit leaves of the sandbox: a unit with all its settings, that asks.
sed -e 's|^ExecStart=.*|ExecStart=/usr/bin/spool doctor --data /var/lib/spool -o json|' -e 's|^Type=.*|Type=oneshot|' -e '/^Restart=/d' \
	-e 's|^\[Service\]|&\nStandardOutput=append:/out/doctor.json|' /usr/lib/systemd/system/spool.service >/run/systemd/system/doctor.service
: >/out/doctor.json
systemctl daemon-reload
systemctl start doctor || true

# Roles in processes of their own, each under its unit.
systemctl stop spool
systemctl show -p Result -p ExecMainStatus spool >/out/stopped
cat >/etc/spool/spool.env <<ENV
SPOOL_RUN_BINARY_URL=http://127.0.0.1:8090/api/v1/flow/run_binary_async
ENV
for role in gateway cron watcher dispatcher runner; do
	echo "SPOOL_NATS_CREDS=/var/lib/spool/broker/$role.creds" >/etc/spool/$role.env
	echo "SPOOL_DRIVES=/var/lib/spool/drives" >>/etc/spool/$role.env
done
port=8081
systemctl start spool@broker
for _ in $(seq 900); do
	[ ! -e /var/lib/spool/broker/watcher.creds ] || break
	sleep 0.2
done
for role in gateway cron watcher dispatcher runner; do
	[ $role != runner ] || port=8090
	echo "SPOOL_LISTEN=127.0.0.1:$port" >>/etc/spool/$role.env
	systemctl start spool@$role
	spool ready --wait 60s --url http://127.0.0.1:$port
	curl -s http://127.0.0.1:$port/readyz >>/out/roles
	port=$((port + 1))
done
systemctl stop 'spool@*'
trap - EXIT
end 0
