# Only the pod has a limit.
podman pod create --name pod-limit-pod --network=none --memory=40m \
    --infra-image "$IMAGE" --infra-command "$FOREVER" --infra-name pod-limit-infra
podman run -d --pod pod-limit-pod --name pod-limit-sibling "$IMAGE" $FOREVER
# The rootless conmon is in the pod's cgroup without any protection. When the kernel kills it too, on a slow
# host, `podman run` waits for ever (scenario conmon-gone): once more then.
hog() { timeout 60 podman run --pod pod-limit-pod --name pod-limit "$IMAGE" $HOG; }
for attempt in 1 2 3; do
    got=0
    hog || got=$?
    [ "$got" = 137 ] && break
    podman rm -f -t 0 pod-limit
done
[ "$got" = 137 ]
