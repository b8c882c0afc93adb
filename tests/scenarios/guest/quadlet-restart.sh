# The second run has the same name and another id.
mkdir -p "$QUADLETS"
cat >"$DIR/second-time.sh" <<EOF
[ -e /out/quadlet-once ] && { touch /out/quadlet-again; exec $FOREVER; }
touch /out/quadlet-once
exec $HOG
EOF
cat >"$QUADLETS/quadlet-restart-job.container" <<EOF
[Container]
Image=$IMAGE
ContainerName=quadlet-restart
Network=none
Volume=$DIR:/out
PodmanArgs=--memory=20m
Exec=sh /out/second-time.sh

[Service]
Restart=on-failure
RestartSec=1
EOF
units daemon-reload
units start quadlet-restart-job.service || true
wait_for test -e "$DIR/quadlet-again"
