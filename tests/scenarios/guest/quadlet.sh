# Quadlet runs with --rm --replace --cgroups=split.
mkdir -p "$QUADLETS"
cat >"$QUADLETS/quadlet-job.container" <<EOF
[Container]
Image=$IMAGE
ContainerName=quadlet
Network=none
PodmanArgs=--memory=20m
Exec=$HOG
EOF
units daemon-reload
units start quadlet-job.service || true
wait_for unit_ended quadlet-job.service
