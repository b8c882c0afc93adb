# Only the pod has a limit.
podman pod create --name pod-limit-pod --network=none --memory=40m \
    --infra-image "$IMAGE" --infra-command "$FOREVER" --infra-name pod-limit-infra
podman run -d --pod pod-limit-pod --name pod-limit-sibling "$IMAGE" $FOREVER
expect 137 podman run --pod pod-limit-pod --name pod-limit "$IMAGE" $HOG
