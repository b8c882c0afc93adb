# What quadlet would write, for a Podman that has no quadlet.
mkdir -p "$UNITS"
cat >"$UNITS/unit-split-job.service" <<EOF
[Service]
Type=notify
NotifyAccess=all
Delegate=yes
Environment=PODMAN_SYSTEMD_UNIT=%n
ExecStart=/usr/bin/podman run --name=unit-split --replace --rm --cgroups=split --sdnotify=conmon -d \
    --network=none --memory=20m --label=PODMAN_SYSTEMD_UNIT=%n $IMAGE $HOG
EOF
units daemon-reload
units start unit-split-job.service || true
wait_for unit_ended unit-split-job.service
