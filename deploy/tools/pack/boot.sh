#!/bin/sh
# Boots systemd in the namespaces that it was started in, with a root made of this machine's and
# a layer in memory, in which the package is installed: boot.sh WORK PACKAGE. Nothing of this
# machine is written to, and no unit of its own is started. It is done when WORK/out/status is there.
set -e
work=$1 package=$2 here=$(dirname "$0")
mount --make-rprivate /
mkdir -p "$work/layer"
mount -t tmpfs tmpfs "$work/layer"
root=$work/layer/root
mkdir -p "$work/layer/up" "$work/layer/by" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layer/up,workdir=$work/layer/by" "$root"

# Of the machine's units only the frame.
mkdir "$work/layer/units"
for unit in basic sysinit sockets timers paths slices local-fs local-fs-pre multi-user shutdown umount final network-online network time-sync; do
	cp "/lib/systemd/system/$unit.target" "$work/layer/units/"
done
cp /lib/systemd/system/systemd-journald.service /lib/systemd/system/systemd-journald*.socket "$work/layer/units/"
cat >"$work/layer/units/trial.target" <<UNIT
[Unit]
Wants=systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service trial.service
UNIT
cat >"$work/layer/units/trial.service" <<UNIT
[Unit]
DefaultDependencies=no
After=systemd-journald.service
[Service]
Type=oneshot
ExecStart=/bin/sh /out/trial.sh
StandardOutput=append:/out/log
StandardError=append:/out/log
UNIT
mount --bind "$work/layer/units" "$root/usr/lib/systemd/system"
mount -t tmpfs -o mode=755 tmpfs "$root/etc/systemd/system"
rm -rf "$root/var/lib/spool" "$root/etc/spool"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue" "$root/dev/hugepages" "$root/out"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for device in null zero full random urandom tty; do
	touch "$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
mount --bind "$work/out" "$root/out"
cp "$here/trial.sh" "$work/out/"
cp "$package" "$root/tmp/spool.deb"

cd "$root"
pivot_root . mnt
cd /
umount -l /mnt
dpkg -i /tmp/spool.deb >/out/dpkg.log 2>&1 || { cat /out/dpkg.log; echo 1 >/out/status; exit 1; }
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=trial.target --log-target=journal --show-status=0
