#!/bin/sh
# Runs once inside the new image's first boot, as root, with a real kernel and systemd.
set -eu

# One container image without a registry: busybox and a link for each applet.
tree=$(mktemp -d)
mkdir -p "$tree/bin" "$tree/tmp" "$tree/etc"
chmod 755 "$tree"
chmod 1777 "$tree/tmp"
cp /bin/busybox "$tree/bin/busybox"
for applet in $(/bin/busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"
done
echo 'root:x:0:0:root:/:/bin/sh' >"$tree/etc/passwd"
tar -C "$tree" -c . >/var/tmp/bb.tar
rm -rf "$tree"

chmod 644 /var/tmp/bb.tar
import='podman import --change CMD=/bin/sh /var/tmp/bb.tar localhost/bb:latest'
$import
cd /home/alice
as_alice="runuser -u alice -- env HOME=/home/alice XDG_RUNTIME_DIR=/run/user/1000
    DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus"
$as_alice $import
driver=$($as_alice podman info --format '{{.Store.GraphDriverName}}')
if [ "$driver" != overlay ]; then
    echo "rootless storage driver is $driver, not overlay" >&2
    exit 1
fi
cd /
rm /var/tmp/bb.tar

# So that the same image can boot by itself.
grub-install /dev/vda
update-grub

# From the next boot on: a machine of its own with a persistent journal.
mkdir -p /var/log/journal
: >/etc/machine-id
sync
