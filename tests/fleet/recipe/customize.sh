#!/bin/sh
# Runs on the controller, as the last step of mmdebstrap: $1 is the new root, $2 the public key.
set -eu
root=$1
key=$2

in_root() { chroot "$root" "$@"; }

user() { # name uid
    in_root useradd --create-home --shell /bin/bash --uid "$2" "$1"
    login "$1" "/home/$1"
}

login() { # name home
    mkdir -m 700 -p "$root$2/.ssh"
    echo "$key" >"$root$2/.ssh/authorized_keys"
    in_root chown -R "$1:" "$2/.ssh"
}

login root /root
user alice 1000
user bob 1001
user deploy 1002
# useradd gives subordinate ids only where login.defs says so; the tests must not depend on it.
for file in subuid subgid; do
    printf 'alice:100000:65536\nbob:165536:65536\ndeploy:231072:65536\n' >"$root/etc/$file"
done
# Podman 4.3 would choose vfs for a user without fuse-overlayfs: a copy of the image per container.
for name in alice bob deploy; do
    mkdir -p "$root/home/$name/.config/containers"
    printf '[storage]\ndriver = "overlay"\n' >"$root/home/$name/.config/containers/storage.conf"
    in_root chown -R "$name:" "/home/$name/.config"
done
mkdir -p "$root/var/lib/systemd/linger"
touch "$root/var/lib/systemd/linger/alice"
chmod 440 "$root/etc/sudoers.d/deploy"

echo '/dev/vda1 / ext4 rw,noatime 0 0' >"$root/etc/fstab"
echo localhost >"$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
: >"$root/etc/resolv.conf"

in_root systemctl enable fleet-network.service
# Installed for the tests to start, but off: its socket alone would start it at boot.
in_root systemctl disable systemd-oomd.service systemd-oomd.socket
# Nothing of this matters to a test, and all of it costs seconds of an emulated boot,
# or wakes up in the middle of a measurement.
in_root systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer \
    grub-common.service grub2-common.service netavark-dhcp-proxy.service netavark-dhcp-proxy.socket \
    systemd-pstore.service systemd-networkd.service systemd-networkd-wait-online.service \
    getty@tty1.service serial-getty@ttyS0.service console-getty.service getty-static.service \
    modprobe@dm_mod.service modprobe@loop.service modprobe@drm.service modprobe@configfs.service \
    modprobe@fuse.service modprobe@efi_pstore.service sys-fs-fuse-connections.mount \
    sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    podman-auto-update.timer podman-auto-update.service
in_root systemctl --global mask podman-auto-update.timer podman-auto-update.service

# The journal of the provisioning boot stays in memory; provision.sh makes it persistent at the end.
rm -rf "$root/var/log/journal"
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
rm -rf "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale" "$root/var/lib/apt/lists"
