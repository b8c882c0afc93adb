# The kernel's record names the unit, never the container.
podman create --network=none --name cgroups-disabled-kill --cgroups=disabled --oom-score-adj=1000 \
    "$IMAGE" $HOG
# OOMPolicy: systemd would stop podman and conmon before they take notice
systemd-run --wait --collect -p MemoryMax=100M -p OOMPolicy=continue \
    podman start -a cgroups-disabled-kill || true
