# Only the pod has a limit.
# The kernel may kill another process of the pod than the hog's too (see slice-limit.sh): once more then.
pod() {
    podman pod create --name pod-limit-pod --network=none --memory=40m \
        --infra-image "$IMAGE" --infra-command "$FOREVER" --infra-name pod-limit-infra
    podman run -d --pod pod-limit-pod --name pod-limit-sibling "$IMAGE" $FOREVER
    # the containers that are to go on, and their conmons; once they are gone, Podman says 0, which is always there
    pids=$(podman inspect --format '{{.State.Pid}} {{.State.ConmonPid}}' pod-limit-sibling pod-limit-infra)
    got=0
    timeout 60 podman run --pod pod-limit-pod --name pod-limit "$IMAGE" $HOG || got=$?
    [ "$got" = 137 ] || return
    # who was killed right after the hog takes a moment to go
    sleep 5
    kill -0 $pids
}
for attempt in 1 2 3 4 5; do
    pod && exit
    podman pod rm -f -i -t 0 pod-limit-pod
done
exit 1
